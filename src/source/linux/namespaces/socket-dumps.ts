import type { Protocol, Socket } from '../../../model/socket.ts';
import { type Channel, dump, type DumpResult } from '../netlink/dump.ts';
import { AF_INET, INET, STATES } from '../netlink/inet.ts';
import { NativeError } from '../netlink/errno.ts';
import type { Channels } from '../netlink/system.ts';
import { LITTLE_ENDIAN, type NetlinkBuffer } from '../netlink/wire.ts';
import type { DumpRequest } from './dump-requests.ts';
import { QuietKinds } from './quiet-kinds.ts';
import { QuietTcp } from './quiet-tcp.ts';

/** Outcome of a poll of one namespace. */
export interface NetworkPoll {
  /** Protocols whose dump failed or is incomplete. */
  readonly unfinished: ReadonlySet<Protocol>;
  /** Reason why the TCP dump failed; undefined if it succeeded. */
  readonly failure: string | undefined;
  /** Number of malformed messages. */
  readonly problems: number;
  /** Number of dumps given up after MAX_TRIES attempts: the kernel's table changed during each attempt. */
  readonly interrupted: number;
  /** Extra kinds of sockets requested by the user that this kernel does not support. */
  readonly missing: readonly Protocol[];
  /** Other protocols that this kernel does not list over netlink, though it may have such sockets. */
  readonly withoutDiag: ReadonlySet<Protocol>;
  /** True if TCP connections were not asked for, because none has changed since the last poll. */
  readonly keepsConnections: boolean;
}

/** Returns true if a poll may have left out an open socket: its dump was incomplete, or connections were not asked for. */
export const mayBeLeftOut = (
  { unfinished, keepsConnections }: NetworkPoll,
  { protocol, state }: Pick<Socket, 'protocol' | 'state'>,
): boolean => unfinished.has(protocol) || (keepsConnections && protocol === 'tcp' && state !== 'LISTEN');

/** Maximum number of attempts for a dump during which the kernel's table changes. */
const MAX_TRIES = 3;

/** Number of polls after which an unsupported protocol is requested again: a kernel module may have been loaded. */
const RETRY_POLLS = 120;

/**
 * Errnos for a protocol that the kernel does not have, or for which it has no diag module: ENOENT, EINVAL,
 * EPROTONOSUPPORT, EOPNOTSUPP, EAFNOSUPPORT.
 */
const UNSUPPORTED = new Set([2, 22, 93, 95, 97]);

/** Dumps all sockets of a namespace, with the requests that this kernel supports. */
export class SocketDumps {
  #requests: readonly DumpRequest[];
  /** Requests that the kernel does not support, with the number of the poll that sends them again. */
  readonly #retryPolls = new Map<DumpRequest, number>();
  readonly #asksDetails: boolean;
  readonly #quietTcp: QuietTcp;
  readonly #quietKinds: QuietKinds<DumpRequest | 'tables'>;

  /**
   * @param options `offset`: see `QuietTcp` and `QuietKinds`; `asksDetails`: true if the requests ask for details of
   * connections, some of which change as time passes
   */
  constructor(
    requests: readonly DumpRequest[],
    { offset = 0, asksDetails }: { readonly offset: number | undefined; readonly asksDetails: boolean },
  ) {
    this.#requests = requests;
    this.#asksDetails = asksDetails;
    this.#quietTcp = new QuietTcp(offset);
    this.#quietKinds = new QuietKinds(offset);
  }

  /** True if this poll need not read the tables in /proc/net: they have no sockets. */
  get hasNoTableSockets(): boolean {
    return this.#quietKinds.isQuiet('tables');
  }

  /** Makes the next poll ask for all TCP sockets. */
  askForAll(): void {
    this.#quietTcp.reset();
  }

  /** Notes that this poll has read all tables in /proc/net and found no socket. */
  noteEmptyTables(): void {
    this.#quietKinds.noteEmpty('tables');
  }

  /**
   * Dumps all sockets of a namespace.
   * @param network passed to `onSocket`
   * @param poll number of the current poll
   * @param onDatagram runs after each datagram, for work that cannot wait for the end of the poll
   * @param socketCount see `QuietKinds`; given for netpane's own namespace only, the others use `TcpActivity` instead
   */
  read<Network>(
    { diag, tcpActivity }: Pick<Channels, 'diag' | 'tcpActivity'>,
    network: Network,
    poll: number,
    onSocket: (
      network: Network,
      protocol: Protocol,
      buffer: NetlinkBuffer,
      start: number,
      end: number,
    ) => void,
    onDatagram?: () => void,
    socketCount?: string,
  ): NetworkPoll {
    const unfinished = new Set<Protocol>();
    let failure: string | undefined;
    let problems = 0;
    let interrupted = 0;
    const missing = new Set<Protocol>();
    const withoutDiag = new Set<Protocol>();
    const activity = tcpActivity?.read();
    const asksListenersOnly = this.#quietTcp.begin(poll, activity);
    this.#quietKinds.begin(poll, socketCount ?? activity);
    let areAllSettled = true;
    for (let i = 0; i < this.#requests.length; i++) {
      const dumpRequest = this.#requests[i];
      if (dumpRequest === undefined) break;
      const { protocol } = dumpRequest;
      if ((this.#retryPolls.get(dumpRequest) ?? 0) > poll) {
        (dumpRequest.isExtra ? missing : withoutDiag).add(protocol);
        continue;
      }
      if (this.#quietKinds.isQuiet(dumpRequest)) continue;
      let found = 0;
      const result = dumpStable(
        diag,
        (asksListenersOnly ? dumpRequest.listeners : undefined) ?? dumpRequest.request,
        (buffer, start, end) => {
          found++;
          if (protocol === 'tcp' && !this.#isAtRest(buffer, start)) areAllSettled = false;
          onSocket(network, protocol, buffer, start, end);
        },
        onDatagram,
      );
      if (protocol === 'tcp' && !isComplete(result)) areAllSettled = false;
      if (dumpRequest.isRare && found === 0 && isComplete(result)) this.#quietKinds.noteEmpty(dumpRequest);
      problems += result.problems;
      interrupted += Number(result.interrupted);
      // The rest of a datagram after a malformed message is lost.
      if (result.problems > 0) unfinished.add(protocol);
      if (result.errno === 0) continue;
      if (dumpRequest.fallback) {
        // Use the fallback requests from now on, starting with this poll.
        this.#requests = [
          ...this.#requests.slice(0, i),
          ...dumpRequest.fallback,
          ...this.#requests.slice(i + 1),
        ];
        i--;
      } else if (isUnsupported(dumpRequest, result.errno)) {
        this.#retryPolls.set(dumpRequest, poll + RETRY_POLLS);
        (dumpRequest.isExtra ? missing : withoutDiag).add(protocol);
      } else {
        unfinished.add(protocol);
        if (dumpRequest.isEssential) failure = result.error;
      }
    }
    if (!asksListenersOnly) this.#quietTcp.endFull(areAllSettled);
    return {
      unfinished,
      failure,
      problems,
      interrupted,
      missing: [...missing],
      withoutDiag,
      keepsConnections: asksListenersOnly,
    };
  }

  /** Returns true for a TCP socket about which a later poll need not ask while the counters stay the same, see `QuietTcp`. */
  #isAtRest(buffer: NetlinkBuffer, start: number): boolean {
    return isListener(buffer, start) || (!this.#asksDetails && isSettled(buffer, start));
  }

  /** Returns the outcome of a poll in which nothing could be read. */
  failed(failure: string): NetworkPoll {
    return {
      unfinished: new Set(this.#requests.map(({ protocol }) => protocol)),
      failure,
      problems: 0,
      interrupted: 0,
      missing: [],
      withoutDiag: new Set(),
      keepsConnections: false,
    };
  }
}

/** Returns true if an errno means that the kernel cannot list the sockets of a request. */
const isUnsupported = ({ isEssential, request }: DumpRequest, errno: number): boolean =>
  UNSUPPORTED.has(errno) &&
  // TCP over IPv6 may be unsupported, over IPv4 not. Byte 16, after struct nlmsghdr, is the family.
  !(isEssential && request[16] === AF_INET);

const isListener = ({ bytes }: NetlinkBuffer, start: number): boolean =>
  STATES[bytes[start + INET.state] ?? 0] === 'LISTEN';

/**
 * Values of struct inet_diag_msg.idiag_timer: none, and keepalive. At the end of keepalive the kernel sends a segment, or only
 * starts the timer again if the peer has sent one meanwhile (net/ipv4/tcp_timer.c, tcp_keepalive_timer).
 */
const [NO_TIMER, KEEPALIVE_TIMER] = [0, 2];

/**
 * Returns true for a connection that only a segment can change: a program holds it, its queues are empty, and no timer is
 * set but that of keepalive.
 */
function isSettled({ bytes, view }: NetlinkBuffer, start: number): boolean {
  const state = STATES[bytes[start + INET.state] ?? 0];
  const timer = bytes[start + INET.timer];
  return (
    (state === 'ESTABLISHED' || state === 'CLOSE_WAIT') &&
    (timer === NO_TIMER || timer === KEEPALIVE_TIMER) &&
    view.getUint32(start + INET.recvQueue, LITTLE_ENDIAN) === 0 &&
    view.getUint32(start + INET.sendQueue, LITTLE_ENDIAN) === 0 &&
    view.getUint32(start + INET.inode, LITTLE_ENDIAN) !== 0
  );
}

const isComplete = ({ errno, interrupted, problems }: DumpResult): boolean =>
  errno === 0 && !interrupted && problems === 0;

/** Sends one request; repeats it if the kernel's table changes during the dump. */
function dumpStable(
  diag: Channel,
  request: Uint8Array,
  onMessage: (buffer: NetlinkBuffer, start: number, end: number) => void,
  onDatagram: (() => void) | undefined,
): DumpResult & { readonly error: string } {
  try {
    let result = dump(diag, request, onMessage, onDatagram);
    for (let tries = 1; result.interrupted && tries < MAX_TRIES; tries++) {
      result = dump(diag, request, onMessage, onDatagram);
    }
    return { ...result, error: `error ${result.errno}` };
  } catch (error) {
    if (!(error instanceof NativeError)) throw error;
    return { errno: error.errno, interrupted: false, problems: 0, error: error.message };
  }
}
