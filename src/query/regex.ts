import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import { Cache } from '../model/cache.ts';
import { type Piece, refuse } from './mistake.ts';

/** What a regex may be in size, in characters and in instructions of the engine: repetitions are written out there. */
const MAX_LENGTH = 200;
const MAX_INSTRUCTIONS = 500;
/** Instructions times characters that one text may cost, some 100 ms at the worst: what is beyond is not looked at. */
const MAX_WORK = 1_000_000;
/** It may take this long at a time, milliseconds; a fifth of the time that goes by is given back. */
const MAX_MS = 500;
const GIVEN_BACK = 0.2;
/** Of texts up to this length, characters, only every so many are timed. */
const SHORT = 64;
const ALIKE = 8;
/** So many texts are remembered with their answers. */
const MAX_TEXTS = 20_000;

const load = createRequire(import.meta.url);
let engine: typeof RE2JS | undefined;

/**
 * The engine takes time in proportion to the text, whatever the regex (RE2). It is loaded with the first regex: no
 * other query has to wait for it. `#re2js` (package.json) is the package in one file of its own, made by the build.
 */
const engineOf = (): typeof RE2JS => (engine ??= (load('#re2js') as { RE2JS: typeof RE2JS }).RE2JS);

const compiled = (source: string): RE2JS => {
  const RE2 = engineOf();
  return RE2.compile(source, RE2.CASE_INSENSITIVE);
};

/** A regex as it may stand in a query; refuses one that the engine does not take. */
export function readRegex(piece: Piece): string {
  // The slashes belong to it.
  const whole = { text: `/${piece.text}/`, at: piece.at };
  if (piece.text === '') refuse(whole, 'empty regex; expected one such as /^ssh/');
  if (piece.text.length > MAX_LENGTH)
    refuse(whole, `regex too long: ${piece.text.length} characters (maximum ${MAX_LENGTH})`);
  let size = 0;
  try {
    size = compiled(piece.text).programSize();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    refuse(whole, reason.replace(/^error parsing regexp: ([^:]*).*/s, 'bad regex: $1'));
  }
  if (size > MAX_INSTRUCTIONS) refuse(whole, 'regex too large; use smaller numbers in {N}');
  return piece.text;
}

/** Letters, digits, some signs, classes of them, `.`, `^`, `$`, and `|`, but not within parentheses; nothing repeated. */
const PLAIN = /^(?:[\w\-:,@ .^$|]|\\[.^$|/]|\[\^?[\w.:-]+\])+$/;

/**
 * The test of a regex that is plain; undefined for any other. Without repetition and parentheses each engine takes time
 * in proportion to the text, and that of JavaScript the least; it means the same there, but for the line ends that `.`
 * leaves out.
 */
function plainTest(source: string): ((text: string) => boolean) | undefined {
  if (!PLAIN.test(source)) return undefined;
  const meant = source.replace(/\\.|\[[^[\]]*\]|\./g, (it) => (it === '.' ? '[^\\n]' : it));
  // PLAIN lets no repetition through.
  // eslint-disable-next-line no-restricted-syntax
  const regex = new RegExp(meant, 'iu');
  return (text) => regex.test(text);
}

/**
 * Compiles a regex of a query to a test of texts. In proportion may be long, for very many texts: where it takes more
 * than half a second at a time, nothing more is found by it, and `tooSlow` is told, once.
 * @param clockMs a clock that never runs backwards
 */
export function compileRegex(
  source: string,
  tooSlow: (source: string) => void,
  clockMs: () => number = () => performance.now(),
): (text: string) => boolean {
  const regex = compiled(source);
  const isFound = plainTest(source) ?? ((text: string) => regex.test(text));
  const longest = Math.floor(MAX_WORK / regex.programSize());
  let spentMs = 0;
  let endedMs = clockMs();
  let untimed = 0;
  return (text) => {
    if (spentMs > MAX_MS) return false;
    // The clock takes as long as a short text: one of several stands for all.
    const isShort = text.length <= SHORT;
    if (isShort && ++untimed < ALIKE) return isFound(text);
    const weight = isShort ? untimed : 1;
    if (isShort) untimed = 0;
    const startedMs = clockMs();
    const answer = isFound(text.length > longest ? text.slice(0, longest) : text);
    const nowMs = clockMs();
    spentMs = Math.max(0, spentMs - (startedMs - endedMs) * GIVEN_BACK) + weight * (nowMs - startedMs);
    endedMs = nowMs;
    if (spentMs > MAX_MS) tooSlow(source);
    return answer;
  };
}

/** The same test, which asks no text twice while it remembers it. */
export function withCache(test: (text: string) => boolean): (text: string) => boolean {
  const answers = new Cache<string, boolean>(MAX_TEXTS);
  return (text) => {
    let answer = answers.get(text);
    if (answer === undefined) {
      answer = test(text);
      answers.set(text, answer);
    }
    return answer;
  };
}
