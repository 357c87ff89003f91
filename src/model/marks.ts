import type { Knowledge } from './socket.ts';

/** How an owner is known: shown in the place of a name. */
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
 * A name that could be read as a mark of our own, beside the words of `KNOWLEDGE`: nothing, or spaces at an edge;
 * `(last known)`, `[listener]`, `"quoted"`; `name +2`; `only sender?`; a cut, `…` (`~` in ASCII); one program and then another, `a → b`
 * (`a > b`); a sign that stands for nothing.
 */
const LIKE_MARK = /^$|^[\s("[]|\s$| \+\d+$|[…~→]|\?$| > |^[·*-]$/;

const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

/**
 * The name of a program, in quotes if it could be read as a mark: `"(sshd)"`, `"kernel"`, `""`. Any program may call
 * itself any of these; marks are never in quotes. The quotes are those of the query language.
 */
export const quotedName = (name: string): string =>
  LIKE_MARK.test(name) || Object.hasOwn(KNOWLEDGE, name.toLowerCase()) ? quote(name) : name;

/** Any other name, such as that of a user, in quotes if it could be read as a number or as a sign for nothing. */
export const quotedWord = (word: string): string =>
  /^(?:|\s.*|.*\s|".*|[?·*-]|unknown|\d+)$/s.test(word) ? quote(word) : word;
