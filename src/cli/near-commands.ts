import { NAMED_COMMANDS } from './commands.ts';

/** Every command with a name, and `help`. */
type Word = (typeof NAMED_COMMANDS)[number] | 'help';

const WORDS: readonly Word[] = [...NAMED_COMMANDS, 'help'];

/** Names that other programs give to the same command; they are no slips of a finger. */
const OTHER_NAMES: Readonly<Record<string, Word>> = { list: 'ls' };

/** Minimum length of a command for a missing or additional letter: a shorter one would be near too many words. */
const LONG = 4;
/** Minimum length of a command for a replaced letter. */
const LONGER = 5;

/** Returns true if two letters next to each other are swapped: `wacth`. */
function isSwapped(typed: string, name: string): boolean {
  if (typed.length !== name.length) return false;
  const at = Array.from(name).findIndex((letter, i) => letter !== typed[i]);
  return at >= 0 && typed === name.slice(0, at) + name.charAt(at + 1) + name.charAt(at) + name.slice(at + 2);
}

/** Returns true if `long` without one of its letters is `short`. @param isAllowed tests the index of that letter */
const hasOneMore = (long: string, short: string, isAllowed: (at: number) => boolean = () => true): boolean =>
  long.length === short.length + 1 &&
  Array.from(long).some((_, at) => isAllowed(at) && long.slice(0, at) + long.slice(at + 1) === short);

/** Returns true if one letter of a text is replaced, but not the first. */
const isReplaced = (typed: string, name: string): boolean =>
  typed.length === name.length &&
  typed[0] === name[0] &&
  Array.from(name).filter((letter, i) => letter !== typed[i]).length === 1;

/** Returns true if a word is a command with one slip of a finger. `match`, `patch`, `helm` and `ps` must not be near. */
function isNear(typed: string, name: string): boolean {
  if (isSwapped(typed, name) || hasOneMore(typed, name, (at) => at > 0 && typed[at] === typed[at - 1]))
    return true;
  // The first letter is seldom the wrong one.
  return (
    (name.length >= LONG && typed[0] === name[0] && (hasOneMore(typed, name) || hasOneMore(name, typed))) ||
    (name.length >= LONGER && isReplaced(typed, name))
  );
}

/** Returns the command that a word probably misspells; undefined for a word that is a query. */
export function nearCommand(word: string): Word | undefined {
  const typed = word.toLowerCase();
  if (Object.hasOwn(OTHER_NAMES, typed)) return OTHER_NAMES[typed];
  return WORDS.find((name) => (typed === name && word !== name) || isNear(typed, name));
}
