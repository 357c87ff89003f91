import { setTimeout as sleep } from 'node:timers/promises';
import { LoadProcess } from './load-process.ts';
import { processCpuMs } from './machine.ts';
import type { NamesRepeats } from './options.ts';
import { PrivateNet } from './private-net.ts';
import { ProgramPty } from './program-pty.ts';
import { closeLater, closeShortLived } from './short-lived.ts';
import { type Spread, spreadOf } from './stats.ts';

/** Cost of names at a high rate of answers, and the number of lost ones. */
export interface NamesFigures {
  /** Answers per second actually sent. */
  readonly rate: number;
  /** Number of addresses that were sent at least once with a name, in each run. */
  readonly sent: number;
  /** For each run: number of these whose name the screen knows at the end. */
  readonly known: readonly number[];
  /** For each run: number of packets that netpane reports as lost. */
  readonly lost: readonly number[];
  /** CPU of the whole program with names under this load, percent of a core. */
  readonly cpu: Spread;
  /** The same without names. */
  readonly cpuWithout: Spread;
  /** Difference of the two in each pair of runs. */
  readonly added: Spread;
}

/** Distinct addresses: fewer than netpane keeps. */
const ADDRESSES = 15_000;
const WARM_UP_MS = 3000;
/** Time after the load in which the last names arrive on the screen. */
const SETTLE_MS = 2000;

const numberIn = (text: string, pattern: RegExp): number =>
  Number((pattern.exec(text)?.[1] ?? '0').replaceAll(',', ''));

async function measureRun(net: PrivateNet, args: readonly string[], { rate, seconds }: NamesRepeats) {
  const program = new ProgramPty({ args: [...args, 'host:bench'] });
  try {
    await program.waitFor(/names of peers/, 'the screen');
    await sleep(WARM_UP_MS);
    const load = closeLater(new LoadProcess(net, 'names-child.mjs'));
    const beforeMs = processCpuMs(program.pid);
    const { ms } = await load.request<{ ms: number }>({ rate, count: rate * seconds, addresses: ADDRESSES });
    const cpu = (100 * (processCpuMs(program.pid) - beforeMs)) / ms;
    load.close();
    await sleep(SETTLE_MS);
    // Paints the whole screen again.
    await program.press('\f', /names of peers/);
    const { text } = program;
    return {
      rate: (1000 * rate * seconds) / ms,
      cpu,
      known: numberIn(text, /knows ([\d,]+) names of peers/),
      lost: numberIn(text, /([\d,]+) packets? with names lost/),
    };
  } finally {
    await program.kill();
  }
}

/** Measures names in pairs of runs of the live screen, without `--names` and with it, in the namespace of this process. */
export async function measureNames(repeats: NamesRepeats): Promise<NamesFigures> {
  try {
    const net = closeLater(await PrivateNet.open());
    const runs: Awaited<ReturnType<typeof measureRun>>[] = [];
    const without: number[] = [];
    for (let i = 0; i < repeats.pairs; i++) {
      without.push((await measureRun(net, [], repeats)).cpu);
      runs.push(await measureRun(net, ['--names'], repeats));
    }
    return {
      rate: spreadOf(runs.map((it) => it.rate)).median,
      sent: Math.min(ADDRESSES, repeats.rate * repeats.seconds),
      known: runs.map((it) => it.known),
      lost: runs.map((it) => it.lost),
      cpu: spreadOf(runs.map((it) => it.cpu)),
      cpuWithout: spreadOf(without),
      added: spreadOf(runs.map((it, i) => it.cpu - (without[i] ?? 0))),
    };
  } finally {
    closeShortLived();
  }
}
