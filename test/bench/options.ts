import { parseArgs } from 'node:util';

/** What a run of the bench measures, and how often. */
export interface Options {
  /** Sockets of each scene, in the order in which they are measured. */
  readonly sizes: readonly number[];
  readonly repeats: Repeats;
  /** Run the soak after them. */
  readonly soak: boolean;
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

export const USAGE = `usage: npm run bench -- [--quick] [--sizes ${SIZES}] [--soak]
  --quick   fewer repeats: figures to look at while working, not to compare
  --sizes   sockets in each scene, 50 to 100000; none with --soak measures only that
  --soak    100,000 ticks of a made-up machine, on which everything comes and goes: does anything pile up
`;

/** Understands the command line; undefined when it cannot. */
export function parseOptions(args: readonly string[]): Options | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean', default: false },
        sizes: { type: 'string', default: SIZES },
        soak: { type: 'boolean', default: false },
      },
    });
    const words = values.sizes === 'none' ? [] : values.sizes.split(',');
    const sizes = words.map((word) => (/^\d{1,6}$/.test(word) ? Number(word) : Number.NaN));
    // A table of 50 lines is never full with fewer; with more the herd runs out of addresses.
    if (!sizes.every((size) => size >= 50 && size <= 100_000)) return undefined;
    return { sizes, repeats: values.quick ? QUICK : FULL, soak: values.soak };
  } catch {
    return undefined;
  }
}
