import { readFileSync, readlinkSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { removeLeftovers } from '../../leftovers.ts';
import type { FolderLeftovers } from '../../types.ts';
import { monotonicMs } from '../proc/clock.ts';
import { FIRST_PID_NAMESPACE } from '../proc/privileges.ts';
import { ERRNO } from '../netlink/errno.ts';
import type { Native } from '../netlink/native.ts';
import { LITTLE_ENDIAN, type NetlinkBuffer, netlinkBuffer } from '../netlink/wire.ts';
import { parsePageLayout, type PageLayout } from './format.ts';
import { type Decoder, EVENTS } from './decoder.ts';
import type { TraceRecord } from './records.ts';
import { eachEvent } from './ring.ts';
import { bufferKiBFor, configure, enableEvents, tryWrite } from './setup.ts';
import {
  type Cpu,
  findTracefs,
  type Instance,
  makeInstance,
  type Tracefs,
  TraceUnavailable,
  unavailable,
} from './tracefs.ts';

const POLLIN = 1;
const POLLERR = 8;

/** Calls of the C library for reading a trace. */
export type TraceNative = Pick<Native, 'mountDetached' | 'poll' | 'read' | 'close'>;

export interface TraceOptions {
  /** Requested buffer per processor, KiB; reduced if the sum exceeds the maximum. */
  readonly bufferKiB?: number | undefined;
  /** Memory of the machine, KiB. */
  readonly memoryKiB?: number;
  /** Possible mount points of tracefs. */
  readonly mountPoints?: readonly string[];
  /** Path of the link that names netpane's pid namespace. */
  readonly pidNamespacePath?: string;
  /** Returns milliseconds of CLOCK_MONOTONIC. */
  readonly nowMs?: () => number;
}

/** The buffer of a processor and its count of lost events. */
interface Buffer extends Cpu {
  /** Number of pages read since the last read of its counters. */
  pages: number;
  /** Sum of the counters at the last read. */
  lost: number;
}

/** The kernel's trace of TCP states, processes and UDP route lookups, in a tracefs instance of netpane. */
export class Trace {
  readonly leftovers: FolderLeftovers;
  /** Why its buffer is smaller than requested, as a clause; undefined if it is not. */
  readonly notice: string | undefined;
  readonly #native: TraceNative;
  /** Descriptor of netpane's own mount of tracefs; undefined if it is mounted elsewhere, or after `close`. */
  #mount: number | undefined;
  readonly #buffers: readonly Buffer[];
  readonly #pollSet: Int32Array;
  readonly #page: NetlinkBuffer;
  readonly #layout: PageLayout;
  readonly #decoder: Decoder;
  /** Number of pages after which the counters of a buffer are read. */
  readonly #statsPages: number;
  readonly #nowMs: () => number;
  /** Records newer than the start of the last drain. */
  #deferred: TraceRecord[] = [];
  #lost = 0;
  #pageProblems = 0;
  #failure: string | undefined;

  /**
   * Creates an instance and starts recording.
   * @throws TraceUnavailable
   */
  static open(native: TraceNative, options: TraceOptions = {}): Trace {
    let tracefs: Tracefs | undefined;
    let instance: Instance | undefined;
    try {
      if (readlinkSync(options.pidNamespacePath ?? '/proc/self/ns/pid') !== FIRST_PID_NAMESPACE)
        throw new TraceUnavailable('no tracing inside a container');
      tracefs = findTracefs(native, options.mountPoints);
      instance = makeInstance(tracefs.root);
      return new Trace(native, tracefs, instance, options);
    } catch (error) {
      if (instance !== undefined) removeLeftovers(instance);
      if (tracefs?.mount !== undefined) native.close(tracefs.mount);
      throw unavailable(error);
    }
  }

  private constructor(native: TraceNative, tracefs: Tracefs, instance: Instance, options: TraceOptions) {
    const { path } = instance;
    this.#native = native;
    this.#mount = tracefs.mount;
    this.leftovers = { path, descriptors: instance.descriptors };
    this.#buffers = instance.cpus.map((cpu) => ({ ...cpu, pages: 0, lost: 0 }));
    // struct pollfd: the descriptor, and two 16-bit fields in one word, `events` and `revents`.
    this.#pollSet = new Int32Array(this.#buffers.length * 2);
    this.#buffers.forEach(({ pipe }, i) => this.#pollSet.set([pipe, 0], i * 2));
    this.#nowMs = options.nowMs ?? monotonicMs;

    const layout = parsePageLayout(readFileSync(`${path}/events/header_page`, 'utf8'), LITTLE_ENDIAN);
    if (layout === undefined) throw new TraceUnavailable('unknown format of trace pages');
    this.#layout = layout;
    this.#page = netlinkBuffer(layout.length);
    const { bufferKiB: requestedKiB, memoryKiB = totalmem() / 1024 } = options;
    const bufferKiB = bufferKiBFor(requestedKiB, Math.max(1, cpus().length), memoryKiB);
    if (requestedKiB !== undefined && bufferKiB < requestedKiB)
      this.notice = `the trace buffer is ${bufferKiB} KiB per processor, not ${requestedKiB}: at most a quarter of the memory and 1 GiB in total`;
    configure(path, bufferKiB);
    // It is half a buffer: only a full buffer overflows, so that more pages than this are read after a loss.
    this.#statsPages = Math.max(1, Math.floor((bufferKiB * 1024) / layout.length / 2));
    this.#decoder = enableEvents(path);
  }

  /** Why the trace ended, as a clause; undefined while it works. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Returns the current time on the clock of the records, milliseconds. */
  nowMs(): number {
    return this.#nowMs();
  }

  /**
   * Returns the descriptors that can be read as soon as an event is recorded. Leaves out the pipes of processors that have
   * never been online: the kernel reports an error for them, which would end every wait. Throws if poll(2) fails.
   */
  waitable(): readonly number[] {
    this.#pollPipes();
    return this.#buffers.flatMap(({ pipe }, i) =>
      ((this.#pollSet[i * 2 + 1] ?? 0) & REVENTS_POLLERR) === 0 ? [pipe] : [],
    );
  }

  /** True if the next drain has records even if no further event is recorded. */
  get isPending(): boolean {
    return this.#deferred.length > 0;
  }

  /** Number of invalid events and pages since the start. */
  get problems(): number {
    return this.#decoder.problems + this.#pageProblems;
  }

  /** Returns the exact number of events of any kind that the drains since the last call found lost. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  /**
   * Returns all records since the last call, sorted by time. A record that a processor is just writing may come with the
   * next call although it is older than the last one of this call. Does not throw: on an error `failure` is set.
   */
  drain(): TraceRecord[] {
    if (this.#failure !== undefined) return [];
    const untilMs = this.#nowMs();
    const records = this.#deferred;
    this.#deferred = [];
    try {
      this.#pollPipes();
      for (const [i, buffer] of this.#buffers.entries()) {
        if (((this.#pollSet[i * 2 + 1] ?? 0) & REVENTS_POLLIN) !== 0)
          this.#readPipe(buffer, untilMs, records);
      }
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
    }
    if (records.length === 0) return records;
    records.sort((one, other) => one.atMs - other.atMs);
    // Newer records wait: the processors that were read first may have older ones by now.
    let end = records.length;
    while (end > 0 && (records[end - 1]?.atMs ?? 0) > untilMs) end--;
    this.#deferred = records.splice(end);
    return records;
  }

  /** Stops recording UDP route lookups, which slow down a sender of many packets. */
  stopRoutes(): void {
    for (const name of EVENTS.keys()) {
      if (name.startsWith('fib')) tryWrite(`${this.leftovers.path}/events/${name}/enable`, '0');
    }
  }

  /** Removes the instance and closes all descriptors. */
  close(): void {
    this.#failure ??= 'closed';
    removeLeftovers(this.leftovers);
    if (this.#mount !== undefined) this.#native.close(this.#mount);
    this.#mount = undefined;
  }

  /** Finds the buffers with data by one poll(2): with many processors, reading each buffer costs several times as much. */
  #pollPipes(): void {
    for (let i = 1; i < this.#pollSet.length; i += 2) this.#pollSet[i] = EVENTS_POLLIN;
    const ready = this.#native.poll(this.#pollSet, this.#pollSet.length / 2);
    // After EINTR no buffer is read until the next drain.
    if (ready < 0 && ready !== -ERRNO.EINTR) throw new Error(`polling the trace failed with error ${-ready}`);
  }

  /** Reads all pages of a buffer up to a time, and counts lost events. */
  #readPipe(buffer: Buffer, untilMs: number, records: TraceRecord[]): void {
    for (;;) {
      const length = this.#native.read(buffer.pipe, this.#page.bytes);
      // An empty pipe returns 0 after a child process closed its copy of the descriptor (tracing_buffers_flush).
      if (length === 0 || length === -ERRNO.EAGAIN) break;
      if (length === -ERRNO.EINTR) continue;
      if (length < 0) throw new Error(`reading the trace failed with error ${-length}`);
      buffer.pages++;
      let lastMs = 0;
      this.#pageProblems += eachEvent(this.#page, this.#layout, length, (start, end, atMs) => {
        const record = this.#decoder.decode(this.#page, start, end, atMs);
        if (record !== undefined) records.push(record);
        lastMs = atMs;
      });
      // Newer events wait for the next drain: a writer faster than this loop would keep it running for ever.
      if (lastMs > untilMs) break;
    }
    if (buffer.pages < this.#statsPages) return;
    buffer.pages = 0;
    const lost = parseLost(readFileSync(`${buffer.path}/stats`, 'utf8'));
    this.#lost += lost - buffer.lost;
    buffer.lost = lost;
  }
}

/** Bits in the fields `events` and `revents`: together 32 bits of struct pollfd. */
const EVENTS_POLLIN = LITTLE_ENDIAN ? POLLIN : POLLIN << 16;
const REVENTS_POLLIN = LITTLE_ENDIAN ? POLLIN << 16 : POLLIN;
const REVENTS_POLLERR = LITTLE_ENDIAN ? POLLERR << 16 : POLLERR;

/** Returns the number of lost events: the sum of the counters in the text of `per_cpu/cpuN/stats`. */
export function parseLost(stats: string): number {
  let lost = 0;
  for (const [, count] of stats.matchAll(/^(?:overrun|commit overrun|dropped events): (\d+)$/gm))
    lost += Number(count);
  return lost;
}
