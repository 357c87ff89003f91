import { type Line, line, type Span, span, type Tone } from './line.ts';
import { displayWidth } from './width.ts';

/**
 * A piece of text in a line. If the line is too long, the highest rank is shortened first and dropped first. A word
 * without text takes no room.
 */
export interface Word {
  readonly text: string;
  readonly short?: string;
  readonly tone?: Tone;
  readonly rank: number;
}

/** Cells between words. */
export const GAP = 2;

/** Returns the cells of words side by side. */
export const widthOf = (words: readonly Word[]): number =>
  words.reduce((sum, word) => sum + displayWidth(word.text), 0) + GAP * Math.max(0, words.length - 1);

/** Returns a line with words at both edges: first shortens, then drops the least important ones until it fits. */
export function spread(left: readonly Word[], right: readonly Word[], width: number): Line {
  const shown = new Map<Word, string>();
  const add = (sum: number, { text }: Word): number => (text === '' ? sum : sum + displayWidth(text) + GAP);
  let size = right.reduce(add, left.reduce(add, -GAP));
  if (size > width) {
    const byRank = [...left, ...right].toSorted((a, b) => b.rank - a.rank);
    const replace = (word: Word, text: string): void => {
      size += add(0, { ...word, text }) - add(0, { ...word, text: shown.get(word) ?? word.text });
      shown.set(word, text);
    };
    for (const each of byRank) if (size > width && each.short !== undefined) replace(each, each.short);
    for (const each of byRank) if (size > width) replace(each, '');
  }
  const spans = (side: readonly Word[]): Span[] =>
    side.flatMap((word) => {
      const text = shown.get(word) ?? word.text;
      return text === '' ? [] : [span(text, word.tone ?? 'plain')];
    });
  const gaps = (side: readonly Span[]): Span[] =>
    side.flatMap((it, i) => [span(i > 0 ? ' '.repeat(GAP) : ''), it]);
  const [start, end] = [spans(left), spans(right)];
  const used = [...start, ...end].reduce((sum, { text }) => sum + displayWidth(text), 0);
  const inner = GAP * (Math.max(0, start.length - 1) + Math.max(0, end.length - 1));
  return line(...gaps(start), span(' '.repeat(Math.max(0, width - used - inner))), ...gaps(end));
}
