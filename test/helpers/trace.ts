import type { Endpoint, SocketState } from '../../src/model/socket.ts';
import type { TraceReader } from '../../src/source/linux/events.ts';
import type { TraceRecord } from '../../src/source/linux/trace/records.ts';
import type { Leftovers } from '../../src/source/types.ts';
import { endpoint } from './fakes.ts';

/** Its clock shows so much more than that of the sampler. */
const AHEAD_MS = 5000;

/** Who was running, and how: in its own name unless it says that an interrupt came meanwhile. */
export interface Running {
  readonly tid?: number;
  readonly inInterrupt?: boolean;
}

/** Plays the trace of the kernel: what happens is said by calls, and is told with the next `drain`. */
export class FakeTrace implements TraceReader {
  leftovers: Leftovers = { path: '/sys/kernel/tracing/instances/netpane-1-1', descriptors: [20, 21] };
  failure: string | undefined;
  notice: string | undefined;
  problems = 0;
  lost = 0;
  /** Whether routes are recorded. */
  hasRoutes = true;
  /** How often it was closed. */
  closed = 0;
  readonly #nowMs: () => number;
  #records: TraceRecord[] = [];
  /** Called after each drain: what happens then is in the next one. */
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

  #by({ tid = 0, inInterrupt = false }: Running) {
    return { atMs: this.nowMs(), tid, inProcess: !inInterrupt };
  }

  /** A TCP socket at an address of the kernel's memory takes a step; endpoints as `127.0.0.1:80`. */
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
      ...this.#by(running),
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
    this.#records.push({ type: 'destroy', ...this.#by(running), sk, id: `sk:${cookie.toString(16)}` });
  }

  fork(tid: number, child: number, comm: string, hasOwnNetwork = false): void {
    this.#records.push({ type: 'task', ...this.#by({ tid }), child, isThread: false, hasOwnNetwork, comm });
  }

  thread(tid: number, child: number, comm: string): void {
    this.#records.push({
      type: 'task',
      ...this.#by({ tid }),
      child,
      isThread: true,
      hasOwnNetwork: false,
      comm,
    });
  }

  /** @param oldPid the thread that does it, where it is not the first of its process */
  exec(pid: number, filename: string, oldPid = pid): void {
    this.#records.push({ type: 'exec', ...this.#by({ tid: pid }), pid, oldPid, filename });
  }

  rename(pid: number, was: string, now: string): void {
    this.#records.push({ type: 'rename', ...this.#by({ tid: pid }), pid, was, now });
  }

  /** @param isLast it was the last of its process */
  exit(tid: number, isLast: boolean | 'untold' = true): void {
    const groupDead = isLast === 'untold' ? undefined : isLast;
    this.#records.push({ type: 'exit', ...this.#by({ tid }), pid: tid, groupDead });
  }

  /** A route is looked up for UDP. */
  route(local: string, remote: string, running: Running): void {
    const [near, far] = [endpoint(local), endpoint(remote)];
    this.#records.push({
      type: 'route',
      ...this.#by(running),
      family: near.address.includes(':') ? 'ipv6' : 'ipv4',
      localAddress: near.address,
      localPort: near.port,
      remoteAddress: far.address,
      remotePort: far.port,
    });
  }
}
