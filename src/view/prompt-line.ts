import { printable } from '../model/text.ts';
import type { Prompt, PromptKind, State } from '../store/state.ts';
import { type Line, line, type Span, span } from './line.ts';
import { GAP } from './spread.ts';
import { charactersOf, cutEnd, displayWidth, fit } from './width.ts';

const PROMPT_LABELS: Readonly<Record<PromptKind, string>> = {
  query: '/ ',
  port: 'port: ',
  process: 'process: ',
  netns: 'namespace: ',
  save: 'save to: ',
  view: 'view name: ',
};

/** Cells that what is typed has beside its label, however narrow the pane. */
const LEAST_TYPED = 4;

/** The text of a prompt as it fits: what is before the cursor stays in sight, however long it is. */
interface Typed {
  readonly label: string;
  /** UTF-16 units that have gone out of sight at the left. */
  readonly cut: number;
  readonly before: string;
  readonly under: string;
  readonly after: string;
  /** Stands at the right. */
  readonly side: string;
}

function typed(prompt: Prompt, share: string, width: number): Typed {
  const { kind, text, cursor, error, problem } = prompt;
  const label = cutEnd(PROMPT_LABELS[kind], Math.max(0, width - LEAST_TYPED));
  // Where it can be pointed at, it is told below.
  const wanted = pointed(prompt) ? undefined : (error ?? problem?.message);
  const side = wanted === undefined ? `  ${share}` : `  ${printable(wanted)}`;
  const room = Math.max(1, width - label.length - Math.min(displayWidth(side), Math.floor(width / 2)) - 1);
  // From the cursor back, as far as there is room: what is pasted may be very long.
  const characters = charactersOf(printable(text.slice(0, cursor)));
  let first = characters.length;
  for (let left = room - 1; first > 0; first--) {
    left -= displayWidth(characters[first - 1] ?? '');
    if (left < 0) break;
  }
  const before = characters.slice(first).join('');
  const cut = characters.slice(0, first).join('').length;
  const [here = ' '] = charactersOf(text.slice(cursor));
  const under = printable(here);
  const after = cutEnd(
    printable(text.slice(cursor + here.length)),
    Math.max(0, room - displayWidth(before) - displayWidth(under)),
  );
  return { label, cut, before, under, after, side };
}

/** What stands before the cursor, with the part that is wrong marked: narrow panes have no room for more. */
function marked(prompt: Prompt, cut: number, before: string): Span[] {
  const { text, cursor, problem } = prompt;
  if (problem === undefined || !pointed(prompt)) return [span(before)];
  const from = Math.max(cut, Math.min(problem.at, cursor));
  const to = Math.max(from, Math.min(problem.at + problem.length, cursor));
  return [
    span(printable(text.slice(cut, from))),
    span(printable(text.slice(from, to)), 'error'),
    span(printable(text.slice(to, cursor))),
  ];
}

/**
 * The line on which something is typed.
 * @param share stands at its right, where nothing is to be said of what is typed
 */
export function promptLine(prompt: Prompt, share: string, width: number): Line {
  const { label, cut, before, under, after, side } = typed(prompt, share, width);
  const used = label.length + displayWidth(before + under + after);
  return line(
    span(label, 'accent'),
    // What was filled in stands there as selected text does: typing replaces it.
    ...(prompt.untouched ? [span(before, 'cursor')] : marked(prompt, cut, before)),
    span(under, 'cursor'),
    span(after),
    span(fit(side, Math.max(0, width - used), 'right'), prompt.error ? 'error' : 'quiet'),
  );
}

/** True where a mistake is not what is still to be typed: it is pointed at. */
const pointed = ({ text, problem, error }: Prompt): boolean =>
  problem !== undefined && (error !== undefined || problem.at < text.trimEnd().length);

/** A mark of so many cells stands there whole, though the message be cut. */
const SHORT_MARK = 4;

/**
 * The line below the prompt, in the place of the titles: where a mistake is and what is wanted there, or what the text
 * may go on with; undefined where there is nothing to say.
 */
export function promptHelp(state: State, share: string, width: number): Line | undefined {
  const { prompt } = state;
  if (prompt === null) return undefined;
  const { completion, problem } = prompt;
  if (problem !== undefined && pointed(prompt)) {
    const { label, cut } = typed(prompt, share, width);
    const x = label.length + displayWidth(printable(prompt.text.slice(cut, Math.max(cut, problem.at))));
    const at = Math.min(x, width - 1);
    const message = printable(problem.message);
    // Behind a mark that is short, or leaves room for it, or where there is more room before it.
    const [before, behind] = [at - 1, width - at - 2];
    const isBehind = behind >= displayWidth(message) || behind >= before;
    const most = isBehind ? width - at - 1 - displayWidth(message) : width - at;
    const mark = '^'.repeat(
      Math.max(1, Math.min(problem.length, Math.max(SHORT_MARK, most), width - at - 1)),
    );
    if (!isBehind)
      return line(span(fit(cutEnd(message, before), before, 'right'), 'error'), span(` ${mark}`, 'error'));
    const told = cutEnd(message, Math.max(0, width - at - mark.length - 1));
    return line(span(' '.repeat(at)), span(`${mark} ${told}`, 'error'));
  }
  return completion && completionLine(completion, width);
}

function completionLine({ choices, index }: NonNullable<Prompt['completion']>, width: number): Line {
  const texts = choices.map((it) => printable(it));
  // The chosen one is in sight, and what follows it as far as there is room.
  let first = index;
  const size = (from: number) =>
    texts.slice(from, index + 1).reduce((sum, it) => sum + displayWidth(it) + GAP, GAP);
  while (first > 0 && size(first - 1) <= width) first--;
  return line(
    span('  '),
    ...texts
      .slice(first)
      .flatMap((text, i) => [span(text, first + i === index ? 'cursor' : 'quiet'), span(' '.repeat(GAP))]),
  );
}
