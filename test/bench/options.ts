import { parseArgs } from 'node:util';
import type { ViewRepeats } from './view.ts';

/** Measurements of one run, and their repeats; undefined for a measurement that is left out. */
export interface Options {
  /** Numbers of sockets, in the order in which they are measured. */
  readonly sizes: readonly number[];
  readonly repeats: Repeats;
  readonly view: ViewRepeats | undefined;
  readonly shortLived: ShortLivedRepeats | undefined;
  readonly soak: boolean;
  readonly liveSoak: LiveRepeats | undefined;
  readonly storm: LiveRepeats | undefined;
  readonly udp: UdpRepeats | undefined;
  readonly names: NamesRepeats | undefined;
  /** Repeats for each kind of process. */
  readonly evidence: number | undefined;
}

/** Loads of the measurements of names. */
export interface NamesRepeats {
  /** DNS answers per second, and for how many seconds. */
  readonly rate: number;
  readonly seconds: number;
  /** Pairs of runs, without names and with them. */
  readonly pairs: number;
}

/** Loads of the UDP measurements. */
export interface UdpRepeats {
  /** Short sockets per second, and for how many seconds. */
  readonly rate: number;
  readonly seconds: number;
  /** Parts of a transfer, each of which is measured. */
  readonly parts: number;
  /** Pairs of transfers, without netpane and with it. */
  readonly pairs: number;
}

/** Loads of the measurements of the live screen. */
export interface LiveRepeats {
  /** Connections per second of the soak. */
  readonly soakRate: number;
  readonly soakSeconds: number;
  /** Connections per second of the storm. */
  readonly stormRate: number;
  readonly stormSeconds: number;
  /** Seconds that the measurement continues after the storm. */
  readonly calmSeconds: number;
}

/** Loads of short-lived connections. */
export interface ShortLivedRepeats {
  /** Connections per second of each load by permanent processes. */
  readonly rates: readonly number[];
  /** Connections per second of the load with a process for each connection. */
  readonly processRate: number;
  /** Seconds of each load, and of the measurement at rest. */
  readonly seconds: number;
  /** Seconds from a start to the measurement at rest. */
  readonly warmUpSeconds: number;
}

/** Repeats of the measurements for one number of sockets. */
export interface Repeats {
  /** Ticks for each scenario and clock (elapsed time, CPU time), not counting `warmUpTicks`. */
  readonly ticks: number;
  /** Ticks before these, in which V8 compiles. */
  readonly warmUpTicks: number;
  /** Number of keys pressed. */
  readonly keys: number;
  /** Number of starts of the whole program. */
  readonly starts: number;
  /** Seconds of the whole program at rest. */
  readonly restSeconds: number;
  /** Seconds of the whole program while sockets change. */
  readonly busySeconds: number;
  /** Seconds from a start to the measurement at rest. */
  readonly warmUpSeconds: number;
  /** Runs of each tool that lists sockets. */
  readonly toolRuns: number;
  /** After each run of a tool: pairs of a poll and of a loop that only receives the same messages. */
  readonly pollPairs: number;
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
  toolRuns: 5,
  pollPairs: 4,
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
  toolRuns: 2,
  pollPairs: 3,
  soakTicks: 5000,
};

const LIVE = {
  full: { soakRate: 300, soakSeconds: 600, stormRate: 8000, stormSeconds: 60, calmSeconds: 65 },
  quick: { soakRate: 300, soakSeconds: 60, stormRate: 8000, stormSeconds: 15, calmSeconds: 12 },
} as const;

const UDP = {
  full: { rate: 5000, seconds: 10, parts: 100, pairs: 15 },
  quick: { rate: 5000, seconds: 3, parts: 60, pairs: 7 },
} as const;

const NAMES = {
  full: { rate: 5000, seconds: 20, pairs: 5 },
  quick: { rate: 5000, seconds: 5, pairs: 2 },
} as const;

const EVIDENCE = { full: 20, quick: 5 } as const;

const VIEW = { full: { combinations: 2, ticks: 40 }, quick: { combinations: 1, ticks: 10 } } as const;

const SHORT_LIVED = {
  full: { seconds: 10, warmUpSeconds: 15 },
  quick: { seconds: 3, warmUpSeconds: 6 },
} as const;

const SIZES = '200,10000,50000,100000';
const RATES = '10,100,1000,5000';
/** More processes per second would take both cores of the machine of the published figures. */
const PROCESS_RATE = 100;

/** Bounds of `--sizes`: fewer sockets do not fill 50 lines, more exceed the loopback addresses in use. */
const MIN_SIZE = 50;
const MAX_SIZE = 100_000;
const MAX_RATE = 20_000;

export const USAGE = `usage: npm run bench -- [OPTION…]

Measures netpane on sockets of its own, as root in a network namespace of its own. Without --sizes or an option that
says 'only' it measures sizes, view and short-lived connections.

measurements:
  --sizes N,…    poll, tick, start, keys, CPU and memory with N loopback sockets, compared with ss, netstat and lsof;
                 ${MIN_SIZE} to ${MAX_SIZE}, or none (default: ${SIZES})
  --view         only synthetic rows: time to filter, sort and group them, time per key, bytes per tick
  --short-lived  only connections that live less than a millisecond: which tool reports them, at what CPU cost
  --rates N,…    connections per second for --short-lived, 1 to ${MAX_RATE} (default: ${RATES})
  --soak         also a soak test: ${FULL.soakTicks} ticks of a synthetic machine; memory and descriptors must not grow
  --live-soak    only the live screen for 10 minutes while connections, processes, listeners and namespaces appear and
                 disappear; compares 'netpane ls' with ss at the end
  --udp          only UDP: short sockets at 5,000 per second, and what a packet costs with netpane; needs root
  --names        only names of peers (--names): 5,000 DNS answers per second; needs root
  --evidence     only what the details read of a process: package, digest, parents and so on
  --storm        only the live screen during 8,000 connections per second for 60 s, and its recovery

  --quick        fewer repeats and shorter loads: for a first impression, not for published figures
  --help         print this help

The figures are explained in test/bench/README.md.
`;

/** Parses a list of numbers within bounds, or the word none; undefined if it is invalid. */
function parseNumbers(text: string, min: number, max: number): number[] | undefined {
  const words = text === 'none' ? [] : text.split(',');
  const numbers = words.map((word) => (/^\d{1,6}$/.test(word) ? Number(word) : Number.NaN));
  return numbers.every((it) => it >= min && it <= max) ? numbers : undefined;
}

/** Parses the command line; undefined if it is invalid. */
export function parseOptions(args: readonly string[]): Options | 'help' | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        sizes: { type: 'string' },
        view: { type: 'boolean', default: false },
        'short-lived': { type: 'boolean', default: false },
        rates: { type: 'string', default: RATES },
        soak: { type: 'boolean', default: false },
        'live-soak': { type: 'boolean', default: false },
        storm: { type: 'boolean', default: false },
        udp: { type: 'boolean', default: false },
        names: { type: 'boolean', default: false },
        evidence: { type: 'boolean', default: false },
      },
    });
    if (values.help) return 'help';
    const isSelection =
      values['short-lived'] ||
      values.view ||
      values['live-soak'] ||
      values.storm ||
      values.udp ||
      values.names ||
      values.evidence;
    const sizes = parseNumbers(values.sizes ?? (isSelection ? 'none' : SIZES), MIN_SIZE, MAX_SIZE);
    const isDefault = values.sizes === undefined && !isSelection;
    const rates = parseNumbers(values.rates, 1, MAX_RATE);
    if (sizes === undefined || rates === undefined) return undefined;
    const length = values.quick ? 'quick' : 'full';
    return {
      sizes,
      repeats: values.quick ? QUICK : FULL,
      view: values.view || isDefault ? VIEW[length] : undefined,
      shortLived:
        values['short-lived'] || isDefault
          ? { rates, processRate: PROCESS_RATE, ...SHORT_LIVED[length] }
          : undefined,
      soak: values.soak,
      liveSoak: values['live-soak'] ? LIVE[length] : undefined,
      storm: values.storm ? LIVE[length] : undefined,
      udp: values.udp ? UDP[length] : undefined,
      names: values.names ? NAMES[length] : undefined,
      evidence: values.evidence ? EVIDENCE[length] : undefined,
    };
  } catch {
    return undefined;
  }
}
