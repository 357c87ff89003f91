import { Cache } from '../../../model/cache.ts';
import type { Endpoint, SocketState } from '../../../model/socket.ts';
import { addressAt, AF_INET, AF_INET6, STATES } from '../netlink/inet.ts';
import { LITTLE_ENDIAN, textAt } from '../netlink/wire.ts';
import { COUNTERS, ENDPOINTS, ENTRY, MAX_PEERS, NAME_LENGTH, PEER, TCP_OPERATION } from './layout.ts';

/** A process that created or released a socket. */
export interface LedgerProcess {
  readonly pid: number;
  readonly tid: number;
  /** The kernel's name of the thread, up to 15 bytes. Not sanitized. */
  readonly comm: string;
}

/** Entry of the ledger about a socket. Times are milliseconds of CLOCK_MONOTONIC. */
export interface LedgerEntry {
  /** Time of socket(2), or of the end of the handshake if it was accepted. */
  readonly bornMs: number;
  /** Process that called socket(2). Undefined for an accepted socket, and outside netpane's pid namespace. */
  readonly creator: LedgerProcess | undefined;
  /** User of the process that called socket(2); undefined for an accepted socket. */
  readonly uid: number | undefined;
  /** Time at which its last descriptor was closed; undefined while it is open. */
  readonly releasedMs: number | undefined;
  /** Process that closed its last descriptor. Undefined if none did, and outside netpane's pid namespace. */
  readonly releaser: LedgerProcess | undefined;
  /** Its TCP state when the last descriptor was closed; undefined while it is open. */
  readonly releasedState: SocketState | undefined;
  /** The last TCP operation that set its endpoints; undefined for other protocols, and before. */
  readonly tcp:
    | {
        readonly operation: keyof typeof TCP_OPERATION;
        readonly family: 'ipv4' | 'ipv6';
        readonly local: Endpoint;
        /** Null for a listener. */
        readonly remote: Endpoint | null;
      }
    | undefined;
}

/** Packets and payload bytes since the ledger was opened. */
export interface Counters {
  readonly rxPackets: number;
  readonly rxBytes: number;
  readonly txPackets: number;
  readonly txBytes: number;
}

/** Returns a 64-bit number of a value; exact below 2^53. */
const numberAt = (view: DataView, at: number): number =>
  view.getUint32(at + (LITTLE_ENDIAN ? 0 : 4), LITTLE_ENDIAN) +
  view.getUint32(at + (LITTLE_ENDIAN ? 4 : 0), LITTLE_ENDIAN) * 2 ** 32;

/** Maximum number of threads whose process is kept. */
const MAX_THREADS = 1000;

/** The last process of each thread, by tid, with the four words of its name: nearly all entries are of a few processes. */
const PROCESSES = new Cache<number, { readonly words: readonly number[]; readonly process: LedgerProcess }>(
  MAX_THREADS,
);

/**
 * Returns the process of two 32-bit numbers, its tid and its pid; undefined for pid 0. Equal processes are mostly the same
 * object.
 */
function processAt(view: DataView, idAt: number, nameAt: number): LedgerProcess | undefined {
  const tid = view.getUint32(idAt + (LITTLE_ENDIAN ? 0 : 4), LITTLE_ENDIAN);
  const pid = view.getUint32(idAt + (LITTLE_ENDIAN ? 4 : 0), LITTLE_ENDIAN);
  if (pid === 0) return undefined;
  const known = PROCESSES.get(tid);
  if (known?.process.pid === pid && hasWords(view, nameAt, known.words)) return known.process;
  const process = { pid, tid, comm: nameOf(view, nameAt) };
  PROCESSES.set(tid, { words: [0, 4, 8, 12].map((at) => view.getUint32(nameAt + at)), process });
  return process;
}

const hasWords = (view: DataView, at: number, words: readonly number[]): boolean =>
  view.getUint32(at) === words[0] &&
  view.getUint32(at + 4) === words[1] &&
  view.getUint32(at + 8) === words[2] &&
  view.getUint32(at + 12) === words[3];

/** Returns the name of a thread. Nearly all are ASCII, for which a decoder would cost more than the rest of the entry. */
function nameOf(view: DataView, start: number): string {
  let name = '';
  for (let at = start; at < start + NAME_LENGTH; at++) {
    const code = view.getUint8(at);
    if (code === 0) break;
    if (code > 0x7f) {
      const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      return textAt({ bytes }, start, start + NAME_LENGTH);
    }
    name += String.fromCharCode(code);
  }
  return name;
}

const OPERATION_NAMES: ReadonlyMap<number, keyof typeof TCP_OPERATION> = new Map([
  [TCP_OPERATION.connect, 'connect'],
  [TCP_OPERATION.accepted, 'accepted'],
  [TCP_OPERATION.listen, 'listen'],
]);

function tcpAt(view: DataView): LedgerEntry['tcp'] {
  const operation = OPERATION_NAMES.get(view.getUint32(ENTRY.operation, LITTLE_ENDIAN));
  const number = view.getUint32(ENTRY.family, LITTLE_ENDIAN);
  if (operation === undefined || (number !== AF_INET && number !== AF_INET6)) return undefined;
  const family = number === AF_INET ? 'ipv4' : 'ipv6';
  const at = (offset: number) => ENTRY.endpoints + offset;
  const [localAt, remoteAt] =
    family === 'ipv4' ? [ENDPOINTS.local4, ENDPOINTS.remote4] : [ENDPOINTS.local6, ENDPOINTS.remote6];
  const local = {
    address: addressAt(view, at(localAt), family),
    port: view.getUint32(at(ENDPOINTS.localPort), LITTLE_ENDIAN),
  };
  // In network byte order: the port comes first, or last on big-endian machines.
  const remotePort = view.getUint16(at(ENDPOINTS.remotePort) + 2) || view.getUint16(at(ENDPOINTS.remotePort));
  const remote =
    operation === 'listen' ? null : { address: addressAt(view, at(remoteAt), family), port: remotePort };
  return { operation, family, local, remote };
}

/** Returns when the last descriptor of the socket was closed, milliseconds of CLOCK_MONOTONIC; undefined while it is open. */
export function releasedMsAt(view: DataView): number | undefined {
  const releasedNs = numberAt(view, ENTRY.releasedNs);
  return releasedNs === 0 ? undefined : releasedNs / 1e6;
}

export function decodeEntry(view: DataView): LedgerEntry {
  const creator = processAt(view, ENTRY.creator, ENTRY.creatorName);
  const releasedMs = releasedMsAt(view);
  const isOpen = releasedMs === undefined;
  const tcp = tcpAt(view);
  return {
    bornMs: numberAt(view, ENTRY.bornNs) / 1e6,
    creator,
    uid:
      tcp?.operation === 'accepted'
        ? undefined
        : view.getUint32(ENTRY.creatorUser + (LITTLE_ENDIAN ? 0 : 4), LITTLE_ENDIAN),
    releasedMs,
    releasedState: isOpen ? undefined : STATES[view.getUint32(ENTRY.releasedState, LITTLE_ENDIAN)],
    releaser: isOpen ? undefined : processAt(view, ENTRY.releaser, ENTRY.releaserName),
    tcp,
  };
}

export const decodeCounters = (view: DataView): Counters => ({
  rxPackets: numberAt(view, COUNTERS.rxPackets),
  rxBytes: numberAt(view, COUNTERS.rxBytes),
  txPackets: numberAt(view, COUNTERS.txPackets),
  txBytes: numberAt(view, COUNTERS.txBytes),
});

/** Returns the peer at an offset of a value; undefined if there is none, or if it was just being written. */
function peerAt(view: DataView, at: number): Endpoint | undefined {
  const u32 = (offset: number) => view.getUint32(at + offset);
  const check = u32(PEER.upper) ^ u32(PEER.upper + 4) ^ u32(PEER.lower) ^ u32(PEER.lower + 4);
  const version = view.getUint8(at + PEER.version);
  if (check >>> 0 !== u32(PEER.check) || (version !== 4 && version !== 6)) return undefined;
  const address =
    version === 6 ? addressAt(view, at + PEER.upper, 'ipv6') : addressAt(view, at + PEER.lower, 'ipv4');
  return { address, port: view.getUint16(at + PEER.port) };
}

/** Returns the last peers of a socket that is not connected, the latest new one first. */
export function decodePeers(view: DataView): readonly Endpoint[] {
  const count = numberAt(view, COUNTERS.peerCount);
  const peers: Endpoint[] = [];
  for (let i = count - 1; i >= Math.max(0, count - MAX_PEERS); i--) {
    const peer = peerAt(view, COUNTERS.peers + (i % MAX_PEERS) * PEER.length);
    if (peer) peers.push(peer);
  }
  return peers;
}
