import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../helpers/herd.ts';
import { childrenCpuMs, ownCpuMs } from './machine.ts';
import type { Repeats } from './options.ts';
import { type PollThread, takeFirstPoll } from './poll-thread.ts';
import type { FirstPoll, PollCosts } from './poll-worker.ts';
import type { Received } from './receive-only.ts';
import { type Spread, spreadOf } from './stats.ts';

/** Costs of one tool that lists sockets, milliseconds. */
export interface ToolFigures {
  readonly name: string;
  /** A text if the tool was not run: it is not installed, or takes too long with this number of sockets. */
  readonly costs: { readonly time: Spread; readonly cpuMs: number } | string;
}

/**
 * Netpane, the receive-only loop and other tools on the same sockets. They run in turn in one loop, so that a busy
 * moment of the machine affects all of them.
 */
export interface ToolComparison {
  readonly sockets: number;
  readonly namespaces: number;
  /** Dumps that each poll requests from the kernel, and the size of the answers. */
  readonly dumps: number;
  readonly megabytes: number;
  /** Requests and dumps of all polls that make the receive-only loop less comparable; see `Received`. */
  readonly disturbed: Pick<Received, 'lookups' | 'interrupted' | 'skipped'>;
  /** A poll with owners while nothing changes, milliseconds. */
  readonly poll: Spread;
  /** The part of it that finds the owners. */
  readonly owners: Spread;
  /** The receive-only loop over the same dumps, milliseconds. */
  readonly receiveOnly: Spread;
  /** Each poll divided by the receive-only loop right before or after it. */
  readonly ratio: Spread;
  /** Changes found by each poll that found any: only other programs of the machine cause them. */
  readonly changes: readonly string[];
  readonly polls: number;
  readonly first: Spread;
  /** The part of the first poll that opens the source. */
  readonly opening: Spread;
  readonly tools: readonly ToolFigures[];
  readonly notices: readonly string[];
}

interface Run {
  readonly timeMs: number;
  readonly cpuMs: number;
}

export const SS_EVERYTHING = 'ss -tunapiOHe';
export const SS = 'ss -tunap';

/** Maximum number of sockets for all tools: with more, some of them take minutes. */
const MAX_FOR_ALL_TOOLS = 10_000;

const COMMANDS = [
  { words: SS_EVERYTHING.split(' '), maxSockets: Infinity },
  { words: SS.split(' '), maxSockets: Infinity },
  { words: ['netstat', '-tunap'], maxSockets: MAX_FOR_ALL_TOOLS },
  { words: ['lsof', '-nP', '-i'], maxSockets: MAX_FOR_ALL_TOOLS },
] as const;

/** Runs a command under bash's `time`, which gives the CPU time of a child in milliseconds, without bash's own start. */
function runCommand(command: readonly string[]): Run {
  const script = 'TIMEFORMAT="%3R %3U %3S"; time "$@" >/dev/null 2>/dev/null';
  const { stderr } = spawnSync('bash', ['-c', script, 'bash', ...command], { encoding: 'utf8' });
  const [real = Number.NaN, user = Number.NaN, system = Number.NaN] = stderr.trim().split(' ').map(Number);
  return { timeMs: 1000 * real, cpuMs: 1000 * (user + system) };
}

const isInstalled = (command: string): boolean =>
  spawnSync('sh', ['-c', 'command -v "$1"', 'sh', command]).status === 0;

/** Loads the package systeminformation, which is called in this process and starts programs itself. */
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

interface Tool {
  readonly name: string;
  /** Runs the tool; a text says why it is not run. */
  readonly run: (() => Run | Promise<Run>) | string;
  readonly runs: Run[];
}

async function findTools(size: number): Promise<Tool[]> {
  const commands = COMMANDS.map(({ words, maxSockets }): Tool => {
    const run =
      size > maxSockets ? 'left out' : isInstalled(words[0]) ? () => runCommand(words) : 'not installed';
    return { name: words.join(' '), run, runs: [] };
  });
  const systemInformation =
    size > MAX_FOR_ALL_TOOLS ? 'left out' : ((await loadSystemInformation()) ?? 'not installed');
  const netpane = [process.execPath, join(root, 'dist', 'netpane.js'), 'ls'];
  return [
    ...commands,
    { name: 'systeminformation', run: systemInformation, runs: [] },
    { name: 'netpane ls', run: () => runCommand(netpane), runs: [] },
  ];
}

const figuresOf = ({ name, run, runs }: Tool): ToolFigures => ({
  name,
  costs:
    typeof run === 'string'
      ? run
      : {
          time: spreadOf(runs.map(({ timeMs }) => timeMs)),
          // The mean: the CPU time of children comes in steps of 10 ms.
          cpuMs: runs.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / runs.length,
        },
});

/** Compares all tools on the present sockets, about `size`. Expects a thread that is warm: it has polled before. */
export async function compareTools(
  thread: PollThread,
  size: number,
  repeats: Repeats,
): Promise<ToolComparison> {
  const tools = await findTools(size);
  const polls: PollCosts[] = [];
  const firsts: FirstPoll[] = [];
  const poll = async () => {
    // The receive-only loop comes first and second in turn: the second finds the caches warm.
    for (let i = 0; i < repeats.pollPairs; i++) {
      polls.push(
        await thread.poll({ clock: 'wall', receiveOnly: polls.length % 2 === 0 ? 'before' : 'after' }),
      );
    }
  };
  // Repeat -1 warms up files and code.
  for (let repeat = -1; repeat < repeats.toolRuns; repeat++) {
    for (const { run, runs } of tools) {
      if (typeof run === 'string') continue;
      const result = await run();
      if (repeat >= 0) runs.push(result);
      await poll();
    }
    const first = await takeFirstPoll();
    if (repeat >= 0) firsts.push(first);
    await poll();
    if (repeat < 0) polls.length = 0;
  }
  const [any] = polls;
  const total = (of: 'lookups' | 'interrupted' | 'skipped') =>
    polls.reduce((sum, { received }) => sum + (received?.[of] ?? 0), 0);
  const receiveOnlyMs = ({ receiveOnlyMs = Number.NaN }: PollCosts) => receiveOnlyMs;
  const pollMs = ({ socketsMs, ownersMs }: PollCosts) => socketsMs + ownersMs;
  return {
    sockets: any?.sockets ?? 0,
    namespaces: any?.namespaces ?? 0,
    dumps: any?.received?.dumps ?? 0,
    megabytes: (any?.received?.bytes ?? 0) / 1e6,
    disturbed: {
      lookups: total('lookups'),
      interrupted: total('interrupted'),
      skipped: total('skipped'),
    },
    poll: spreadOf(polls.map(pollMs)),
    owners: spreadOf(polls.map(({ ownersMs }) => ownersMs)),
    receiveOnly: spreadOf(polls.map(receiveOnlyMs)),
    ratio: spreadOf(polls.map((costs) => pollMs(costs) / receiveOnlyMs(costs))),
    changes: polls.filter(({ changes }) => changes > 0).map(({ changesText }) => changesText),
    polls: polls.length,
    first: spreadOf(firsts.map(({ ms }) => ms)),
    opening: spreadOf(firsts.map(({ openMs }) => openMs)),
    tools: tools.map(figuresOf),
    notices: any?.notices ?? [],
  };
}
