import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Batch } from '../model/batch.ts';
import { StormDetector } from './storms.ts';

/**
 * True since V8 12, which Node 22 has: it renamed a flag and dropped another. V8 reports a flag that it does not know on stderr,
 * which is the screen.
 */
const hasNewFlags = Number.parseInt(process.versions.v8, 10) >= 12;

/** How far V8 may let the heap grow beyond the live objects in a storm, percent. Its default is up to 300. */
const STORM_GROWTH = 25;

let collect: (() => void) | undefined;

/**
 * Collects the garbage of this thread and compacts the heap. Measured after a storm: the 28 MB of live objects occupy
 * pages of 190 MB without compaction, and of 62 MB with it. Blocks the thread for 50 to 300 ms.
 */
export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  setFlagsFromString('--compact-on-every-full-gc');
  collect();
  setFlagsFromString('--no-compact-on-every-full-gc');
}

/** Parts of a collection that V8 may leave to its helper threads. */
const HELPED = ['parallel-scavenge', 'concurrent-sweeping', 'concurrent-array-buffer-sweeping'];

/** Time after which V8 collects the whole heap of a thread that has become idle, milliseconds. */
const IDLE_MS = 20_000;

/** Time from the end of a storm until all threads have freed what they will: V8 has collected their idle heaps, milliseconds. */
const RELEASE_MS = IDLE_MS + 10_000;

/** Makes V8 keep the heap small, in all threads. With its defaults 100,000 sockets take twice the memory they need. */
export function limitHeapGrowth(): void {
  setFlagsFromString('--heap-growing-percent=0');
  setFlagsFromString('--optimize-for-size');
  // By default V8 collects the whole heap up to three times, from the 8th second on. That takes a quarter of the CPU of the
  // first seconds, and saves 2 MB in all threads together.
  setFlagsFromString(hasNewFlags ? '--memory-reducer-gc-count=1' : '--memory-reducer-single-gc');
  setFlagsFromString(`--gc-memory-reducer-start-delay-ms=${IDLE_MS}`);
}

/** Keeps helper threads out of collections: at rest every few polls make one, which would wake four threads. */
export function collectAlone(): void {
  for (const part of HELPED) setFlagsFromString(`--no-${part}`);
}

/** Factors for `compileLate`: V8 optimizes a function only after this many times its default amount of work. */
export const LATE = {
  /**
   * Optimizing the code that handles kernel events takes a second of CPU, which pays off after some ten thousand of them.
   */
  watch: 16,
  /**
   * At rest a tenth of the CPU of the first minutes would go into optimizing functions that a poll calls only a few times.
   * With 10,000 sockets the code that runs for each of them is optimized in the first polls in any case.
   */
  screen: 8,
} as const;

/** Default of V8's `--interrupt-budget`, bytes of bytecode. */
const BUDGET = 67_584;

/** Makes V8 optimize functions later, in all threads. Since V8 12 there is no flag for it. @param factor one of `LATE` */
export function compileLate(factor: number): void {
  if (!hasNewFlags) setFlagsFromString(`--interrupt-budget=${factor * BUDGET}`);
}

/**
 * Lets the heap grow faster, with helper threads to collect it: with thousands of connections a second a small heap
 * would leave V8 only collecting.
 */
export function allowHeapGrowth(): void {
  setFlagsFromString('--no-optimize-for-size');
  setFlagsFromString(`--heap-growing-percent=${STORM_GROWTH}`);
  for (const part of HELPED) setFlagsFromString(`--${part}`);
}

/** Adapts the heap growth of V8 to the batches of the sampling thread. */
export class HeapTuner {
  readonly #storms = new StormDetector();
  readonly #releaseMemory: () => void;
  /** When to release memory, on the batches' clock. */
  #releaseAtMs = Infinity;

  /** @param releaseMemory called some time after a storm, see `RELEASE_MS` */
  constructor(releaseMemory: () => void) {
    this.#releaseMemory = releaseMemory;
  }

  /** See `StormDetector.noteEvents`. */
  noteEvents(count: number): void {
    this.#storms.noteEvents(count);
  }

  note(batch: Batch): void {
    const phase = this.#storms.note(batch);
    if (batch.monotonicMs >= this.#releaseAtMs) {
      this.#releaseAtMs = Infinity;
      this.#releaseMemory();
    }
    if (phase === 'storm') allowHeapGrowth();
    if (phase !== 'calm') return;
    limitHeapGrowth();
    collectAlone();
    collectGarbage();
    this.#releaseAtMs = batch.monotonicMs + RELEASE_MS;
  }
}
