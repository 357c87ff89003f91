import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import { Cache } from '../model/cache.ts';
import { type Piece, refuse } from './mistake.ts';

/** Maximum length of a regex, characters. */
const MAX_LENGTH = 200;
/** Maximum size of a compiled regex, instructions of the engine, which expands repetitions. */
const MAX_INSTRUCTIONS = 500;
/** Maximum instructions × characters per text, about 100 ms at worst. The rest of a longer text is ignored. */
const MAX_WORK = 1_000_000;
/** Time budget of a regex, milliseconds. */
const MAX_MS = 500;
/** Share of the elapsed time by which the budget recovers. */
const RECOVERY = 0.2;
/** Maximum length of a text that counts as short, characters. */
const SHORT = 64;
/** One of this many short texts is timed: reading the clock takes as long as matching one. */
const TIMED_EVERY = 8;
/** Maximum number of answers in a cache. */
const MAX_TEXTS = 20_000;

const load = createRequire(import.meta.url);
let engine: typeof RE2JS | undefined;

/**
 * Loads the engine with the first regex: no other query has to wait for it. RE2 matches any regex in time proportional
 * to the text. The build makes `#re2js` (package.json), the package in one file.
 */
const engineOf = (): typeof RE2JS => (engine ??= (load('#re2js') as { RE2JS: typeof RE2JS }).RE2JS);

const compiled = (source: string): RE2JS => {
  const RE2 = engineOf();
  return RE2.compile(source, RE2.CASE_INSENSITIVE);
};

/** Returns the regex between two slashes. Throws a Mistake if it is too large or the engine rejects it. */
export function readRegex(piece: Piece): string {
  // The message of a mistake marks the slashes too.
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

/** A regex of letters, digits, some signs, classes of them, `.`, `^`, `$` and `|`; no repetition and no parentheses. */
const PLAIN = /^(?:[\w\-:,@ .^$|]|\\[.^$|/]|\[\^?[\w.:-]+\])+$/;

/**
 * Returns a test by the engine of JavaScript for a plain regex; undefined for any other. Without repetition and
 * parentheses every engine takes time proportional to the text, and that of JavaScript is the fastest. The meaning is
 * the same except for `.`, which excludes more line ends in JavaScript and is therefore translated.
 */
function plainTest(source: string): ((text: string) => boolean) | undefined {
  if (!PLAIN.test(source)) return undefined;
  const translated = source.replace(/\\.|\[[^[\]]*\]|\./g, (it) => (it === '.' ? '[^\\n]' : it));
  // oxlint-disable-next-line own/regex-literals -- PLAIN allows no repetition, so this cannot backtrack
  const regex = new RegExp(translated, 'iu');
  return (text) => regex.test(text);
}

/**
 * Compiles a regex of a query to a test of texts. A regex over very many texts can still be slow: when it has used up
 * its time budget, half a second, it calls `tooSlow` once and matches nothing from then on.
 * @param clockMs a clock that never runs backwards
 */
export function compileRegex(
  source: string,
  tooSlow: (source: string) => void,
  clockMs: () => number = () => performance.now(),
): (text: string) => boolean {
  const regex = compiled(source);
  const test = plainTest(source) ?? ((text: string) => regex.test(text));
  const longest = Math.floor(MAX_WORK / regex.programSize());
  let spentMs = 0;
  let endedMs = clockMs();
  let shortTexts = 0;
  return (text) => {
    if (spentMs > MAX_MS) return false;
    const isShort = text.length <= SHORT;
    if (isShort && ++shortTexts < TIMED_EVERY) return test(text);
    const weight = isShort ? shortTexts : 1;
    if (isShort) shortTexts = 0;
    const startedMs = clockMs();
    const answer = test(text.length > longest ? text.slice(0, longest) : text);
    const nowMs = clockMs();
    spentMs = Math.max(0, spentMs - (startedMs - endedMs) * RECOVERY) + weight * (nowMs - startedMs);
    endedMs = nowMs;
    if (spentMs > MAX_MS) tooSlow(source);
    return answer;
  };
}

/** Returns the same test with a cache of its answers. */
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
