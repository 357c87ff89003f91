import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../helpers/herd.ts';
import { childrenCpuMs, ownCpuMs } from './machine.ts';
import { type Spread, spreadOf } from './stats.ts';

/** What one way of listing the sockets costs, milliseconds. */
export interface RivalFigures {
  readonly name: string;
  /** Absent when it is not installed. */
  readonly costs?: { readonly time: Spread; readonly cpuMs: number };
}

interface Run {
  readonly timeMs: number;
  readonly cpuMs: number;
}

const COMMANDS: readonly (readonly [string, ...string[]])[] = [
  ['ss', '-tunap'],
  ['netstat', '-tunap'],
  ['lsof', '-nP', '-i'],
];

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

/** Runs every rival, and `netpane ls` as one of them, in turn, so that a busy moment meets all of them. */
export async function measureRivals(count: number): Promise<RivalFigures[]> {
  const netpane = [process.execPath, join(root, 'dist', 'netpane.js'), 'ls'];
  const rivals: { name: string; run: (() => Run | Promise<Run>) | undefined; runs: Run[] }[] = [
    ...COMMANDS.map((command) => ({
      name: command.join(' '),
      run: isInstalled(command[0]) ? () => runCommand(command) : undefined,
      runs: [],
    })),
    { name: 'systeminformation', run: await loadSystemInformation(), runs: [] },
    { name: 'netpane ls', run: () => runCommand(netpane), runs: [] },
  ];
  // The first round warms files and code up.
  for (let round = -1; round < count; round++) {
    for (const { run, runs } of rivals) {
      if (run === undefined) continue;
      const made = await run();
      if (round >= 0) runs.push(made);
    }
  }
  return rivals.map(({ name, run, runs }) =>
    run === undefined
      ? { name }
      : {
          name,
          costs: {
            time: spreadOf(runs.map(({ timeMs }) => timeMs)),
            // The mean, for children's CPU time comes in steps of 10 ms.
            cpuMs: runs.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / runs.length,
          },
        },
  );
}
