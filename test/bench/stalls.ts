import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { root } from '../helpers/herd.ts';
import type { Repeats } from './options.ts';
import { FULL_TABLE } from './program.ts';
import { ProgramPty } from './program-pty.ts';
import { scratchFolder } from './scratch.ts';
import { type Spread, spreadOf } from './stats.ts';
import type { TestSockets } from './test-sockets.ts';

/** A stall: the screen's thread was busy without a pause. Times are milliseconds. */
interface Stall {
  readonly startMs: number;
  readonly endMs: number;
  readonly ms: number;
  /** CPU time of the thread in it; the rest of `ms` it waited for a CPU. */
  readonly cpuMs: number;
}

/** A batch, or part of one, that the screen's thread handled. */
interface HandledBatch {
  readonly startMs: number;
  readonly endMs: number;
  readonly baseline: boolean;
  readonly partial: boolean;
  readonly count: number;
}

/** Contents of the file that stalls-preload.mjs writes. */
interface Recording {
  readonly stalls: readonly Stall[];
  readonly batches: readonly HandledBatch[];
}

/** Stalls of the screen's thread in a span of time. */
export interface StallFigures {
  /** The longest stall of each second, milliseconds; 0 if none reached two milliseconds. */
  readonly longest: Spread;
  /** Maximum CPU time of the thread in one stall: on a busy machine the stall itself includes waiting for a CPU. */
  readonly cpuMs: number;
}

/** Stalls of the screen's thread of the whole program in a terminal. */
export interface ScreenThreadFigures {
  /** Loading, the first paint and the first part of the baseline: before these there is no screen. */
  readonly start: StallFigures;
  /** From then until the whole baseline is handled; absent if it came in one part. */
  readonly baseline: StallFigures | undefined;
  readonly rest: StallFigures;
  readonly changing: StallFigures;
}

/** Maximum delay from a part of a batch to its paint, milliseconds. */
const PAINT_MS = 100;

const wallMs = () => performance.timeOrigin + performance.now();

function figuresOf(stalls: readonly Stall[], fromMs: number, toMs: number): StallFigures {
  const within = stalls.filter(({ endMs }) => endMs >= fromMs && endMs < toMs);
  const longest: number[] = [];
  for (let startMs = fromMs; startMs < toMs; startMs += 1000) {
    const ofSecond = within.filter(({ endMs }) => endMs >= startMs && endMs < startMs + 1000);
    longest.push(Math.max(0, ...ofSecond.map(({ ms }) => ms)));
  }
  return { longest: spreadOf(longest), cpuMs: Math.max(0, ...within.map(({ cpuMs }) => cpuMs)) };
}

/**
 * Runs the program with stalls-preload.mjs. No key is pressed: ticks, paints and garbage collection are all that
 * keeps the thread busy.
 */
export async function measureStalls(sockets: TestSockets, repeats: Repeats): Promise<ScreenThreadFigures> {
  const file = join(scratchFolder(), 'stalls.json');
  const preload = pathToFileURL(join(root, 'test', 'bench', 'stalls-preload.mjs')).href;
  const program = new ProgramPty({ nodeArgs: ['--import', preload], env: { NETPANE_BENCH_STALLS: file } });
  try {
    const startMs = wallMs();
    await program.waitFor(FULL_TABLE, 'the table');
    await sleep(1000 * repeats.warmUpSeconds);
    const restMs = wallMs();
    await sleep(1000 * repeats.restSeconds);
    const changingMs = wallMs();
    for (let i = 0; i < repeats.busySeconds; i++) await Promise.all([sockets.change(), sleep(1000)]);
    const endMs = wallMs();
    await program.terminate();
    const { stalls, batches } = JSON.parse(readFileSync(file, 'utf8')) as Recording;
    const [first, ...later] = batches.filter(({ baseline }) => baseline);
    const last = later.at(-1);
    const ticks = batches.filter((batch) => batch.startMs > restMs && !batch.partial);
    if (first === undefined || ticks.length === 0) throw new Error('the program handled no batches');
    const shownMs = later[0]?.startMs ?? first.endMs + PAINT_MS;
    return {
      start: figuresOf(stalls, startMs, shownMs),
      baseline: last && figuresOf(stalls, shownMs, last.endMs + PAINT_MS),
      rest: figuresOf(stalls, restMs, changingMs),
      changing: figuresOf(stalls, changingMs, endMs),
    };
  } finally {
    await program.kill();
  }
}
