import { parseArgs } from 'node:util';
import type { PassRepeats } from './passes.ts';

/** What a run of the bench measures, and how often. */
export interface Options {
  /** Sockets of each scene, in the order in which they are measured. */
  readonly sizes: readonly number[];
  readonly repeats: Repeats;
  /** Measure what made-up rows cost: their order, keys at them, and what is written to the terminal. */
  readonly passes: PassRepeats | undefined;
  /** Let netpane and others watch connections that are over at once. */
  readonly capture: CaptureRepeats | undefined;
  /** Run the soak after them. */
  readonly soak: boolean;
  /** Let connections come and go before the live screen: for minutes, and as a storm. */
  readonly soakLive: LiveRepeats | undefined;
  readonly storm: LiveRepeats | undefined;
}

/** Things that come and go before the live screen. */
export interface LiveRepeats {
  /** Connections a second, and seconds, of the soak. */
  readonly soakRate: number;
  readonly soakSeconds: number;
  /** The same of the storm, and the seconds after it. */
  readonly stormRate: number;
  readonly stormSeconds: number;
  readonly calmSeconds: number;
}

/** How connections that are over at once are made and watched. */
export interface CaptureRepeats {
  /** Connections a second of each load whose callers stay; and of that with a process for each connection. */
  readonly rates: readonly number[];
  readonly briefRate: number;
  /** Seconds of each load, and of rest. */
  readonly seconds: number;
  /** Seconds from a start to what is called rest. */
  readonly warmUpSeconds: number;
}

/** How often each thing is done. */
export interface Repeats {
  /** Ticks of each clock (wall, CPU) and scenario; the first ones, in which V8 warms up, are not among them. */
  readonly ticks: number;
  readonly warmUpTicks: number;
  readonly keys: number;
  readonly starts: number;
  /** Seconds of the whole program at rest, and while sockets change. */
  readonly restSeconds: number;
  readonly busySeconds: number;
  /** Seconds from a start to what is called rest. */
  readonly warmUpSeconds: number;
  /** Rounds of all programs that list sockets, and samples after each of them. */
  readonly rivals: number;
  readonly pairs: number;
  readonly soakTicks: number;
}

const FULL: Repeats = {
  ticks: 20,
  warmUpTicks: 5,
  keys: 32,
  starts: 10,
  restSeconds: 20,
  busySeconds: 10,
  warmUpSeconds: 15,
  rivals: 5,
  pairs: 4,
  soakTicks: 100_000,
};
const QUICK: Repeats = {
  ticks: 6,
  warmUpTicks: 2,
  keys: 10,
  starts: 3,
  restSeconds: 4,
  busySeconds: 4,
  warmUpSeconds: 6,
  rivals: 2,
  pairs: 3,
  soakTicks: 5000,
};

const LIVE = {
  full: { soakRate: 300, soakSeconds: 600, stormRate: 5000, stormSeconds: 60, calmSeconds: 20 },
  quick: { soakRate: 300, soakSeconds: 60, stormRate: 5000, stormSeconds: 15, calmSeconds: 12 },
} as const;

const PASSES = { full: { rounds: 2, ticks: 40 }, quick: { rounds: 1, ticks: 10 } } as const;

const SIZES = '200,10000,50000,100000';
const RATES = '10,100,1000,5000';
/** With a process for each connection more would need a machine of its own. */
const BRIEF_RATE = 100;

export const USAGE = `usage: npm run bench -- [--quick] [--sizes ${SIZES}] [--passes] [--capture [--rates ${RATES}]] [--soak] [--soak-live] [--storm]
  --quick    fewer repeats: figures to look at while working, not to compare
  --sizes    sockets in each scene, 50 to 100000; or none
  --passes   only this: filter, sort and group made-up rows, type a query at them, and what a tick writes
  --capture  only this: who sees connections that are over within a millisecond, and at which cost
  --rates    connections a second of it, 1 to 20000
  --soak     100,000 ticks of a made-up machine, on which everything comes and goes: does anything pile up
  --soak-live  only this: 10 minutes (quick: 1) in which connections, programs, listeners and namespaces come and go
               before the live screen; then ls is compared with ss
  --storm      only this: 5,000 connections a second for 60 s (quick: 15 s) before the live screen, and the rest after it
Without --sizes, --passes, --capture, --soak-live and --storm it measures the first three.
`;

/** Whole numbers within these bounds, or none; undefined when they are not. */
function numbersIn(text: string, least: number, most: number): number[] | undefined {
  const words = text === 'none' ? [] : text.split(',');
  const numbers = words.map((word) => (/^\d{1,6}$/.test(word) ? Number(word) : Number.NaN));
  return numbers.every((it) => it >= least && it <= most) ? numbers : undefined;
}

/** Understands the command line; undefined when it cannot. */
export function parseOptions(args: readonly string[]): Options | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean', default: false },
        sizes: { type: 'string' },
        passes: { type: 'boolean', default: false },
        capture: { type: 'boolean', default: false },
        rates: { type: 'string', default: RATES },
        soak: { type: 'boolean', default: false },
        'soak-live': { type: 'boolean', default: false },
        storm: { type: 'boolean', default: false },
      },
    });
    // A table of 50 lines is never full with fewer; with more the herd runs out of addresses.
    const isPart = values.capture || values.passes || values['soak-live'] || values.storm;
    const sizes = numbersIn(values.sizes ?? (isPart ? 'none' : SIZES), 50, 100_000);
    const isAll = values.sizes === undefined && !isPart;
    const rates = numbersIn(values.rates, 1, 20_000);
    if (sizes === undefined || rates === undefined) return undefined;
    const live = LIVE[values.quick ? 'quick' : 'full'];
    const how = values.quick ? { seconds: 3, warmUpSeconds: 6 } : { seconds: 10, warmUpSeconds: 15 };
    return {
      sizes,
      repeats: values.quick ? QUICK : FULL,
      passes: values.passes || isAll ? PASSES[values.quick ? 'quick' : 'full'] : undefined,
      capture: values.capture || isAll ? { rates, briefRate: BRIEF_RATE, ...how } : undefined,
      soak: values.soak,
      soakLive: values['soak-live'] ? live : undefined,
      storm: values.storm ? live : undefined,
    };
  } catch {
    return undefined;
  }
}
