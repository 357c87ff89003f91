import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../helpers/herd.ts';
import { firstSample, type Looker } from './looker.ts';
import type { FirstSample, LookCosts } from './looking.ts';
import { childrenCpuMs, ownCpuMs } from './machine.ts';
import type { Repeats } from './options.ts';
import { type Spread, spreadOf } from './stats.ts';

/** What one way of listing the sockets costs, milliseconds. */
export interface RivalFigures {
  readonly name: string;
  /** Absent when it is not installed, or takes too long with so many sockets. */
  readonly costs: { readonly time: Spread; readonly cpuMs: number } | string;
}

/** Netpane, the bare loop and other programs, in turn in one loop, so that a busy moment meets all of them. */
export interface DuelFigures {
  readonly sockets: number;
  readonly namespaces: number;
  /** What each reading asks of the kernel, and gets. */
  readonly dumps: number;
  readonly megabytes: number;
  /** Sample and owners, with nothing changing, milliseconds; and the bare loop over the same dumps. */
  readonly sample: Spread;
  /** The owners' part of it. */
  readonly owners: Spread;
  readonly bare: Spread;
  /** Of each sample to the bare loop right before or after it. */
  readonly ratio: Spread;
  /** What the looks found that found any change; without others on the machine there are none. */
  readonly changes: readonly string[];
  readonly looks: number;
  readonly first: Spread;
  /** Opening the source, which is part of it. */
  readonly opening: Spread;
  readonly rivals: readonly RivalFigures[];
  readonly notices: readonly string[];
}

interface Run {
  readonly timeMs: number;
  readonly cpuMs: number;
}

export const SS_EVERYTHING = 'ss -tunapiOHe';
export const SS = 'ss -tunap';

/** With more sockets some take minutes, and say nothing new. */
const MOST_FOR_ALL = 10_000;

const COMMANDS = [
  { words: SS_EVERYTHING.split(' '), most: Infinity },
  { words: SS.split(' '), most: Infinity },
  { words: ['netstat', '-tunap'], most: MOST_FOR_ALL },
  { words: ['lsof', '-nP', '-i'], most: MOST_FOR_ALL },
] as const;

/** bash knows the CPU time of a child to the millisecond; its own start is not part of it. */
function runCommand(command: readonly string[]): Run {
  const script = 'TIMEFORMAT="%3R %3U %3S"; time "$@" >/dev/null 2>/dev/null';
  const { stderr } = spawnSync('bash', ['-c', script, 'bash', ...command], { encoding: 'utf8' });
  const [real = Number.NaN, user = Number.NaN, system = Number.NaN] = stderr.trim().split(' ').map(Number);
  return { timeMs: 1000 * real, cpuMs: 1000 * (user + system) };
}

const isInstalled = (command: string): boolean =>
  spawnSync('sh', ['-c', 'command -v "$1"', 'sh', command]).status === 0;

/** The package called in this process; it starts programs itself. */
async function loadSystemInformation(): Promise<(() => Promise<Run>) | undefined> {
  try {
    const { default: systemInformation } = await import('systeminformation');
    return async () => {
      const [startMs, ownMs, childrenMs] = [performance.now(), ownCpuMs(), childrenCpuMs()];
      await systemInformation.networkConnections();
      const timeMs = performance.now() - startMs;
      return { timeMs, cpuMs: ownCpuMs() - ownMs + childrenCpuMs() - childrenMs };
    };
  } catch {
    return undefined;
  }
}

interface Rival {
  readonly name: string;
  readonly run: (() => Run | Promise<Run>) | string;
  readonly runs: Run[];
}

async function gather(size: number): Promise<Rival[]> {
  const commands = COMMANDS.map(({ words, most }): Rival => {
    const run = size > most ? 'left out' : isInstalled(words[0]) ? () => runCommand(words) : 'not installed';
    return { name: words.join(' '), run, runs: [] };
  });
  const systemInformation =
    size > MOST_FOR_ALL ? 'left out' : ((await loadSystemInformation()) ?? 'not installed');
  const netpane = [process.execPath, join(root, 'dist', 'netpane.js'), 'ls'];
  return [
    ...commands,
    { name: 'systeminformation', run: systemInformation, runs: [] },
    { name: 'netpane ls', run: () => runCommand(netpane), runs: [] },
  ];
}

const figuresOf = ({ name, run, runs }: Rival): RivalFigures => ({
  name,
  costs:
    typeof run === 'string'
      ? run
      : {
          time: spreadOf(runs.map(({ timeMs }) => timeMs)),
          // The mean, for children's CPU time comes in steps of 10 ms.
          cpuMs: runs.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / runs.length,
        },
});

/** Measures them on the sockets of now, `size` or so. The looker knows them already, and V8 its code. */
export async function measureDuel(looker: Looker, size: number, repeats: Repeats): Promise<DuelFigures> {
  const rivals = await gather(size);
  const pairs: LookCosts[] = [];
  const firsts: FirstSample[] = [];
  const look = async () => {
    // In turn, for whichever comes second finds the caches warm.
    for (let i = 0; i < repeats.pairs; i++) {
      pairs.push(await looker.look({ clock: 'wall', bare: pairs.length % 2 === 0 ? 'before' : 'after' }));
    }
  };
  // The first round warms files and code up.
  for (let round = -1; round < repeats.rivals; round++) {
    for (const { run, runs } of rivals) {
      if (typeof run === 'string') continue;
      const made = await run();
      if (round >= 0) runs.push(made);
      await look();
    }
    const first = await firstSample();
    if (round >= 0) firsts.push(first);
    await look();
    if (round < 0) pairs.length = 0;
  }
  const [some] = pairs;
  const bareMs = ({ bareMs = Number.NaN }: LookCosts) => bareMs;
  const readMs = ({ sampleMs, ownersMs }: LookCosts) => sampleMs + ownersMs;
  return {
    sockets: some?.sockets ?? 0,
    namespaces: some?.namespaces ?? 0,
    dumps: some?.received?.dumps ?? 0,
    megabytes: (some?.received?.bytes ?? 0) / 1e6,
    sample: spreadOf(pairs.map(readMs)),
    owners: spreadOf(pairs.map(({ ownersMs }) => ownersMs)),
    bare: spreadOf(pairs.map(bareMs)),
    ratio: spreadOf(pairs.map((pair) => readMs(pair) / bareMs(pair))),
    changes: pairs.filter(({ changes }) => changes > 0).map(({ kinds }) => kinds),
    looks: pairs.length,
    first: spreadOf(firsts.map(({ ms }) => ms)),
    opening: spreadOf(firsts.map(({ openMs }) => openMs)),
    rivals: rivals.map(figuresOf),
    notices: some?.notices ?? [],
  };
}
