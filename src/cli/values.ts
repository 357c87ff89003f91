import { resolve } from 'node:path';
import { serviceNames } from '../model/services.ts';
import { shortened } from '../model/text.ts';
import { Mistake } from '../query/mistake.ts';
import { nearest } from '../query/nearest.ts';
import { MAX_IP_PORT, portsText, readPorts } from '../query/ranges.ts';

/*
 * Values of settings, shared by the command line and the configuration file.
 */

/** A mistake of the user on the command line or in the configuration file: exit code 2. */
export class UsageError extends Error {
  /** One message per mistake. */
  readonly lines: readonly string[];

  constructor(...lines: readonly string[]) {
    super(lines.join('\n'));
    this.lines = lines;
  }
}

/** The syntax of a setting's value: a description for messages, and a parser. */
export interface Value<T> {
  /** Description of valid values: continues `--interval takes …`. */
  readonly expected: string;
  /** Returns the parsed value; undefined if the text is not valid. */
  readonly read: (text: string) => T | undefined;
  /** Returns the wrong part of an invalid text; absent if the whole text is wrong. */
  readonly wrongPart?: (text: string) => string;
  /** Returns the name that an invalid text probably misspells; undefined for none. */
  readonly meant?: (text: string) => string | undefined;
}

/** Maximum length of a quoted text in a message, UTF-16 units. */
const MAX_QUOTED = 200;

/** Returns a text from the user in quotes, shortened for a message; `an empty value` for a blank text. */
export const quoted = (text: string): string =>
  text.trim() === '' ? 'an empty value' : `'${shortened(text, MAX_QUOTED)}'`;

/**
 * Returns the parsed value of an option or key.
 * @param name the option or key, such as `--interval`
 * @throws UsageError with the expected and the given value
 */
export function readValue<T>(value: Value<T>, text: string, name: string): T {
  const found = value.read(text);
  if (found !== undefined) return found;
  const wrong = value.wrongPart?.(text) ?? text;
  throw new UsageError(`${name} takes ${value.expected}, not ${quoted(wrong)}${suggestionFor(value, text)}`);
}

/** Returns `: did you mean NAME?` for an invalid text that probably misspells a name; else an empty text. */
export function suggestionFor(value: Value<unknown>, text: string): string {
  const meant = value.meant?.(text);
  return meant === undefined ? '' : `: did you mean ${meant}?`;
}

/** Milliseconds per unit. */
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/** Parses a duration such as `500ms`, `2s`, `1.5s` or `1m`. Returns milliseconds; undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m)$/.exec(text) ?? [];
  return amount === undefined ? undefined : Math.round(Number(amount) * (UNITS[unit] ?? 0));
}

/** Returns milliseconds as `parseDuration` reads them. */
export const durationText = (ms: number): string => {
  if (ms > 0 && ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
};

/** A duration from `min` milliseconds to one hour, in milliseconds. */
export const durationValue = (min: number): Value<number> => ({
  expected: `a duration from ${min}ms to 60m, such as 500ms or 2s`,
  read: (text) => {
    const ms = parseDuration(text);
    return ms !== undefined && ms >= min && ms <= 3_600_000 ? ms : undefined;
  },
});

/** A whole number from `min` to `max`. */
export const countValue = (min: number, max: number): Value<number> => ({
  expected: `a number from ${min} to ${max}`,
  read: (text) =>
    /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined,
});

/** Ports of TCP and UDP, ranges of them, and names of services. The value is their text in a query. */
export const portsValue: Value<string> = {
  expected: 'ports from 0 to 65535 or services, such as 443,https or 8000-8100',
  read: (text) => {
    const ports = Mistake.caught(() => readPorts({ text, at: 0 }));
    if ('problem' in ports || ports.some((it) => 'to' in it && it.to > MAX_IP_PORT)) return undefined;
    return portsText(ports);
  },
  meant: (text) => (/^\d/.test(text) ? undefined : nearest(text, serviceNames())),
};

/** A percentage such as `20`, `12.5` or `20%`. The value is a fraction: 0.2 for `20`. */
export const percentValue: Value<number> = {
  expected: 'a percentage from 1 to 100',
  read: (text) => {
    const percent = /^\d{1,3}(\.\d{1,2})?%?$/.test(text) ? parseFloat(text) : NaN;
    return percent >= 1 && percent <= 100 ? percent / 100 : undefined;
  },
};

/** Names of files, with NUL between them. The value has absolute paths. */
export const filesValue: Value<readonly string[]> = {
  expected: 'a file name',
  read: (text) => {
    const names = text.split('\0');
    return names.every((name) => name.trim() !== '') ? names.map((name) => resolve(name)) : undefined;
  },
};

/** Any text that is not blank. @param expected description for messages */
export const textValue = (expected: string): Value<string> => ({
  expected,
  read: (text) => (text.trim() === '' ? undefined : text),
});

/** Returns the names as in `a, b or c`. */
export const alternatives = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}`;

/** One of these names. */
export const nameValue = <T extends string>(names: readonly T[]): Value<T> => ({
  expected: alternatives(names),
  read: (text) => names.find((it) => it === text),
  meant: (text) => nearest(text, names),
});

/** A list of these names, separated by commas. The value has each name once, in the order of `names`. */
export function nameListValue<T extends string>(names: readonly T[]): Value<readonly T[]> {
  const parts = (text: string): string[] => text.split(',').map((it) => it.trim());
  const unknown = (text: string): string | undefined =>
    parts(text).find((part) => !names.some((name) => name === part));
  return {
    expected: `one or more of ${names.join(', ')}, separated by commas`,
    read: (text) => {
      if (unknown(text) !== undefined) return undefined;
      return names.filter((it) => parts(text).includes(it));
    },
    wrongPart: (text) => unknown(text) ?? text,
    meant: (text) => nearest(unknown(text) ?? text, names),
  };
}
