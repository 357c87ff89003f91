import type { Endpoint, SocketState } from '../../src/model/socket.ts';
import type { TraceReader } from '../../src/source/linux/events/events.ts';
import type { TraceRecord } from '../../src/source/linux/trace/records.ts';
import type { Leftovers } from '../../src/source/types.ts';
import { endpoint } from './fakes.ts';

/** Trace clock minus sampler clock, milliseconds. */
const AHEAD_MS = 5000;

/** The running thread, and whether an interrupt caused the event. */
export interface Running {
  readonly tid?: number;
  readonly inInterrupt?: boolean;
}

/** A fake trace: each call adds a record, which the next `drain` returns. */
export class FakeTrace implements TraceReader {
  leftovers: Leftovers = { path: '/sys/kernel/tracing/instances/netpane-1-1', descriptors: [20, 21] };
  failure: string | undefined;
  notice: string | undefined;
  problems = 0;
  isPending = false;
  lost = 0;
  /** Route lookups are recorded. */
  hasRoutes = true;
  /** Number of calls of `close`. */
  closed = 0;
  readonly #nowMs: () => number;
  #records: TraceRecord[] = [];
  /** Called after each drain; records added by it belong to the next drain. */
  onDrained: () => void = () => undefined;

  /** @param nowMs the clock of the sampler */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs() + AHEAD_MS;
  }

  drain(): TraceRecord[] {
    if (this.failure !== undefined) return [];
    const records = this.#records.splice(0);
    this.onDrained();
    return records;
  }

  takeLost(): number {
    const { lost } = this;
    this.lost = 0;
    return lost;
  }

  stopRoutes(): void {
    this.hasRoutes = false;
  }

  close(): void {
    this.closed++;
  }

  #base({ tid = 0, inInterrupt = false }: Running) {
    return { atMs: this.nowMs(), tid, inProcess: !inInterrupt };
  }

  /** Adds a state change of the TCP socket at an address in kernel memory; endpoints as `127.0.0.1:80`. */
  state(
    sk: number,
    was: SocketState,
    now: SocketState,
    local: string,
    remote: string,
    running: Running = { inInterrupt: true },
  ): void {
    const [near, far] = [endpoint(local), endpoint(remote)] as [Endpoint, Endpoint];
    this.#records.push({
      type: 'state',
      ...this.#base(running),
      sk,
      family: near.address.includes(':') ? 'ipv6' : 'ipv4',
      localAddress: near.address,
      localPort: near.port,
      remoteAddress: far.address,
      remotePort: far.port,
      was,
      now,
    });
  }

  destroy(sk: number, cookie: number, running: Running = { inInterrupt: true }): void {
    this.#records.push({ type: 'destroy', ...this.#base(running), sk, id: `sk:${cookie.toString(16)}` });
  }

  fork(tid: number, child: number, comm: string, hasOwnNetwork = false): void {
    this.#records.push({ type: 'task', ...this.#base({ tid }), child, isThread: false, hasOwnNetwork, comm });
  }

  thread(tid: number, child: number, comm: string): void {
    this.#records.push({
      type: 'task',
      ...this.#base({ tid }),
      child,
      isThread: true,
      hasOwnNetwork: false,
      comm,
    });
  }

  /** @param oldPid tid of the thread that calls execve(2), if it is not the first of its process */
  exec(pid: number, filename: string, oldPid = pid): void {
    this.#records.push({ type: 'exec', ...this.#base({ tid: pid }), pid, oldPid, filename });
  }

  rename(pid: number, was: string, now: string): void {
    this.#records.push({ type: 'rename', ...this.#base({ tid: pid }), pid, was, now });
  }

  /** @param isLast true for the last thread of its process */
  exit(tid: number, isLast: boolean | 'unreported' = true): void {
    const groupDead = isLast === 'unreported' ? undefined : isLast;
    this.#records.push({ type: 'exit', ...this.#base({ tid }), pid: tid, groupDead });
  }

  /** Adds a route lookup for UDP. */
  route(local: string, remote: string, running: Running): void {
    const [near, far] = [endpoint(local), endpoint(remote)];
    this.#records.push({
      type: 'route',
      ...this.#base(running),
      localAddress: near.address,
      localPort: near.port,
      remoteAddress: far.address,
      remotePort: far.port,
    });
  }
}
