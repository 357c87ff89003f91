import type { Mutable } from '../../../model/mutable.ts';
import type { Owner, Socket, SocketState } from '../../../model/socket.ts';
import type { KernelEvent } from '../../types.ts';
import type { Network } from '../namespaces/network.ts';
import type { ClosedSocket } from '../netlink/closes.ts';
import type { ClosedRecord, LedgerRecords } from '../ledger/records.ts';
import type { Attribution } from '../owners/attribution.ts';
import { interfaceOf, scoped } from '../sockets/make-socket.ts';
import type { Senders } from './senders.ts';
import type { TcpOwners } from './tcp-owners.ts';
import { findAtEndpoints, type FoundAtEndpoints } from './tcp-queries.ts';
import {
  type DestroyedSocket,
  hasOtherPorts,
  takeSteps,
  type TracedSocket,
  type TracedSockets,
} from './traced-sockets.ts';

const GONE: readonly Owner[] = [{ knowledge: 'gone' }];

/** A socket that is being made. */
type MutableSocket = Mutable<Socket>;

/** A close message with what else is known of its socket. */
interface Closing {
  readonly closed: ClosedSocket;
  /** When the trace saw the socket destroyed; undefined if it did not. */
  readonly tracedAtMs: number | undefined;
  readonly traced: TracedSocket | undefined;
  readonly record: ClosedRecord | undefined;
  /** Traffic and peers that the ledger counted; undefined for TCP. */
  readonly counted: ReturnType<LedgerRecords['takeTraffic']>;
  readonly lastState: SocketState | undefined;
  found: FoundAtEndpoints;
}

const NOTHING_FOUND: FoundAtEndpoints = {};
const ACCEPTED: FoundAtEndpoints = { isListener: true };

type Ended = KernelEvent & { readonly type: 'ended' };

/** Options of `CloseEvents`; see `LinuxEventsOptions`. */
interface CloseOptions {
  readonly attribution: Attribution;
  readonly records?: LedgerRecords | undefined;
  readonly omitsNewRemnants?: () => boolean;
}

/**
 * Makes the events of closes: the pending state changes of the socket, then `ended`.
 *
 *     close messages ──▶ each joined with the traced socket (endpoints, states, owners), or with its record in the ledger
 *                    ──▶ all queried for their remnants ──▶ ended
 *     traced socket whose close message was lost ──▶ ended, without counters
 */
export class CloseEvents {
  readonly #traced: TracedSockets;
  readonly #senders: Senders;
  readonly #tcpOwners: TcpOwners;
  readonly #attribution: Attribution;
  readonly #records: LedgerRecords | undefined;
  readonly #omitsNewRemnants: () => boolean;

  constructor(
    traced: TracedSockets,
    senders: Senders,
    tcpOwners: TcpOwners,
    { attribution, records, omitsNewRemnants = () => false }: CloseOptions,
  ) {
    this.#traced = traced;
    this.#senders = senders;
    this.#tcpOwners = tcpOwners;
    this.#attribution = attribution;
    this.#records = records;
    this.#omitsNewRemnants = omitsNewRemnants;
  }

  /** Returns the events of sockets from their close messages. */
  ofMessages(network: Network, closed: readonly ClosedSocket[]): readonly KernelEvent[] {
    const closings: Closing[] = [];
    for (const it of closed) {
      const closing = this.#joined(it);
      if (closing) closings.push(closing);
    }
    const omitsRemnants = this.#omitsRemnants(network);
    const asked = closings.filter((it) => mayLeaveRemnant(it) && !(omitsRemnants && isKnownAtEnd(it)));
    findAtEndpoints(
      network,
      asked.map((it) => it.closed),
      (index, found) => {
        const closing = asked[index];
        if (closing) closing.found = found;
      },
    );
    const events: KernelEvent[] = [];
    for (const it of closings) this.#addEvents(network, it, events);
    return events;
  }

  /** Returns true if no poll shows the remnants of connections that close now. */
  #omitsRemnants(network: Network): boolean {
    return network.omitsRemnants || this.#omitsNewRemnants();
  }

  /** Returns a close message with what else is known of the socket; undefined if the socket was never used. */
  #joined(closed: ClosedSocket): Closing | undefined {
    const { id, protocol, addresses } = closed;
    const destroyed = this.#traced.takeDestroyed(id);
    const record = this.#records?.takeClosed(id);
    const counted = protocol === 'tcp' ? undefined : this.#records?.takeTraffic(id);
    // A socket that was never bound had no traffic.
    if (addresses.local.port === 0 && destroyed === undefined && !record?.local) return undefined;
    const traced =
      destroyed && hasOtherPorts(destroyed.traced, addresses.local.port, addresses.remote?.port ?? 0)
        ? undefined
        : destroyed?.traced;
    const lastState = traced?.steps.at(-1)?.now ?? stateOf(closed, record);
    const found = record?.opened === 'in' ? ACCEPTED : NOTHING_FOUND;
    return { closed, tracedAtMs: destroyed?.atMs, traced, record, counted, lastState, found };
  }

  /** Adds the pending state changes of a closed socket, and its end. */
  #addEvents(
    network: Network,
    { closed, tracedAtMs, traced, record, counted, lastState, found }: Closing,
    events: KernelEvent[],
  ): void {
    const { protocol, addresses } = closed;
    // Trace and ledger take precedence: the close message of a reset or refused connection lacks part of its endpoints.
    const earlier = traced && traced.local.port !== 0 ? traced.local : record?.local;
    const local = earlier ?? addresses.local;
    const peer = addresses.remote?.port === 0 ? null : addresses.remote;
    const remote = traced?.remote ?? record?.remote ?? peer;
    const owners =
      traced?.owners ??
      record?.owners ??
      (protocol === 'tcp'
        ? this.#tcpOwners.of(network, local, 0)
        : this.#senders.takeOwners(
            { netns: network.inode ?? -1, family: addresses.family, local, remote },
            () => network.hasUdp(addresses.family, closed.sockId),
          ));
    const traffic =
      counted?.traffic ??
      trafficOf(closed, found, {
        hasPeerFin: traced?.hasPeerFin ?? hasPeerClosed(record),
        isClosedFirst: isClosedFirst(record),
      });
    const uid =
      record?.uid ??
      (protocol === 'tcp' && !traced?.owners ? this.#tcpOwners.listenerUid(network, local) : undefined);
    const socket = this.#socketOf(network, closed, { local, remote }, owners);
    const state = lastState ?? addresses.state;
    const opened = traced?.opened ?? record?.opened;
    if (state !== undefined) socket.state = state;
    if (uid !== undefined) this.#setUser(socket, uid);
    if (record) socket.createdAtMs = record.createdAtMs;
    if (traffic) socket.traffic = traffic;
    if (counted && counted.peers.length > 0) socket.peers = counted.peers;
    if (opened) socket.opened = opened;
    const atMs = tracedAtMs ?? endOf(closed, record);
    const ended: Mutable<Ended> = { type: 'ended', atMs, socket, learntBy: 'destroy' };
    if (record) ended.lifetimeMs = Math.max(0, atMs - record.bornMs);
    else if (closed.end) {
      ended.lifetimeMs = closed.end.lifetimeMs;
      ended.isAtLeast = !closed.end.isFullLifetime;
    }
    if (found.remnant && !this.#omitsRemnants(network)) ended.remnant = found.remnant;
    if (traced) events.push(...eventsOfEnd(traced, ended));
    else events.push(ended);
  }

  /** Returns the fields that every closed socket has. Assigned, not spread: this runs for each close of a storm. */
  #socketOf(
    network: Network,
    { id, protocol, addresses, interfaceIndex }: ClosedSocket,
    { local, remote }: Pick<Socket, 'local' | 'remote'>,
    owners: readonly Owner[],
  ): MutableSocket {
    const name = interfaceOf(network, interfaceIndex, local.address);
    const socket: MutableSocket = {
      id,
      protocol,
      family: addresses.family,
      local: scoped(local, name),
      remote: remote && scoped(remote, name),
      owners,
    };
    if (name !== undefined) socket.interface = name;
    if (network.netns) socket.netns = network.netns;
    return socket;
  }

  /** Sets the user of a closed socket: that of its creator, or of the listener that accepted it. */
  #setUser(socket: MutableSocket, uid: number): void {
    const user = this.#attribution.userOf(uid);
    socket.uid = uid;
    if (user !== undefined) socket.user = user;
  }
}

/** Returns true for a connection that may have left a remnant: the side that closes last leaves none. */
const mayLeaveRemnant = ({ closed: { protocol, addresses, end }, lastState }: Closing): boolean =>
  protocol === 'tcp' && addresses.remote !== null && end !== undefined && lastState !== 'LAST_ACK';

/**
 * Returns true if its remnant cannot change its received bytes (see `trafficOf`): where remnants are not shown, it needs no
 * lookup. At 5,000 connections a second the lookups took 8 of 53 µs of CPU a connection in `watch --json`.
 */
function isKnownAtEnd({ closed: { traffic, end }, record, found }: Closing): boolean {
  if (end === undefined || end.dataSegmentsIn === 0) return true;
  if (!isClosedFirst(record)) return false;
  if (traffic?.recvQueue !== 1) return true;
  // A close(2) with unread data would have reset the connection, without a FIN that the peer could acknowledge.
  return record?.releasedState === 'ESTABLISHED' && end.synFinAcked >= expectedAcked(found);
}

/** Returns the number of bytes besides the payload that the peer acknowledges until this side has closed: its SYN and its FIN. */
const expectedAcked = ({ isListener = false }: FoundAtEndpoints): number => (isListener ? 1 : 2);

/** Returns true if the peer closed the connection before this side did, which then leaves no remnant. */
const hasPeerClosed = (record: ClosedRecord | undefined): boolean => record?.releasedState === 'CLOSE_WAIT';

/** Returns true if the ledger saw that this side closed its connection before the peer did. */
const isClosedFirst = ({ releasedState }: Partial<ClosedRecord> = {}): boolean =>
  releasedState === 'ESTABLISHED' || releasedState === 'FIN_WAIT1' || releasedState === 'FIN_WAIT2';

/** Returns the last state of a socket by its record; undefined if the record does not show it. */
function stateOf({ protocol, end }: ClosedSocket, record?: ClosedRecord): SocketState | undefined {
  if (record?.isListener) return 'LISTEN';
  if (hasPeerClosed(record)) return 'LAST_ACK';
  // Without counters the connection was never established, or this side has reset it: then it was open until the close.
  const wasOpen = record?.releasedState !== 'CLOSE' && record?.releasedState !== 'SYN_SENT';
  return protocol === 'tcp' && record?.opened === 'out' && end === undefined && !wasOpen
    ? 'SYN_SENT'
    : undefined;
}

/**
 * Maximum delay of a close message, milliseconds. A worker of the kernel sends it (net/core/sock_diag.c,
 * sock_diag_broadcast_destroy), which waits for a processor on a busy machine.
 */
const MAX_MESSAGE_DELAY_MS = 1000;

/**
 * Returns when a socket ended, on the sampler's clock. The kernel destroys most sockets as soon as their last descriptor is
 * closed. Those that wait for their peer end later, at the latest when the message arrives.
 */
function endOf({ atMs, sinceMs }: ClosedSocket, record?: ClosedRecord): number {
  const { releasedMs } = record ?? {};
  if (releasedMs === undefined) return atMs;
  return releasedMs > sinceMs - MAX_MESSAGE_DELAY_MS ? releasedMs : atMs;
}

/** Returns the events of a traced socket whose close message was lost. */
export function eventsWithoutMessage({ traced, id, atMs }: DestroyedSocket): readonly KernelEvent[] {
  if (traced.local.port === 0) return [];
  const { family, local, remote, opened, owners, steps } = traced;
  const state = steps.at(-1)?.now ?? 'CLOSE';
  const socket: Socket = {
    id,
    protocol: 'tcp',
    family,
    local,
    remote,
    state,
    ...(opened && { opened }),
    owners: owners ?? GONE,
  };
  return eventsOfEnd(traced, { type: 'ended', atMs, socket, learntBy: 'trace' });
}

/** Returns the pending state changes of a traced socket, and its end with its lifetime. */
function eventsOfEnd(traced: TracedSocket, end: Ended): readonly KernelEvent[] {
  const { socket, atMs } = end;
  const { createdMs } = traced;
  return [
    ...takeSteps(traced, socket.id, { ...socket, traffic: {} }),
    createdMs === undefined ? end : { ...end, lifetimeMs: atMs - createdMs, isAtLeast: false },
  ];
}

/**
 * Subtracts the peer's FIN, which the kernel counts as a received byte, from the counters of a closed connection, and returns
 * them. The message does not say whether a FIN arrived. It did if the peer acknowledged our FIN and no remnant is left, or if the
 * remnant is in TIME_WAIT and not in FIN_WAIT2. If this side closed first, the FIN may also have arrived at the remnant, which
 * has no counters. A FIN that the socket counted is then all that its receive queue has: no program could read it any more, and
 * the kernel resets a connection that is closed with unread data (tcp_close) or gets some later (tcp_rcv_state_process).
 * @param found the remnant, or the listener that accepted it
 */
function trafficOf(
  { traffic, end }: ClosedSocket,
  found: FoundAtEndpoints,
  {
    hasPeerFin,
    isClosedFirst,
  }: {
    /** Trace or ledger saw the peer's FIN. */
    readonly hasPeerFin: boolean;
    /** The ledger saw that this side closed first. */
    readonly isClosedFirst: boolean;
  },
): Socket['traffic'] {
  if (traffic === undefined || end === undefined) return traffic;
  const { remnant } = found;
  const hasArrived = remnant ? remnant.state === 'TIME_WAIT' : end.synFinAcked >= expectedAcked(found);
  const hasFin = hasPeerFin || (hasArrived && !(isClosedFirst && traffic.recvQueue !== 1));
  traffic.rxBytes = end.dataSegmentsIn === 0 ? 0 : Math.max(0, (traffic.rxBytes ?? 0) - Number(hasFin));
  return traffic;
}
