import type { CommandName } from './option.ts';
import { optionOfLetter, optionOfOtherTool, remedyFor } from './letters.ts';
import { OPTIONS } from './options.ts';
import { quoted, UsageError } from './values.ts';

/** An option as it was given. */
export interface GivenOption {
  readonly name: string;
  /** Undefined for a switch, and if the value is missing. */
  readonly value: string | undefined;
  /** True if a value follows `=`, which a switch does not take. */
  readonly isAttached: boolean;
}

/** A command line in pieces. */
export interface Arguments {
  readonly options: readonly GivenOption[];
  /** All other arguments before `--`. */
  readonly words: readonly string[];
  /** The arguments after `--`: those of a command with --on, else more words. Undefined without `--`. */
  readonly behind: readonly string[] | undefined;
}

/** An option before its letter is understood. */
interface Spelled extends Omit<GivenOption, 'name'> {
  readonly spelled: string;
  /** It is a letter after one dash, not a name after two. */
  readonly isLetter: boolean;
}

/** Maximum number of arguments; the longest query has fewer words. */
const MAX_WORDS = 4096;
/** Maximum number of letters of one argument. */
const MAX_LETTERS = 8192;

const takesValue = (name: string | undefined): boolean =>
  name !== undefined && OPTIONS.get(name)?.value !== undefined;

/** Reads options and words from left to right. */
class ArgumentReader {
  readonly options: Spelled[] = [];
  readonly words: string[] = [];
  behind: readonly string[] | undefined;
  readonly #args: readonly string[];
  #at = 0;

  constructor(args: readonly string[]) {
    this.#args = args;
  }

  read(): void {
    while (this.#at < this.#args.length) {
      const arg = this.#args[this.#at++] ?? '';
      if (arg === '--') {
        this.behind = this.#args.slice(this.#at);
        return;
      }
      if (arg.startsWith('--')) this.#readName(arg.slice(2));
      else if (arg.startsWith('-') && arg !== '-') this.#readLetters(arg.slice(1));
      else this.words.push(arg);
    }
  }

  #readName(text: string): void {
    const [, name = text, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    const isAttached = value !== undefined;
    const needed = takesValue(optionOfOtherTool(name) ?? name);
    this.options.push({
      spelled: name,
      isLetter: false,
      value: isAttached || !needed ? value : this.#next(name),
      isAttached,
    });
  }

  /** Reads letters joined as in -tulpn. The rest behind a letter that takes a value is the value: -i:3000. */
  #readLetters(text: string): void {
    if (text.length > MAX_LETTERS)
      throw new UsageError(`option too long (maximum ${MAX_LETTERS} characters): ${quoted(`-${text}`)}`);
    let rest = text;
    for (const spelled of text) {
      rest = rest.slice(spelled.length);
      const name = nameOfLetter(spelled, '', false);
      const isLast = takesValue(name);
      const value = !isLast ? undefined : rest === '' ? this.#next(name ?? '') : rest;
      this.options.push({ spelled, isLetter: true, value, isAttached: false });
      if (isLast) return;
    }
  }

  /** Takes the next argument as a value. As in lsof, `-i` may stand alone: the next option is not its value. */
  #next(name: string): string | undefined {
    const next = this.#args[this.#at];
    if (name === 'internet' && (next === undefined || next.startsWith('-'))) return '';
    this.#at++;
    return next;
  }
}

/** Returns the option that is meant by a name; undefined if there is none. */
const nameOf = (spelled: string): string | undefined =>
  optionOfOtherTool(spelled) ?? (OPTIONS.has(spelled) ? spelled : undefined);

/** Returns the option that is meant by a letter; undefined if there is none. See `optionOfLetter`. */
const nameOfLetter = (spelled: string, letters: string, isList: boolean): string | undefined =>
  optionOfLetter(spelled, letters, isList) ?? [...OPTIONS].find(([, { short }]) => short === spelled)?.[0];

/**
 * Splits a command line into options and words.
 * @param commandOf returns the command for these words
 * @throws UsageError for an unknown option, with what to write instead
 */
export function readArguments(
  args: readonly string[],
  commandOf: (words: readonly string[]) => CommandName | undefined,
): Arguments {
  if (args.length > MAX_WORDS)
    throw new UsageError(`too many arguments: ${args.length} (maximum ${MAX_WORDS})`);
  const reader = new ArgumentReader(args);
  reader.read();
  const { words, behind } = reader;
  const letters = reader.options.map(({ spelled, isLetter }) => (isLetter ? spelled : '')).join('');
  const isList = commandOf([...words, ...(behind ?? [])]) === 'ls';
  const options = reader.options.map(({ spelled, isLetter, ...rest }): GivenOption => {
    const name = isLetter ? nameOfLetter(spelled, letters, isList) : nameOf(spelled);
    if (name !== undefined) return { name, ...rest };
    const dashes = isLetter ? '-' : '--';
    throw new UsageError(
      `unknown option ${quoted(dashes + spelled)}: ${remedyFor(spelled, [...OPTIONS.keys()])}`,
    );
  });
  return { options, words, behind };
}
