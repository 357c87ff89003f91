import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { processCpuMs, residentMegabytes } from './machine.ts';
import type { Repeats } from './options.ts';
import { ProgramPty, ROWS } from './program-pty.ts';
import { type Spread, spreadOf } from './stats.ts';
import type { TestSockets } from './test-sockets.ts';

/** Figures of the whole program in a terminal. */
export interface ProgramFigures {
  /** Time from the start to the full table, milliseconds. */
  readonly start: Spread;
  /** Time of `node -e 0`, run in turn with the program, milliseconds. */
  readonly nodeStart: Spread;
  /** CPU at rest, percent of a core. */
  readonly restCpu: number;
  /** Resident memory at rest. */
  readonly restMegabytes: number;
  /** Resident memory after sockets have changed for `busySeconds`. */
  readonly busyMegabytes: number;
  /** Bytes written to the terminal in each second; one tick arrives per second. */
  readonly restBytes: Spread;
  readonly busyBytes: Spread;
  readonly keys: Readonly<Record<KeyKind, Spread>>;
}

// Lines of the screen, counted from 1: the query, the column titles, the first and last row of the table.
const FILTER = 3;
const TITLES = 4;
const FIRST = 5;
const LAST = ROWS - 1;

/** Returns a pattern of output that moves the cursor to a line and writes `what` anywhere after that. */
const onLine = (line: number, what: string) => new RegExp(`\\x1b\\[${line};\\d+H[^]*?${what}`);
const INVERSE = '\\x1b\\[(?:\\d+;)*7(?:;\\d+)*m';
/** The arrow of the sort column, as UTF-8 bytes. */
const ARROW = '\\xe2\\x96[\\xb4\\xbe]';

/** The table is drawn down to its last row. */
export const FULL_TABLE = onLine(LAST, '\\d');

/** The prompt of the query is open. */
export const FILTER_OPEN = onLine(FILTER, INVERSE);

export const KEY_KINDS = ['move', 'filter', 'sort'] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

/** Keys that edit the query (`<` is backspace). After each key the new query is matched against every socket. */
const TYPED = Array.from('tcp<<<bench<<<<<', (character) => (character === '<' ? '\x7f' : character));

/** Starts the program and `node -e 0` in turn. */
async function measureStarts(count: number): Promise<Pick<ProgramFigures, 'start' | 'nodeStart'>> {
  const starts: number[] = [];
  const node: number[] = [];
  for (let i = 0; i < count; i++) {
    const startMs = performance.now();
    spawnSync(process.execPath, ['-e', '0'], { stdio: 'ignore' });
    node.push(performance.now() - startMs);
    const program = new ProgramPty();
    starts.push((await program.waitFor(FULL_TABLE, 'the table')) - program.startedMs);
    await program.kill();
  }
  return { start: spreadOf(starts), nodeStart: spreadOf(node) };
}

/** Returns the spread of the bytes written per second; `act` is called at the start of each of the `seconds`. */
async function bytesPerSecond(
  program: ProgramPty,
  seconds: number,
  act: () => Promise<void>,
): Promise<Spread> {
  const counts: number[] = [];
  for (let i = 0; i < seconds; i++) {
    const before = program.bytes;
    await Promise.all([act(), sleep(1000)]);
    counts.push(program.bytes - before);
  }
  return spreadOf(counts);
}

/**
 * Presses keys one after the other, with pauses of different lengths, so that some coincide with a tick.
 * @param key returns a key, and a pattern of the output that shows its effect
 */
async function pressKeys(
  program: ProgramPty,
  count: number,
  key: (i: number) => [string, RegExp],
): Promise<Spread> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    times.push(await program.press(...key(i)));
    await sleep(30 + ((i * 37) % 60));
  }
  return spreadOf(times);
}

async function measureKeys(program: ProgramPty, count: number): Promise<ProgramFigures['keys']> {
  // Each key moves down one row. After the last row on the screen the table would scroll, which is not measured.
  const moves = Math.min(count, LAST - FIRST);
  const move = await pressKeys(program, moves, (i) => ['j', onLine(FIRST + 1 + i, INVERSE)]);
  const sort = await pressKeys(program, count, () => ['S', onLine(TITLES, ARROW)]);
  await program.press('/', FILTER_OPEN);
  const filter = await pressKeys(program, count, (i) => [
    TYPED[i % TYPED.length] ?? '',
    onLine(FILTER, INVERSE),
  ]);
  return { move, filter, sort };
}

/** Measures the program while the sockets are at rest, and then while they change. */
export async function measureProgram(sockets: TestSockets, repeats: Repeats): Promise<ProgramFigures> {
  const starts = await measureStarts(repeats.starts);
  const program = new ProgramPty();
  try {
    await program.waitFor(FULL_TABLE, 'the table');
    // V8 compiles hot code for some ten seconds, which doubles the CPU: `at rest` begins after that.
    await sleep(1000 * repeats.warmUpSeconds);
    const restStartMs = performance.now();
    const cpuBeforeMs = processCpuMs(program.pid);
    const restBytes = await bytesPerSecond(program, repeats.restSeconds, async () => {});
    const restCpu = (100 * (processCpuMs(program.pid) - cpuBeforeMs)) / (performance.now() - restStartMs);
    const restMegabytes = residentMegabytes(program.pid);
    const busyBytes = await bytesPerSecond(program, repeats.busySeconds, () => sockets.change());
    const busyMegabytes = residentMegabytes(program.pid);
    // Rows that appear or disappear would move the selected row: wait until no row is marked as new or closed.
    await sleep(4500);
    const keys = await measureKeys(program, repeats.keys);
    return { ...starts, restCpu, restMegabytes, busyMegabytes, restBytes, busyBytes, keys };
  } finally {
    await program.kill();
  }
}
