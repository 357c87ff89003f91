import { parseArgs } from 'node:util';

/** What a run of the bench measures, and how often. */
export interface Options {
  /** Sockets of each scene, in the order in which they are measured. */
  readonly sizes: readonly number[];
  readonly repeats: Repeats;
  /** Let netpane and others watch connections that are over at once. */
  readonly capture: CaptureRepeats | undefined;
  /** Run the soak after them. */
  readonly soak: boolean;
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

const SIZES = '200,10000,50000,100000';
const RATES = '10,100,1000,5000';
/** With a process for each connection more would need a machine of its own. */
const BRIEF_RATE = 100;

export const USAGE = `usage: npm run bench -- [--quick] [--sizes ${SIZES}] [--capture [--rates ${RATES}]] [--soak]
  --quick    fewer repeats: figures to look at while working, not to compare
  --sizes    sockets in each scene, 50 to 100000; or none
  --capture  only this: who sees connections that are over within a millisecond, and at which cost
  --rates    connections a second of it, 1 to 20000
  --soak     100,000 ticks of a made-up machine, on which everything comes and goes: does anything pile up
Without --sizes and --capture it measures both.
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
        capture: { type: 'boolean', default: false },
        rates: { type: 'string', default: RATES },
        soak: { type: 'boolean', default: false },
      },
    });
    // A table of 50 lines is never full with fewer; with more the herd runs out of addresses.
    const sizes = numbersIn(values.sizes ?? (values.capture ? 'none' : SIZES), 50, 100_000);
    const rates = numbersIn(values.rates, 1, 20_000);
    if (sizes === undefined || rates === undefined) return undefined;
    const how = values.quick ? { seconds: 3, warmUpSeconds: 6 } : { seconds: 10, warmUpSeconds: 15 };
    return {
      sizes,
      repeats: values.quick ? QUICK : FULL,
      capture:
        values.capture || values.sizes === undefined ? { rates, briefRate: BRIEF_RATE, ...how } : undefined,
      soak: values.soak,
    };
  } catch {
    return undefined;
  }
}
