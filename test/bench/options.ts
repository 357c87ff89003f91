import { parseArgs } from 'node:util';

/** What a run of the bench measures, and how often. */
export interface Options {
  /** Sockets of each scene, in the order in which they are measured. */
  readonly sizes: readonly number[];
  readonly repeats: Repeats;
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
  readonly rivals: number;
}

const FULL: Repeats = {
  ticks: 15,
  warmUpTicks: 5,
  keys: 32,
  starts: 10,
  restSeconds: 20,
  busySeconds: 10,
  rivals: 5,
};
const QUICK: Repeats = {
  ticks: 5,
  warmUpTicks: 2,
  keys: 10,
  starts: 3,
  restSeconds: 4,
  busySeconds: 4,
  rivals: 2,
};

export const USAGE = `usage: npm run bench -- [--quick] [--sizes 200,2000,10000]
  --quick   fewer repeats: figures to look at while working, not to compare
  --sizes   sockets in each scene, 50 to 40000
`;

/** Understands the command line; undefined when it cannot. */
export function parseOptions(args: readonly string[]): Options | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean', default: false },
        sizes: { type: 'string', default: '200,2000,10000' },
      },
    });
    const sizes = values.sizes.split(',').map((word) => (/^\d{1,6}$/.test(word) ? Number(word) : Number.NaN));
    // A table of 50 lines is never full with fewer; with more the loopback herd runs out of open files.
    if (!sizes.every((size) => size >= 50 && size <= 40_000)) return undefined;
    return { sizes, repeats: values.quick ? QUICK : FULL };
  } catch {
    return undefined;
  }
}
