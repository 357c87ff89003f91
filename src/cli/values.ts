/*
 * What the values of options mean. Each takes the text that was given and the option's name, and throws a UsageError
 * that says what was wanted where it cannot be understood.
 */

/** A mistake of the user's on the command line: exit code 2. */
export class UsageError extends Error {}

const refuse = (name: string, wanted: string, text: string): never => {
  throw new UsageError(
    `--${name} takes ${wanted}, not ${text.trim() === '' ? 'an empty text' : `'${text}'`}`,
  );
};

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/** A length of time such as `500ms`, `2s`, `1.5s` or `1m`, in milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m)$/.exec(text) ?? [];
  return amount === undefined ? undefined : Math.round(Number(amount) * (UNITS[unit] ?? 0));
}

/** A length of time from `least` milliseconds to an hour, in milliseconds. */
export const durationValue =
  (least: number) =>
  (text: string, name: string): number => {
    const ms = parseDuration(text);
    if (ms !== undefined && ms >= least && ms <= 3_600_000) return ms;
    return refuse(name, `a time from ${least}ms to 60m, such as 500ms or 2s`, text);
  };

/** A whole number from `least` to `most`. */
export const countValue =
  (least: number, most: number) =>
  (text: string, name: string): number =>
    /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most
      ? Number(text)
      : refuse(name, `a number from ${least} to ${most}`, text);

export const portValue = countValue(0, 65535);

/** A percentage such as `20`, `12.5` or `20%`, as a share of 1. */
export function percentValue(text: string, name: string): number {
  const percent = /^\d{1,3}(\.\d{1,2})?%?$/.test(text) ? parseFloat(text) : NaN;
  return percent >= 1 && percent <= 100 ? percent / 100 : refuse(name, 'a percentage from 1 to 100', text);
}

/** Any text that is not empty. */
export const textValue =
  (wanted: string) =>
  (text: string, name: string): string =>
    text.trim() === '' ? refuse(name, wanted, text) : text;

/** One of these names. */
export const nameValue =
  <T extends string>(names: readonly T[]) =>
  (text: string, name: string): T =>
    names.find((it) => it === text) ?? refuse(name, names.join(' or '), text);

/** Some of these names, with commas between; each once, in the order of `names`, however they were given. */
export const severalValue =
  <T extends string>(names: readonly T[]) =>
  (text: string, name: string): readonly T[] => {
    const given = text.split(',').map((it) => it.trim());
    const unknown = given.find((it) => !names.some((known) => known === it));
    if (unknown === undefined) return names.filter((it) => given.includes(it));
    return refuse(name, `${names.join(', ')}, or several with commas between`, unknown);
  };
