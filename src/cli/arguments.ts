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
  /** All other arguments, and those after `--`. */
  readonly words: readonly string[];
}

/** An option before its letter is understood. */
interface Spelled extends Omit<GivenOption, 'name'> {
  /** A name of several letters, or one letter. */
  readonly spelled: string;
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
  readonly #args: readonly string[];
  #at = 0;

  constructor(args: readonly string[]) {
    this.#args = args;
  }

  read(): void {
    while (this.#at < this.#args.length) {
      const arg = this.#args[this.#at++] ?? '';
      if (arg === '--') {
        this.words.push(...this.#args.slice(this.#at));
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
    this.options.push({ spelled: name, value: isAttached || !needed ? value : this.#next(name), isAttached });
  }

  /** Reads letters joined as in -tulpn. The rest behind a letter that takes a value is the value: -i:3000. */
  #readLetters(text: string): void {
    if (text.length > MAX_LETTERS)
      throw new UsageError(`option too long (maximum ${MAX_LETTERS} characters): ${quoted(`-${text}`)}`);
    for (let i = 0; i < text.length; i++) {
      const spelled = text.charAt(i);
      const name = nameOf(spelled, '', false);
      if (!takesValue(name)) {
        this.options.push({ spelled, value: undefined, isAttached: false });
        continue;
      }
      const rest = text.slice(i + 1);
      this.options.push({ spelled, value: rest === '' ? this.#next(name ?? '') : rest, isAttached: false });
      return;
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

/** Returns the option that is meant by a name or a letter; undefined if there is none. See `optionOfLetter`. */
function nameOf(spelled: string, letters: string, isList: boolean): string | undefined {
  if (spelled.length > 1) return optionOfOtherTool(spelled) ?? (OPTIONS.has(spelled) ? spelled : undefined);
  return (
    optionOfLetter(spelled, letters, isList) ?? [...OPTIONS].find(([, { short }]) => short === spelled)?.[0]
  );
}

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
  const { words } = reader;
  const letters = reader.options.map(({ spelled }) => (spelled.length === 1 ? spelled : '')).join('');
  const isList = commandOf(words) === 'ls';
  const options = reader.options.map(({ spelled, ...rest }): GivenOption => {
    const name = nameOf(spelled, letters, isList);
    if (name !== undefined) return { name, ...rest };
    const dashes = spelled.length === 1 ? '-' : '--';
    throw new UsageError(
      `unknown option ${quoted(dashes + spelled)}: ${remedyFor(spelled, [...OPTIONS.keys()])}`,
    );
  });
  return { options, words };
}
