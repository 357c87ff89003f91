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
  const present = [...left, ...right].toSorted((a, b) => b.rank - a.rank);
  const shown = new Map(present.map((word) => [word, word.text]));
  const words = (side: readonly Word[]): Word[] =>
    side.flatMap((word) => {
      const text = shown.get(word) ?? '';
      return text === '' ? [] : [{ ...word, text }];
    });
  const fits = () => {
    const [start, end] = [words(left), words(right)];
    const between = start.length > 0 && end.length > 0 ? GAP : 0;
    return widthOf(start) + widthOf(end) + between <= width;
  };
  for (const each of present) if (!fits() && each.short !== undefined) shown.set(each, each.short);
  for (const each of present) if (!fits()) shown.delete(each);
  const [start, end] = [words(left), words(right)];
  const spans = (side: readonly Word[]): Span[] =>
    side.flatMap((word, i) => [span(i > 0 ? ' '.repeat(GAP) : ''), span(word.text, word.tone ?? 'plain')]);
  return line(
    ...spans(start),
    span(' '.repeat(Math.max(0, width - widthOf(start) - widthOf(end)))),
    ...spans(end),
  );
}
