import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { processCpuMs, residentMegabytes } from './machine.ts';
import type { Repeats } from './options.ts';
import { Pane, ROWS } from './pane.ts';
import type { Scene } from './scene.ts';
import { type Spread, spreadOf } from './stats.ts';

/** What the whole program was seen to do. */
export interface ProgramFigures {
  /** Milliseconds from the start to the full table, and of `node -e 0`, run in turn. */
  readonly start: Spread;
  readonly bareNode: Spread;
  /** Percent of a core at rest. */
  readonly restCpu: number;
  readonly restMegabytes: number;
  /** After some time of change. */
  readonly busyMegabytes: number;
  /** Bytes to the terminal in each second, which is a tick. */
  readonly restBytes: Spread;
  readonly busyBytes: Spread;
  readonly keys: Readonly<Record<KeyKind, Spread>>;
}

// The lines of the screen that are watched: filter, titles, first and last row of the table; counted from 1.
const FILTER = 3;
const TITLES = 4;
const FIRST = 5;
const LAST = ROWS - 1;

/** Something on this line, from its beginning or from the middle. */
const onLine = (line: number, what: string) => new RegExp(`\\x1b\\[${line};\\d+H[^]*?${what}`);
const INVERSE = '\\x1b\\[(?:\\d+;)*7(?:;\\d+)*m';
/** An arrow in the titles, in the bytes of UTF-8. */
const ARROW = '\\xe2\\x96[\\xb4\\xbe]';

export const FULL_TABLE = onLine(LAST, '\\d');

/** The prompt of the query stands open. */
export const FILTER_OPEN = onLine(FILTER, INVERSE);

export const KEY_KINDS = ['move', 'filter', 'sort'] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

/** Keys that change what is typed in the filter, each of which has to look at every socket. */
const TYPED = Array.from('tcp<<<bench<<<<<', (character) => (character === '<' ? '\x7f' : character));

/** Starts the program again and again, and bare Node in between. */
async function measureStarts(count: number): Promise<Pick<ProgramFigures, 'start' | 'bareNode'>> {
  const starts: number[] = [];
  const bare: number[] = [];
  for (let i = 0; i < count; i++) {
    const startMs = performance.now();
    spawnSync(process.execPath, ['-e', '0'], { stdio: 'ignore' });
    bare.push(performance.now() - startMs);
    const pane = new Pane();
    starts.push((await pane.until(FULL_TABLE, 'the table')) - pane.startedMs);
    await pane.close();
  }
  return { start: spreadOf(starts), bareNode: spreadOf(bare) };
}

/** Bytes of each of so many seconds; `during` is called at the beginning of each. */
async function bytesASecond(pane: Pane, seconds: number, during: () => Promise<void>): Promise<Spread> {
  const counts: number[] = [];
  for (let i = 0; i < seconds; i++) {
    const before = pane.bytes;
    await Promise.all([during(), sleep(1000)]);
    counts.push(pane.bytes - before);
  }
  return spreadOf(counts);
}

/** Presses keys one after another, with pauses of different lengths, so that some of them meet a tick. */
async function pressKeys(pane: Pane, count: number, key: (i: number) => [string, RegExp]): Promise<Spread> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    times.push(await pane.press(...key(i)));
    await sleep(30 + ((i * 37) % 60));
  }
  return spreadOf(times);
}

async function measureKeys(pane: Pane, count: number): Promise<ProgramFigures['keys']> {
  // Not more than there are lines: at the last one the table would scroll.
  const moves = Math.min(count, LAST - FIRST);
  const move = await pressKeys(pane, moves, (i) => ['j', onLine(FIRST + 1 + i, INVERSE)]);
  const sort = await pressKeys(pane, count, () => ['S', onLine(TITLES, ARROW)]);
  await pane.press('/', FILTER_OPEN);
  const filter = await pressKeys(pane, count, (i) => [
    TYPED[i % TYPED.length] ?? '',
    onLine(FILTER, INVERSE),
  ]);
  return { move, filter, sort };
}

/** Measures the program on a scene, which is at rest and then changes. */
export async function measureProgram(scene: Scene, repeats: Repeats): Promise<ProgramFigures> {
  const starts = await measureStarts(repeats.starts);
  const pane = new Pane();
  try {
    await pane.until(FULL_TABLE, 'the table');
    // For some ten seconds V8 compiles what runs often, which costs as much as all else: at rest is after that.
    await sleep(1000 * repeats.warmUpSeconds);
    const restStartMs = performance.now();
    const cpuBeforeMs = processCpuMs(pane.pid);
    const restBytes = await bytesASecond(pane, repeats.restSeconds, async () => {});
    const restCpu = (100 * (processCpuMs(pane.pid) - cpuBeforeMs)) / (performance.now() - restStartMs);
    const restMegabytes = residentMegabytes(pane.pid);
    const busyBytes = await bytesASecond(pane, repeats.busySeconds, () => scene.change());
    const busyMegabytes = residentMegabytes(pane.pid);
    // Rows that come and go would move the selected one: the keys begin when the last mark has faded.
    await sleep(4500);
    const keys = await measureKeys(pane, repeats.keys);
    return { ...starts, restCpu, restMegabytes, busyMegabytes, restBytes, busyBytes, keys };
  } finally {
    await pane.close();
  }
}
