import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { FIRST_PID_NAMESPACE } from '../privileges.ts';
import { ERRNO, type Native } from '../netlink/native.ts';
import { LITTLE_ENDIAN, type NetlinkBuffer, netlinkBuffer } from '../netlink/wire.ts';
import { parsePageLayout, type PageLayout } from './format.ts';
import { Decoder, EVENTS, type TraceRecord } from './records.ts';
import { eachEvent } from './ring.ts';
import {
  type Cpu,
  findTracefs,
  type Instance,
  type Leftovers,
  makeInstance,
  removeInstance,
  type Tracefs,
  TraceUnavailable,
  unavailable,
} from './tracefs.ts';

/**
 * KiB of buffer: for a processor, at least for one, and at most in all, by default and when it is asked for. The kernel
 * cannot swap this memory.
 */
const BUFFER_KIB = { usual: 2048, least: 256, total: 65_536, most: 1_048_576 } as const;

const POLLIN = 1;

/** The calls that reading a trace takes. */
export type TraceNative = Pick<Native, 'mountDetached' | 'poll' | 'read' | 'close'>;

export interface TraceOptions {
  /** Room asked for, for each processor, KiB; less is taken where the sum would be too much. */
  readonly bufferKiB?: number | undefined;
  /** Memory of the machine, KiB. */
  readonly memoryKiB?: number;
  /** Where tracefs may be mounted. */
  readonly places?: readonly string[];
  /** The link that names the pid namespace that we are in. */
  readonly pidNamespacePath?: string;
  /** Milliseconds of CLOCK_MONOTONIC. */
  readonly nowMs?: () => number;
}

/** A processor's buffer, and what is known of its losses. */
interface Buffer extends Cpu {
  /** Pages read since its counters were looked at. */
  pages: number;
  /** What the counters said. */
  lost: number;
}

/** The kernel's trace of TCP states, processes and the routes of UDP, in an instance of our own. */
export class Trace {
  readonly leftovers: Leftovers;
  /** Where its buffer is smaller than asked for: a clause. */
  readonly notice: string | undefined;
  readonly #native: TraceNative;
  /** Descriptor of a mount of our own, until it is closed. */
  #mount: number | undefined;
  readonly #buffers: readonly Buffer[];
  readonly #pollSet: Int32Array;
  readonly #page: NetlinkBuffer;
  readonly #layout: PageLayout;
  readonly #decoder: Decoder;
  readonly #enoughPages: number;
  readonly #nowMs: () => number;
  #early: TraceRecord[] = [];
  #lost = 0;
  #pageProblems = 0;
  #failure: string | undefined;

  /**
   * Opens an instance and lets the kernel record in it.
   * @throws TraceUnavailable where that cannot be
   */
  static open(native: TraceNative, options: TraceOptions = {}): Trace {
    let tracefs: Tracefs | undefined;
    let instance: Instance | undefined;
    try {
      if (readlinkSync(options.pidNamespacePath ?? '/proc/self/ns/pid') !== FIRST_PID_NAMESPACE)
        throw new TraceUnavailable('in a container whose process ids are its own');
      tracefs = findTracefs(native, options.places);
      instance = makeInstance(tracefs.root);
      return new Trace(native, tracefs, instance, options);
    } catch (error) {
      if (instance !== undefined) removeInstance(instance);
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
    // struct pollfd: the descriptor, and two halves of a word: what is asked, what is answered.
    this.#pollSet = new Int32Array(this.#buffers.length * 2);
    this.#buffers.forEach(({ pipe }, i) => this.#pollSet.set([pipe, 0], i * 2));
    this.#nowMs = options.nowMs ?? monotonicMs;

    const layout = parsePageLayout(readFileSync(`${path}/events/header_page`, 'utf8'), LITTLE_ENDIAN);
    if (layout === undefined) throw new TraceUnavailable('the pages of its trace are not understood');
    this.#layout = layout;
    this.#page = netlinkBuffer(layout.length);
    const { bufferKiB: askedKiB, memoryKiB = totalmem() / 1024 } = options;
    const bufferKiB = bufferKiBFor(askedKiB, Math.max(1, cpus().length), memoryKiB);
    if (askedKiB !== undefined && bufferKiB < askedKiB)
      this.notice = `the trace has ${bufferKiB} KiB of buffer for each processor, not ${askedKiB}: in all it takes no more than a quarter of the memory, and no more than 1 GiB`;
    setUp(path, bufferKiB);
    // A buffer that overflowed was full, and so at least this much was read of it.
    this.#enoughPages = Math.max(1, Math.floor((bufferKiB * 1024) / layout.length / 2));
    this.#decoder = enable(path);
  }

  /** Why it ended: no more will come; `undefined` while it works. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Now, on the clock of the records. */
  nowMs(): number {
    return this.#nowMs();
  }

  /** Events, or whole pages of them, that made no sense, since the start. */
  get problems(): number {
    return this.#decoder.problems + this.#pageProblems;
  }

  /** Events lost since the last call, of whatever kind: those of all drains up to now, exactly. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  /**
   * Everything since the last call, in the order of time; but what a processor was just writing may come with the next
   * call though it is older than the last of this one. Never throws: a failure ends it, and `failure` says why.
   */
  drain(): TraceRecord[] {
    if (this.#failure !== undefined) return [];
    const untilMs = this.#nowMs();
    const records = this.#early;
    this.#early = [];
    try {
      this.#poll();
      for (const [i, buffer] of this.#buffers.entries()) {
        if (((this.#pollSet[i * 2 + 1] ?? 0) & ANSWERED) !== 0) this.#read(buffer, untilMs, records);
      }
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
    }
    if (records.length === 0) return records;
    records.sort((one, other) => one.atMs - other.atMs);
    // Newer ones wait: processors that were read before may have more of the same time by now.
    let end = records.length;
    while (end > 0 && (records[end - 1]?.atMs ?? 0) > untilMs) end--;
    this.#early = records.splice(end);
    return records;
  }

  /** Looks up no more who sends by UDP: where there is much of it, each packet costs its sender. */
  stopRoutes(): void {
    for (const name of EVENTS.keys()) {
      if (name.startsWith('fib')) tryWrite(`${this.leftovers.path}/events/${name}/enable`, '0');
    }
  }

  /** Lets go of everything; the instance is gone then. */
  close(): void {
    this.#failure ??= 'closed';
    removeInstance(this.leftovers);
    if (this.#mount !== undefined) this.#native.close(this.#mount);
    this.#mount = undefined;
  }

  /** Asks once which buffers hold something: with many processors a read of each would cost several times as much. */
  #poll(): void {
    for (let i = 1; i < this.#pollSet.length; i += 2) this.#pollSet[i] = ASKED;
    const ready = this.#native.poll(this.#pollSet, this.#pollSet.length / 2);
    // A signal came between: they are asked at the next drain.
    if (ready < 0 && ready !== -ERRNO.EINTR) throw new Error(`poll of the trace fails with error ${-ready}`);
  }

  #read(buffer: Buffer, untilMs: number, records: TraceRecord[]): void {
    for (;;) {
      const length = this.#native.read(buffer.pipe, this.#page.bytes);
      // 0 is what an empty pipe says once a child process has closed its copy of it (tracing_buffers_flush).
      if (length === 0 || length === -ERRNO.EAGAIN) break;
      if (length === -ERRNO.EINTR) continue;
      if (length < 0) throw new Error(`reading the trace fails with error ${-length}`);
      buffer.pages++;
      let lastMs = 0;
      this.#pageProblems += eachEvent(this.#page, this.#layout, length, (start, end, atMs) => {
        const record = this.#decoder.decode(this.#page, start, end, atMs);
        if (record !== undefined) records.push(record);
        lastMs = atMs;
      });
      // What comes now is for the next time; a writer that is faster than we would keep us here for ever.
      if (lastMs > untilMs) break;
    }
    if (buffer.pages < this.#enoughPages) return;
    buffer.pages = 0;
    const lost = parseLost(readFileSync(`${buffer.path}/stats`, 'utf8'));
    this.#lost += lost - buffer.lost;
    buffer.lost = lost;
  }
}

/** The halves of a word in struct pollfd. */
const ASKED = LITTLE_ENDIAN ? POLLIN : POLLIN << 16;
const ANSWERED = LITTLE_ENDIAN ? POLLIN << 16 : POLLIN;

function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Returns the buffer of each processor, KiB. @param askedKiB what the user asks for; undefined for the default */
function bufferKiBFor(askedKiB: number | undefined, processors: number, memoryKiB: number): number {
  if (askedKiB === undefined)
    return Math.max(BUFFER_KIB.least, Math.min(BUFFER_KIB.usual, Math.floor(BUFFER_KIB.total / processors)));
  const mostKiB = Math.min(BUFFER_KIB.most, memoryKiB / 4);
  return Math.min(askedKiB, Math.max(1, Math.floor(mostKiB / processors)));
}

/** Files of tracefs are there or not: none is made by writing to it. */
const write = (path: string, text: string): void => writeFileSync(path, text, { flag: 'r+' });

/** As `write`, where it is no harm if the kernel does not know it. */
function tryWrite(path: string, text: string): boolean {
  try {
    write(path, text);
    return true;
  } catch {
    return false;
  }
}

/** Settles how an instance records. */
function setUp(path: string, bufferKiB: number): void {
  try {
    write(`${path}/trace_clock`, 'mono');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EINVAL')
      throw new TraceUnavailable('this kernel does not trace by the monotonic clock');
    throw error;
  }
  // A full buffer drops its oldest page, and counts what was on it. Were it to turn away what is new, it would also
  // count what a filter rejects afterwards: an event in an interrupt that comes while another one is being written.
  write(`${path}/trace_options`, 'overwrite');
  // Otherwise every switch from thread to thread on the machine would note the names of both.
  tryWrite(`${path}/trace_options`, 'norecord-cmd');
  // A pipe counts as readable from the first event on. Before Linux 5.0 it always did.
  tryWrite(`${path}/buffer_percent`, '0');
  write(`${path}/buffer_size_kb`, String(bufferKiB));
}

/** Turns on every event that this kernel has and we understand. */
function enable(path: string): Decoder {
  const decoder = new Decoder();
  for (const [name, { filter, isNeeded }] of EVENTS) {
    const folder = `${path}/events/${name}`;
    const isOn =
      decoder.learn(name, textOf(`${folder}/format`)) &&
      (filter === undefined || tryWrite(`${folder}/filter`, filter)) &&
      tryWrite(`${folder}/enable`, '1');
    if (!isOn && isNeeded) throw new TraceUnavailable('this kernel does not trace the states of sockets');
  }
  return decoder;
}

/** Content of a file; nothing where there is none. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Events that never came to be read, whyever: the sum of what `per_cpu/cpuN/stats` counts. */
export function parseLost(stats: string): number {
  let lost = 0;
  for (const [, count] of stats.matchAll(/^(?:overrun|commit overrun|dropped events): (\d+)$/gm))
    lost += Number(count);
  return lost;
}
