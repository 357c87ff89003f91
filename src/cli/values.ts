import { shortened } from '../model/text.ts';

/*
 * What values mean, wherever they are given: on the command line, or in the configuration file.
 */

/** A mistake of the user's, on the command line or in the configuration file: exit code 2. */
export class UsageError extends Error {
  /** What is wrong, a mistake a line. */
  readonly lines: readonly string[];

  constructor(...lines: readonly string[]) {
    super(lines.join('\n'));
    this.lines = lines;
  }
}

/** A kind of value: what may be written, and what it stands for. */
export interface Value<T> {
  /** What is wanted, as in `--interval takes …`. */
  readonly wanted: string;
  /** What a text stands for; undefined where it is none of what is wanted. */
  readonly read: (text: string) => T | undefined;
  /** Of a text that cannot be read the part that is wrong; all of it where this is absent. */
  readonly wrong?: (text: string) => string;
}

/** Longer texts from outside are shortened in messages, UTF-16 units. */
const MAX_QUOTED = 200;

/** Returns a text that was given, as a message tells it: bounded, whatever was given. */
export const quoted = (text: string): string =>
  text.trim() === '' ? 'an empty value' : `'${shortened(text, MAX_QUOTED)}'`;

/**
 * What a text stands for.
 * @param name of what takes it, such as `--interval`
 * @throws UsageError that says what was wanted and what was given
 */
export function readValue<T>({ wanted, read, wrong }: Value<T>, text: string, name: string): T {
  const value = read(text);
  if (value !== undefined) return value;
  throw new UsageError(`${name} takes ${wanted}, not ${quoted(wrong ? wrong(text) : text)}`);
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/** A length of time such as `500ms`, `2s`, `1.5s` or `1m`, in milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m)$/.exec(text) ?? [];
  return amount === undefined ? undefined : Math.round(Number(amount) * (UNITS[unit] ?? 0));
}

/** A length of time from `least` milliseconds to an hour, in milliseconds. */
export const durationValue = (least: number): Value<number> => ({
  wanted: `a duration from ${least}ms to 60m, such as 500ms or 2s`,
  read: (text) => {
    const ms = parseDuration(text);
    return ms !== undefined && ms >= least && ms <= 3_600_000 ? ms : undefined;
  },
});

/** A whole number from `least` to `most`. */
export const countValue = (least: number, most: number): Value<number> => ({
  wanted: `a number from ${least} to ${most}`,
  read: (text) =>
    /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : undefined,
});

export const portValue = countValue(0, 65535);

/** A percentage such as `20`, `12.5` or `20%`, as a share of 1. */
export const percentValue: Value<number> = {
  wanted: 'a percentage from 1 to 100',
  read: (text) => {
    const percent = /^\d{1,3}(\.\d{1,2})?%?$/.test(text) ? parseFloat(text) : NaN;
    return percent >= 1 && percent <= 100 ? percent / 100 : undefined;
  },
};

/** Any text that is not empty. */
export const textValue = (wanted: string): Value<string> => ({
  wanted,
  read: (text) => (text.trim() === '' ? undefined : text),
});

/** `a, b or c` */
const alternatives = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}`;

/** One of these names. */
export const nameValue = <T extends string>(names: readonly T[]): Value<T> => ({
  wanted: alternatives(names),
  read: (text) => names.find((it) => it === text),
});

/** Some of these names, with commas between; each once, in the order of `names`, however they were given. */
export function severalValue<T extends string>(names: readonly T[]): Value<readonly T[]> {
  const parts = (text: string): string[] => text.split(',').map((it) => it.trim());
  const unknown = (text: string): string | undefined =>
    parts(text).find((it) => !names.some((known) => known === it));
  return {
    wanted: `one or more of ${names.join(', ')}, separated by commas`,
    read: (text) => {
      if (unknown(text) !== undefined) return undefined;
      return names.filter((it) => parts(text).includes(it));
    },
    wrong: (text) => unknown(text) ?? text,
  };
}
