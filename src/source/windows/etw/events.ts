import type { Coverage } from '../../../model/event.ts';
import type { Owner, Socket, Traffic } from '../../../model/socket.ts';
import type { EventSource, KernelEvent } from '../../types.ts';
import { millisecondsOf } from '../layout.ts';
import type { Life, TablePoll } from '../table-lives.ts';
import { type TracedConnection, TracedConnections } from './connections.ts';
import { DatagramCounts, type Datagrams, NO_DATAGRAMS, sumOf } from './datagrams.ts';
import { EVENT_ID } from './layout.ts';
import { SLOT } from './ring.ts';
import type { TraceLosses, TraceSession } from './session.ts';
import { keyOf, SocketIndex } from './socket-index.ts';

/** Longest time that an ended connection waits until the tables show its end, milliseconds: longer than FIN_WAIT2 lasts. */
const MAX_WAIT_MS = 300_000;

/** Times of a socket and of the events about it differ by at most this, units of 100 ns. */
const SAME_TIME = 10_000_000;

/** Parts of the source that the events need. */
export interface TraceContext {
  readonly session: Pick<TraceSession, 'ring' | 'failure' | 'takeLosses' | 'flush' | 'close'>;
  /** Milliseconds on a clock that never runs backwards, and since 1970. */
  readonly nowMs: () => number;
  readonly wallMs: () => number;
  /** Returns the interface with an address; undefined if it is unknown. */
  readonly interfaceOf: (address: string) => string | undefined;
  /** Returns the process of a connection that has ended. @param startedAt FILETIME of the connection, if known */
  readonly ownerOf: (pid: number, startedAt: number | undefined) => Owner;
}

/** New, changed and ended lives of one poll, and when it began. */
export interface PolledLives extends TablePoll {
  /** When the poll began, on the clock of `nowMs`. */
  readonly startMs: number;
}

/** Converts a FILETIME to milliseconds on the clock of `nowMs`. */
type Clock = (fileTime: number) => number;

interface Waiting {
  readonly it: TracedConnection;
  readonly atMs: number;
}

/**
 * The events of Windows about connections: closes with the last counters and the process, also of connections that no poll
 * has seen, and the packets of UDP sockets. An end is reported once a poll that began after it shows what has
 * become of the socket.
 *
 *     ring ─▶ `TracedConnections` ─▶ ended ─▶ in TIME_WAIT, gone, or never seen: `ended`
 *        │                              └─▶ still there: waits
 *        └──▶ `DatagramCounts` ─▶ (poll) traffic and peers of UDP sockets
 */
export class TraceEvents implements EventSource {
  readonly isPending = false;
  readonly #context: TraceContext;
  readonly #connections = new TracedConnections();
  readonly #datagrams = new DatagramCounts();
  readonly #index = new SocketIndex();
  readonly #counted = new WeakMap<Life, Datagrams>();
  /** Connections that ended since the last drain. */
  #arrived: Waiting[] = [];
  /** Connections that ended before, and wait for the next poll. */
  #waiting: Waiting[] = [];
  #pollStartMs = -Infinity;
  /** True if a poll was applied since the last drain. */
  #hasPolled = false;
  #closedWithoutId = 0;
  #hasReportedEnd = false;
  /** Losses that the polls since the last drain have found. */
  #losses: TraceLosses = { events: 0, buffers: 0 };

  constructor(context: TraceContext) {
    this.#context = context;
  }

  get coverage(): Coverage {
    const why = this.#context.session.failure;
    return why === undefined
      ? { level: 'closes', why: 'Windows reports the start, the end and the bytes of connections' }
      : { level: 'polls', why };
  }

  /** Why no more events come, a clause; undefined while they do. */
  get failure(): string | undefined {
    return this.#context.session.failure;
  }

  /** Adds the processes of connections to a set: their programs must be read before they end. */
  addPids(to: Set<number>): void {
    this.collect();
    for (const list of [this.#arrived, this.#waiting]) for (const { it } of list) to.add(it.pid);
    for (const { pid } of this.#connections.open) to.add(pid);
  }

  collect(): void {
    const { ring } = this.#context.session;
    ring.drain((words, at) => {
      const id = words[at + SLOT.id];
      if (id === EVENT_ID.udpSent || id === EVENT_ID.udpReceived) this.#datagrams.apply(words, at);
      else this.#connections.apply(words, at);
    });
    const ended = this.#connections.takeEnded();
    if (ended.length === 0) return;
    const clock = this.#clock();
    for (const it of ended) this.#arrived.push({ it, atMs: clock(it.endedAt) });
  }

  /** Makes Windows hand over the events until now. */
  beginPoll(): void {
    this.#context.session.flush();
  }

  /** Applies a poll. @param replace gets the new version of each UDP socket with packets */
  applyPoll({ changed, ended, startMs }: PolledLives, replace: (life: Life, socket: Socket) => void): void {
    const nowMs = this.#context.nowMs();
    for (const life of ended) this.#index.remove(life, nowMs);
    for (const life of changed) {
      this.#index.set(life);
      this.#showDatagrams(life, NO_DATAGRAMS, replace);
    }
    this.#index.forgetOld(nowMs);
    this.#pollStartMs = startMs;
    this.#hasPolled = true;
    this.collect();
    const { events, buffers } = this.#context.session.takeLosses();
    this.#losses = { events: this.#losses.events + events, buffers: this.#losses.buffers + buffers };
    this.#datagrams.assign(
      (endpoint) => this.#index.boundTo(endpoint),
      (life, packets) => this.#showDatagrams(life, packets, replace),
    );
    this.#connections.prune((it) => this.#index.connectionOf(keyOf(it)) !== undefined);
  }

  /** Adds packets to those of a UDP socket, and passes its new version to `replace`. */
  #showDatagrams(life: Life, more: Datagrams, replace: (life: Life, socket: Socket) => void): void {
    const { row, socket } = life;
    if (row.protocol !== 'udp' || socket === undefined) return;
    const before = this.#counted.get(life);
    if (before !== undefined && more === NO_DATAGRAMS) return;
    const { peers, ...traffic } = sumOf(before ?? NO_DATAGRAMS, more);
    this.#counted.set(life, { peers, ...traffic });
    replace(life, { ...socket, traffic, ...(peers.length > 0 && { peers }) });
  }

  drain(): readonly KernelEvent[] {
    this.collect();
    const nowMs = this.#context.nowMs();
    const clock = this.#clock();
    const events: KernelEvent[] = [];
    const waiting = this.#hasPolled ? [] : this.#waiting;
    for (const list of this.#hasPolled ? [this.#waiting, this.#arrived] : [this.#arrived]) {
      for (const each of list) {
        const event = each.atMs < this.#pollStartMs ? this.#eventOf(each, clock) : undefined;
        if (event) events.push(event);
        else if (nowMs - each.atMs < MAX_WAIT_MS) waiting.push(each);
      }
    }
    this.#waiting = waiting;
    this.#arrived = [];
    this.#hasPolled = false;
    events.push(...this.#gaps(nowMs));
    return events;
  }

  close(): void {
    this.#context.session.close();
  }

  /** Returns the event of an end; undefined while the tables have the socket in a state before TIME_WAIT. */
  #eventOf({ it, atMs }: Waiting, clock: Clock): KernelEvent | undefined {
    const key = keyOf(it);
    const life = this.#index.connectionOf(key);
    // It belongs to a later connection with the same endpoints.
    const isNewer = life !== undefined && life.row.created > it.endedAt + SAME_TIME;
    const current = isNewer ? undefined : life;
    if (current?.socket && current.row.state !== 'TIME_WAIT' && current.row.state !== 'CLOSE')
      return undefined;
    const known = current?.socket ?? this.#index.takeLeft(key);
    const startedMs = it.startedAt === undefined ? undefined : clock(it.startedAt);
    return {
      type: 'ended',
      atMs,
      socket: known ? withLast(known, it, this.#owner(it)) : this.#shortSocket(it),
      ...(startedMs !== undefined && { lifetimeMs: Math.max(0, atMs - startedMs) }),
      ...(current?.row.state === 'TIME_WAIT' &&
        known && { remnant: { id: known.id, state: 'TIME_WAIT' as const } }),
      learntBy: 'destroy',
    };
  }

  #owner({ pid, startedAt }: TracedConnection): Owner {
    return this.#context.ownerOf(pid, startedAt);
  }

  /** Returns the socket of a connection that no poll has seen. */
  #shortSocket(it: TracedConnection): Socket {
    const createdAtMs = it.startedAt === undefined ? undefined : millisecondsOf(it.startedAt);
    const name = this.#context.interfaceOf(it.local.address);
    return {
      id: `tcp closed ${++this.#closedWithoutId}`,
      protocol: 'tcp',
      family: it.family,
      local: it.local,
      remote: it.remote,
      state: 'ESTABLISHED',
      ...(it.opened && { opened: it.opened }),
      ...(createdAtMs !== undefined && { createdAtMs }),
      ...(name !== undefined && { interface: name }),
      traffic: { rxBytes: it.rxBytes, txBytes: it.txBytes },
      owners: [this.#owner(it)],
    };
  }

  /** Returns the clock of `nowMs` for FILETIMEs of events until now; none is in the future. */
  #clock(): Clock {
    const { nowMs, wallMs } = this.#context;
    const [now, wall] = [nowMs(), wallMs()];
    return (fileTime) => now - Math.max(0, wall - (millisecondsOf(fileTime) ?? 0));
  }

  /** Returns the gaps for lost events. The number of events in a lost buffer is unknown. */
  #gaps(atMs: number): KernelEvent[] {
    const { session } = this.#context;
    const { events, buffers } = this.#losses;
    this.#losses = { events: 0, buffers: 0 };
    const missed = events + this.#connections.takeOmitted() + this.#datagrams.takeOmitted();
    const isNewEnd = session.failure !== undefined && !this.#hasReportedEnd;
    if (isNewEnd) this.#hasReportedEnd = true;
    return [
      ...(missed > 0 ? [{ type: 'gap', atMs, missed, learntBy: 'destroy' } as const] : []),
      ...(buffers > 0 || isNewEnd ? [{ type: 'gap', atMs, learntBy: 'destroy' } as const] : []),
    ];
  }
}

/** Returns a socket with its last counters and, if none of its processes is known, the owner of the event. */
function withLast(socket: Socket, { rxBytes, txBytes }: TracedConnection, owner: Owner): Socket {
  const before: Traffic = socket.traffic ?? {};
  return {
    ...socket,
    traffic: {
      ...before,
      // The events of a connection that is older than the session have only a part of its bytes.
      rxBytes: Math.max(before.rxBytes ?? 0, rxBytes),
      txBytes: Math.max(before.txBytes ?? 0, txBytes),
    },
    owners: socket.owners.some(({ pid }) => pid !== undefined) ? socket.owners : [owner],
  };
}
