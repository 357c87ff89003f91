import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Churn } from './churn.ts';
import { compareWithSs, type ListDifference } from './list-difference.ts';
import { Load } from './load.ts';
import { residentMegabytes } from './machine.ts';
import type { LiveRepeats } from './options.ts';
import { PrivateNet } from './private-net.ts';
import { FILTER_OPEN } from './program.ts';
import { ProgramPty } from './program-pty.ts';

/** State of the program at one moment of a live measurement. */
export interface LiveCheckpoint {
  /** Seconds since the start of the load. */
  readonly seconds: number;
  readonly megabytes: number;
  readonly descriptors: number;
  /** Time from the key `/` to the prompt. */
  readonly keyMs: number;
}

export interface LiveSoakFigures {
  /** Connections per second actually made. */
  readonly rate: number;
  readonly checkpoints: readonly LiveCheckpoint[];
  readonly difference: ListDifference;
}

export interface StormFigures {
  readonly rate: number;
  /** Memory before the storm. */
  readonly megabytesBefore: number;
  readonly checkpoints: readonly LiveCheckpoint[];
  /** Number of checkpoints during the storm; the others are after it. */
  readonly stormCheckpoints: number;
}

/** The program, and a load that has a network namespace of its own. */
interface Setup {
  readonly net: PrivateNet;
  readonly load: Load;
  readonly program: ProgramPty;
}

/** Processes and namespaces to close, also after a failure. */
const open = new Set<{ close: () => void }>();

/** Registers `it` for `closeLive`, and returns it. */
function closeLater<T extends { close: () => void }>(it: T): T {
  open.add(it);
  return it;
}

/** Closes what `closeLater` registered: namespaces, and the processes in them. The program is not among them. */
export function closeLive(): void {
  for (const it of open) {
    open.delete(it);
    it.close();
  }
}

async function withSetup<T>(measure: (setup: Setup) => Promise<T>): Promise<T> {
  const net = closeLater(await PrivateNet.open());
  try {
    const load = closeLater(new Load(net));
    await load.open();
    const program = new ProgramPty();
    try {
      // There may be too few sockets for a full table. The header, which appears with the baseline, contains `socket`.
      await program.waitFor(/socket/, 'the header');
      await sleep(3000);
      return await measure({ net, load, program });
    } finally {
      await program.kill();
    }
  } finally {
    closeLive();
  }
}

async function takeCheckpoint(program: ProgramPty, startMs: number): Promise<LiveCheckpoint> {
  const keyMs = await program.press('/', FILTER_OPEN);
  // Escape closes the prompt. Any output is enough here: the prompt is closed long before the next checkpoint.
  await program.press('\x1b', /./);
  return {
    seconds: (performance.now() - startMs) / 1000,
    megabytes: residentMegabytes(program.pid),
    descriptors: readdirSync(`/proc/${program.pid}/fd`).length,
    keyMs,
  };
}

/** Takes a checkpoint every `everySeconds` until `isOver` returns true. */
async function takeCheckpointsUntil(
  program: ProgramPty,
  startMs: number,
  everySeconds: number,
  isOver: () => boolean,
): Promise<LiveCheckpoint[]> {
  const checkpoints: LiveCheckpoint[] = [];
  while (!isOver()) {
    await sleep(everySeconds * 1000);
    checkpoints.push(await takeCheckpoint(program, startMs));
  }
  return checkpoints;
}

/** Runs the program for `soakSeconds` while connections, processes, listeners and namespaces appear and disappear. */
export const measureLiveSoak = ({ soakRate, soakSeconds }: LiveRepeats): Promise<LiveSoakFigures> =>
  withSetup(async ({ net, load, program }) => {
    const churn = closeLater(new Churn(net));
    const startMs = performance.now();
    let isOver = false;
    const running = load.run('permanent', soakRate, soakSeconds).finally(() => (isOver = true));
    const checkpoints = await takeCheckpointsUntil(program, startMs, 5, () => isOver);
    const { rate } = await running;
    churn.pause();
    return { rate, checkpoints, difference: compareWithSs(net) };
  });

/** Runs the program during a storm of connections, and for some seconds after it. */
export const measureStorm = ({ stormRate, stormSeconds, calmSeconds }: LiveRepeats): Promise<StormFigures> =>
  withSetup(async ({ load, program }) => {
    const megabytesBefore = residentMegabytes(program.pid);
    const startMs = performance.now();
    let isOver = false;
    const running = load.run('permanent', stormRate, stormSeconds).finally(() => (isOver = true));
    const storm = await takeCheckpointsUntil(program, startMs, 1, () => isOver);
    const { rate } = await running;
    const calmMs = performance.now();
    const calm = await takeCheckpointsUntil(
      program,
      startMs,
      1,
      () => performance.now() - calmMs >= calmSeconds * 1000,
    );
    return { rate, megabytesBefore, checkpoints: [...storm, ...calm], stormCheckpoints: storm.length };
  });
