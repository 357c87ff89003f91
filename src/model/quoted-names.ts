import type { Knowledge } from './socket.ts';

/** The words that are shown in place of an unknown program name. They say how the owner is known. */
const KNOWLEDGE = {
  exact: 0,
  inherited: 0,
  creator: 0,
  listener: 0,
  sender: 0,
  hidden: 0,
  kernel: 0,
  gone: 0,
  unknown: 0,
  pending: 0,
} satisfies Record<Knowledge, 0>;

/**
 * Matches a program name that could be mistaken for one of netpane's own texts, besides the words of `KNOWLEDGE`: an
 * empty name or spaces at an edge; `(last known)`, `[listener]`, `"quoted"`; `name +2`; `only sender?`; a truncated
 * name, `…` (`~` in ASCII); a process that executed another program, `a → b` (`a > b`); an end of a local connection,
 * `← a` (`< a`); the sign of an empty cell.
 */
const AMBIGUOUS = /^$|^[\s("[]|\s$| \+\d+$|[…~→←]|\?$| [<>] |^[·*-]$/;

const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

/**
 * Returns a program name, in quotes if it could be mistaken for a text of netpane: `"(sshd)"`, `"kernel"`, `""`. A
 * program can choose any name; netpane's own texts are never in quotes. The quotes are those of the query language.
 */
export const quotedName = (name: string): string =>
  AMBIGUOUS.test(name) || Object.hasOwn(KNOWLEDGE, name.toLowerCase()) ? quote(name) : name;

/**
 * Returns another name, such as a user name, in quotes if it could be mistaken for a number, an unknown value, an empty
 * cell or a quoted name, or if it has spaces at an edge.
 */
export const quotedWord = (word: string): string =>
  /^(?:|\s.*|.*\s|".*|[?·*-]|unknown|\d+)$/s.test(word) ? quote(word) : word;
