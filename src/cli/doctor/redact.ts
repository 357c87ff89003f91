import { isIP } from 'node:net';
import type { Check } from './check.ts';

/** Kinds of private values, by the start of their placeholder. */
export type PrivateKind = 'USER' | 'HOST' | 'PROGRAM' | 'NAMESPACE' | 'CONTAINER';

/** Private names that may be in the output. */
export type PrivateNames = Readonly<Record<PrivateKind, Iterable<string>>>;

/** Names that every machine has, and words of the output. */
const PUBLIC = new Set(['root', 'netpane', 'sudo', 'tmux', 'screen']);

/** A home folder, by its usual place. */
const HOMES = /\/(?:home|Users)\/[^/\s:]+|\/root(?=[/\s:]|$)/g;

/** A character that continues the name of a folder: `/home/ana` is no part of `/home/anabel`. */
const NAME_CHARACTER = /[\p{L}\p{N}_-]/u;

/** A word that may be a name or an address. `withoutEnd` removes a full stop or colon at its end. */
const WORD = /[\p{L}\p{N}_:][\p{L}\p{N}_.:@%+-]*/gu;
const HARDWARE_ADDRESS = /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/i;

/**
 * Replaces private values by placeholders: `USER1`, `ADDRESS2`. Equal values have the same placeholder, so that texts
 * can still be compared.
 */
export class Redactor {
  readonly #kinds = new Map<string, PrivateKind>();
  /** Names of several words, longest first. */
  readonly #phrases: readonly string[];
  readonly #placeholders = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  readonly #homes: readonly string[];

  /** @param homes home folders of the user */
  constructor(names: PrivateNames, homes: readonly string[]) {
    for (const [kind, some] of Object.entries(names) as [PrivateKind, Iterable<string>][])
      for (const name of some)
        if (name !== '' && !/^\d+$/.test(name) && !PUBLIC.has(name) && !this.#kinds.has(name))
          this.#kinds.set(name, kind);
    const isWord = (name: string) => name.match(WORD)?.[0] === name;
    this.#phrases = [...this.#kinds.keys()].filter((it) => !isWord(it)).sort((a, b) => b.length - a.length);
    this.#homes = homes.map((it) => it.replace(/\/$/, '')).filter((it) => it !== '');
  }

  /** Returns a text with placeholders for its private values, and `~` for home folders. */
  redacted(text: string): string {
    let result = text;
    for (const home of this.#homes) result = withoutHome(result, home);
    result = result.replaceAll(HOMES, '~');
    for (const phrase of this.#phrases)
      if (result.includes(phrase))
        result = result.replaceAll(phrase, this.#placeholder(phrase, this.#kinds.get(phrase) ?? 'PROGRAM'));
    return result.replaceAll(WORD, (word) => this.#word(word));
  }

  check({ text, remedy, ...rest }: Check): Check {
    return {
      ...rest,
      text: this.redacted(text),
      ...(remedy !== undefined && { remedy: this.redacted(remedy) }),
    };
  }

  /** Returns a word, or the placeholder for it; punctuation at its end stays. */
  #word(word: string): string {
    for (const name of [word, withoutEnd(word)]) {
      const kind = this.#kinds.get(name) ?? (isAddress(name) ? 'ADDRESS' : undefined);
      if (kind !== undefined) return this.#placeholder(name, kind) + word.slice(name.length);
    }
    return word;
  }

  #placeholder(value: string, kind: PrivateKind | 'ADDRESS'): string {
    const known = this.#placeholders.get(value);
    if (known !== undefined) return known;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const made = `${kind}${count}`;
    this.#placeholders.set(value, made);
    return made;
  }
}

/** Returns a text with `~` for a home folder, where it is a whole path or the start of one. */
const withoutHome = (text: string, home: string): string =>
  text.replaceAll(home, (found, at: number) =>
    NAME_CHARACTER.test(text.charAt(at + home.length)) ? found : '~',
  );

/** Returns a word without the full stops and colons at its end. */
function withoutEnd(word: string): string {
  let end = word.length;
  while (end > 0 && '.:'.includes(word.charAt(end - 1))) end--;
  return word.slice(0, end);
}

/** Returns true for an IP address, also with a zone or a port, and for a hardware address. */
const isAddress = (word: string): boolean =>
  isIP(word) !== 0 || isIP(word.replace(/:\d{1,5}$/, '')) === 4 || HARDWARE_ADDRESS.test(word);
