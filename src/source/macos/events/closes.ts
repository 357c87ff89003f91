import { MAX_WAITING_EVENTS } from '../../../model/bounds.ts';
import type { Coverage } from '../../../model/event.ts';
import type { Owner, Socket, Traffic } from '../../../model/socket.ts';
import type { EventSource, KernelEvent } from '../../types.ts';
import { CLOCK, type ControlChannel, ERRNO, errnoName, type MacCalls } from '../native/calls.ts';
import type { ProcessCache } from '../owners/process-cache.ts';
import { formatEndpoint, type InterfaceName, stateOf } from '../table/decode.ts';
import { addAllRequest, type ClosedSource, decodeDatagram, PROVIDER, STATISTICS } from './messages.ts';

/** Size of a buffer for datagrams: the kernel sends at most 4096 bytes of messages in one. */
const DATAGRAM_BYTES = 2 ** 16;

/** Maximum number of datagrams in one collection: each has at most eight messages. */
const MAX_DATAGRAMS = 1000;

/** Longest time that a close waits for a poll to show which of several equal sockets is gone, milliseconds. */
const MAX_UNDECIDED_MS = 10_000;

/** Maximum believable time between a close and the collection of its message, milliseconds. */
const MAX_AGE_MS = 60_000;

/** Parts of netpane's source that close events need. */
export interface ClosesContext {
  readonly calls: MacCalls;
  readonly nowMs: () => number;
  readonly interfaceName: InterfaceName;
  readonly userName: (uid: number) => string | undefined;
  /** Returns the interface with an address; undefined if it is unknown. */
  readonly interfaceOf: (address: string) => string | undefined;
  readonly cache: Pick<ProcessCache, 'of'>;
  /**
   * Returns the socket in the last snapshot that a close is about (`EndpointIndex.take`). Null if several could be: the
   * next poll then shows which is gone. Undefined if there is none.
   */
  readonly find: (closed: ClosedEndpoints) => Socket | null | undefined;
}

/** Endpoints and process of a closed source, as sockets in snapshots have them. */
export interface ClosedEndpoints extends Pick<Socket, 'protocol' | 'local' | 'remote'> {
  readonly pid: number;
}

/** A closed source whose event is not yet emitted. */
interface Waiting {
  readonly source: ClosedSource;
  readonly atMs: number;
  readonly collectedMs: number;
}

/**
 * The events of closed sockets. The kernel reports each of them with its last counters; its interface calls sockets sources,
 * and protocols providers.
 *
 *     datagrams ──▶ closed sources ──▶ found among the sockets by their endpoints ──▶ ended
 *                                  └─▶ never seen by a poll ──▶ ended, with an id of its own
 */
export class CloseEvents implements EventSource {
  readonly coverage: Coverage = { level: 'closes', why: 'macOS reports closes only' };
  readonly isPending = false;
  readonly #channel: ControlChannel;
  readonly #context: ClosesContext;
  /** Nanoseconds of one tick of the clock of the messages. */
  readonly #tickNs: number;
  readonly #buffer = new Uint8Array(DATAGRAM_BYTES);
  readonly #waiting: Waiting[] = [];
  #lost = 0;
  #hasUncountedLoss = false;
  #closedWithoutId = 0;

  private constructor(channel: ControlChannel, context: ClosesContext) {
    this.#channel = channel;
    this.#context = context;
    this.#tickNs = context.calls.tickNs();
  }

  /** Opens the kernel control. Returns the reason, a clause, if macOS does not report closes to this user. */
  static open(context: ClosesContext): CloseEvents | string {
    const channel = context.calls.openControl(STATISTICS);
    if (typeof channel === 'number') return `macOS does not report closes (${errnoName(channel)})`;
    const events = new CloseEvents(channel, context);
    const refusal = events.#subscribe();
    if (refusal === undefined) return events;
    channel.close();
    return `macOS does not report closes (${refusal})`;
  }

  /** Requests the closes of all providers. @returns the reason if TCP or UDP is refused; undefined if neither is */
  #subscribe(): string | undefined {
    for (const provider of Object.values(PROVIDER)) {
      const errno = this.#requestCloses(provider);
      // User-space flows may be missing: then polls see their end.
      const isNeeded = provider === PROVIDER.tcp || provider === PROVIDER.udp;
      if (isNeeded && errno !== 0) return errno === undefined ? 'no answer' : errnoName(-errno);
    }
    return undefined;
  }

  /**
   * Requests the closes of a provider.
   * @returns the errno of the answer, which the kernel queues before `send` returns; 0 for success, undefined for no answer
   */
  #requestCloses(provider: number): number | undefined {
    const sent = this.#channel.send(addAllRequest(provider, provider));
    if (sent < 0) return -sent;
    for (let count = 0; count < MAX_DATAGRAMS; count++) {
      const length = this.#channel.receive(this.#buffer);
      if (length <= 0) return undefined;
      const { answers } = this.#addDatagram(length);
      const answer = answers.find(({ context }) => context === provider);
      if (answer) return answer.errno;
    }
    return undefined;
  }

  collect(): void {
    for (let count = 0; count < MAX_DATAGRAMS && this.#waiting.length < MAX_WAITING_EVENTS; count++) {
      const length = this.#channel.receive(this.#buffer);
      // The buffer was full: the kernel does not say how many messages it dropped.
      if (length === -ERRNO.ENOBUFS) this.#hasUncountedLoss = true;
      else if (length <= 0) return;
      else this.#addDatagram(length);
    }
  }

  /** Decodes the datagram in the buffer, and adds its closed sources to `#waiting`. @returns its content */
  #addDatagram(length: number): ReturnType<typeof decodeDatagram> {
    const decoded = decodeDatagram(this.#buffer.subarray(0, length));
    const nowMs = this.#context.nowMs();
    const nowNs = this.#context.calls.clockNs(CLOCK.continuous);
    for (const source of decoded.closed) {
      const ageMs = (nowNs - source.atTicks * this.#tickNs) / 1e6;
      this.#waiting.push({
        source,
        atMs: nowMs - Math.min(MAX_AGE_MS, Math.max(0, ageMs)),
        collectedMs: nowMs,
      });
    }
    this.#lost += decoded.lost + decoded.malformed;
    return decoded;
  }

  drain(): readonly KernelEvent[] {
    this.collect();
    const atMs = this.#context.nowMs();
    const events: KernelEvent[] = [];
    for (const it of this.#waiting.splice(0)) {
      const event = this.#eventOf(it);
      if (event) events.push(event);
      else if (event === null && atMs - it.collectedMs < MAX_UNDECIDED_MS) this.#waiting.push(it);
    }
    if (this.#hasUncountedLoss) events.push({ type: 'gap', atMs, learntBy: 'destroy' });
    if (this.#lost > 0) events.push({ type: 'gap', atMs, missed: this.#lost, learntBy: 'destroy' });
    [this.#lost, this.#hasUncountedLoss] = [0, false];
    return events;
  }

  close(): void {
    this.#channel.close();
  }

  /** Returns the event of a close; undefined if it has none, null if the next poll shows which socket was closed. */
  #eventOf({ source, atMs }: Waiting): KernelEvent | null | undefined {
    const { protocol, pid } = source;
    const { interfaceName, find } = this.#context;
    if (source.local === undefined || source.local.port === 0) return undefined;
    const local = formatEndpoint(source.local, interfaceName);
    const hasPeer = source.remote !== undefined && source.remote.port !== 0;
    const remote = hasPeer ? formatEndpoint(source.remote, interfaceName) : null;
    const known = find({ protocol, local, remote, pid });
    if (known === null) return null;
    const traffic = trafficOf(source);
    const state = protocol === 'tcp' && source.state !== undefined ? stateOf(source.state) : undefined;
    if (known) {
      return {
        type: 'ended',
        atMs,
        socket: { ...known, traffic: { ...known.traffic, ...withoutDecrease(known.traffic, traffic) } },
        ...(state === 'TIME_WAIT' && { remnant: { id: known.id, state } }),
        learntBy: 'destroy',
      };
    }
    // A socket that was never connected, and that no poll has seen, had no traffic.
    if (protocol === 'tcp' && remote === null) return undefined;
    return {
      type: 'ended',
      atMs,
      socket: this.#shortSocket(source, local, remote, traffic),
      lifetimeMs: Math.max(0, ((source.atTicks - source.startedTicks) * this.#tickNs) / 1e6),
      learntBy: 'destroy',
    };
  }

  /** Returns the socket of a source that no poll has seen. */
  #shortSocket(
    source: ClosedSource,
    local: Socket['local'],
    remote: Socket['remote'],
    traffic: Traffic,
  ): Socket {
    const user = this.#context.userName(source.uid);
    const name = this.#context.interfaceOf(local.address);
    return {
      id: `${source.protocol} closed ${++this.#closedWithoutId}`,
      protocol: source.protocol,
      family: source.local?.family ?? 'ipv4',
      local,
      remote,
      ...(remote && { state: 'ESTABLISHED' }),
      uid: source.uid,
      ...(user !== undefined && { user }),
      ...(name !== undefined && { interface: name }),
      traffic,
      owners: [this.#ownerOf(source)],
    };
  }

  /** Returns the process that used a source last, by the message: it may have ended since. */
  #ownerOf({ pid, processName }: ClosedSource): Owner {
    if (pid === 0) return { knowledge: 'kernel' };
    const program = this.#context.cache.of(pid);
    const isSame = program !== undefined && (processName === '' || program.process === processName);
    if (program && isSame) return { ...program, knowledge: 'inherited' };
    return processName === '' ? { knowledge: 'gone' } : { knowledge: 'inherited', pid, process: processName };
  }
}

/** Returns the counters of a source. The kernel has srtt in 1/32 ms, rttvar in 1/16 ms (bsd/netinet/tcp_var.h). */
const trafficOf = ({ rxBytes, txBytes, srtt, rttvar }: ClosedSource): Traffic => ({
  rxBytes,
  txBytes,
  ...(srtt > 0 && { rttMicros: Math.round((srtt * 1000) / 32) }),
  ...(srtt > 0 && rttvar > 0 && { rttVarMicros: Math.round((rttvar * 1000) / 16) }),
});

/**
 * Returns the last counters, but no byte counter below that of the last poll: the kernel keeps two sets of counters, which
 * may differ.
 */
const withoutDecrease = (before: Traffic | undefined, last: Traffic): Traffic => ({
  ...last,
  ...((before?.rxBytes ?? 0) > (last.rxBytes ?? 0) && { rxBytes: before?.rxBytes ?? 0 }),
  ...((before?.txBytes ?? 0) > (last.txBytes ?? 0) && { txBytes: before?.txBytes ?? 0 }),
});
