import type { Knowledge } from './socket.ts';

/** Words for how an owner is known; they are shown in place of a program name. */
const KNOWLEDGE = {
  exact: 0,
  inherited: 0,
  listener: 0,
  sender: 0,
  hidden: 0,
  kernel: 0,
  gone: 0,
  unknown: 0,
  pending: 0,
} satisfies Record<Knowledge, 0>;

/**
 * Matches a program name that could be mistaken for one of netpane's marks, besides the words of `KNOWLEDGE`: an empty
 * name or spaces at an edge; `(last known)`, `[listener]`, `"quoted"`; `name +2`; `only sender?`; a truncated name, `…`
 * (`~` in ASCII); a program that became another one, `a → b` (`a > b`); a placeholder for an empty cell.
 */
const MARK_LIKE = /^$|^[\s("[]|\s$| \+\d+$|[…~→]|\?$| > |^[·*-]$/;

const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

/**
 * Returns a program name, in quotes if it could be mistaken for a mark: `"(sshd)"`, `"kernel"`, `""`. A program can
 * choose any name; marks are never quoted. The quotes are those of the query language.
 */
export const quotedName = (name: string): string =>
  MARK_LIKE.test(name) || Object.hasOwn(KNOWLEDGE, name.toLowerCase()) ? quote(name) : name;

/** Returns another name, such as a user name, in quotes if it could be mistaken for a number or an empty cell. */
export const quotedWord = (word: string): string =>
  /^(?:|\s.*|.*\s|".*|[?·*-]|unknown|\d+)$/s.test(word) ? quote(word) : word;
