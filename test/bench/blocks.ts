import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { root } from '../helpers/herd.ts';
import type { Repeats } from './options.ts';
import { FULL_TABLE } from './program.ts';
import { Pane } from './pane.ts';
import type { Scene } from './scene.ts';
import { scratchFolder } from './scratch.ts';
import { type Spread, spreadOf } from './stats.ts';

/** A stretch in which the screen's thread did nothing but one thing; times are milliseconds. */
interface Block {
  readonly startMs: number;
  readonly endMs: number;
  readonly ms: number;
  /** CPU time of the thread in it: what is missing to `ms` the machine gave to others. */
  readonly cpuMs: number;
}

/** A batch, or a part of one, that the screen's thread was given. */
interface Taken {
  readonly startMs: number;
  readonly endMs: number;
  readonly baseline: boolean;
  readonly partial: boolean;
  readonly count: number;
}

/** What blocks.mjs writes. */
interface Watched {
  readonly blocks: readonly Block[];
  readonly batches: readonly Taken[];
}

/** How long the screen's thread was busy at a stretch. */
export interface BlockFigures {
  /** The longest of each second; 0 where none was as long as two milliseconds. */
  readonly longest: Spread;
  /** The most CPU time of the thread in any of them: on a machine that has no time for it, it waits besides. */
  readonly cpuMs: number;
}

/** The screen's thread of the whole program in a terminal. */
export interface ScreenThreadFigures {
  /** Loading, the first paint and the first part of the sockets: before that there is no screen. */
  readonly start: BlockFigures;
  /** From then until all of the first batch is taken; absent where it is one part. */
  readonly firstBatch: BlockFigures | undefined;
  readonly rest: BlockFigures;
  readonly changing: BlockFigures;
}

/** When the screen paints what a part has brought, at the latest. */
const PAINT_MS = 100;

const wallMs = () => performance.timeOrigin + performance.now();

function figuresOf(blocks: readonly Block[], fromMs: number, toMs: number): BlockFigures {
  const within = blocks.filter(({ endMs }) => endMs >= fromMs && endMs < toMs);
  const longest: number[] = [];
  for (let startMs = fromMs; startMs < toMs; startMs += 1000) {
    const those = within.filter(({ endMs }) => endMs >= startMs && endMs < startMs + 1000);
    longest.push(Math.max(0, ...those.map(({ ms }) => ms)));
  }
  return { longest: spreadOf(longest), cpuMs: Math.max(0, ...within.map(({ cpuMs }) => cpuMs)) };
}

/**
 * Runs the program once more, with blocks.mjs in it. No key is pressed: what keeps the thread busy are ticks, paints
 * and the collection of garbage.
 */
export async function measureBlocks(scene: Scene, repeats: Repeats): Promise<ScreenThreadFigures> {
  const file = join(scratchFolder(), 'blocks.json');
  const preload = pathToFileURL(join(root, 'test', 'bench', 'blocks.mjs')).href;
  const pane = new Pane({ nodeArgs: ['--import', preload], env: { NETPANE_BENCH_BLOCKS: file } });
  try {
    const startMs = wallMs();
    await pane.until(FULL_TABLE, 'the table');
    await sleep(1000 * repeats.warmUpSeconds);
    const restMs = wallMs();
    await sleep(1000 * repeats.restSeconds);
    const changingMs = wallMs();
    for (let i = 0; i < repeats.busySeconds; i++) await Promise.all([scene.change(), sleep(1000)]);
    const endMs = wallMs();
    await pane.end();
    const { blocks, batches } = JSON.parse(readFileSync(file, 'utf8')) as Watched;
    const [first, ...later] = batches.filter(({ baseline }) => baseline);
    const last = later.at(-1);
    const ticks = batches.filter((batch) => batch.startMs > restMs && !batch.partial);
    if (first === undefined || ticks.length === 0) throw new Error('the program took no batches');
    const shownMs = later[0]?.startMs ?? first.endMs + PAINT_MS;
    return {
      start: figuresOf(blocks, startMs, shownMs),
      firstBatch: last && figuresOf(blocks, shownMs, last.endMs + PAINT_MS),
      rest: figuresOf(blocks, restMs, changingMs),
      changing: figuresOf(blocks, changingMs, endMs),
    };
  } finally {
    await pane.close();
  }
}
