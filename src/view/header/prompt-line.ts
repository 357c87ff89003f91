import { printable } from '../../model/text.ts';
import { PROMPTS } from '../../store/prompts.ts';
import type { Prompt, State } from '../../store/state.ts';
import { type Line, line, type Span, span } from '../text/line.ts';
import { GAP, spread } from '../text/spread.ts';
import { hostWords } from './host-words.ts';
import { charactersOf, cutEnd, displayWidth, fit } from '../text/width.ts';

/** Minimum cells for the typed text, however narrow the pane. */
const MIN_TYPED = 4;

/** The parts of a prompt that fit. The text just before the cursor is always visible. */
interface PromptParts {
  readonly label: string;
  /** UTF-16 units that are cut off at the left. */
  readonly cut: number;
  readonly before: string;
  readonly under: string;
  readonly after: string;
  /** Text at the right edge. */
  readonly side: string;
}

function partsOf(prompt: Prompt, share: string, width: number, hasLineBelow = true): PromptParts {
  const { kind, text, cursor, error, problem } = prompt;
  const label = cutEnd(PROMPTS[kind].label, Math.max(0, width - MIN_TYPED));
  // A mistake with a position, and an error about something other than the query, is shown below the prompt instead.
  const isBelow = hasLineBelow && (isMarked(prompt) || problem === undefined);
  const wanted = isBelow ? undefined : (error ?? problem?.message);
  const side = wanted === undefined ? `  ${share}` : `  ${printable(wanted)}`;
  const room = Math.max(1, width - label.length - Math.min(displayWidth(side), Math.floor(width / 2)) - 1);
  // The text is measured from the cursor backwards, because a pasted text may be very long. Its printable form may have
  // another length.
  const characters = charactersOf(text.slice(0, cursor));
  let first = characters.length;
  for (let left = room - 1; first > 0; first--) {
    left -= displayWidth(printable(characters[first - 1] ?? ''));
    if (left < 0) break;
  }
  const cut = characters.slice(0, first).join('').length;
  const before = printable(text.slice(cut, cursor));
  const [here = ' '] = charactersOf(text.slice(cursor));
  const under = printable(here);
  const after = cutEnd(
    printable(text.slice(cursor + here.length)),
    Math.max(0, room - displayWidth(before) - displayWidth(under)),
  );
  return { label, cut, before, under, after, side };
}

/** Returns the text before the cursor with the mistake marked: without a line below, nothing else shows its position. */
function spansBeforeCursor(prompt: Prompt, cut: number, before: string): Span[] {
  const { text, cursor, problem } = prompt;
  if (problem === undefined || !isMarked(prompt)) return [span(before)];
  const from = Math.max(cut, Math.min(problem.at, cursor));
  const to = Math.max(from, Math.min(problem.at + problem.length, cursor));
  return [
    span(printable(text.slice(cut, from))),
    span(printable(text.slice(from, to)), 'error'),
    span(printable(text.slice(to, cursor))),
  ];
}

/**
 * Returns the line of the prompt.
 * @param share text at the right edge unless there is an error
 * @param hasLineBelow false if the line of `promptHelp` has no room; an error then replaces `share`
 */
export function promptLine(prompt: Prompt, share: string, width: number, hasLineBelow: boolean): Line {
  const { label, cut, before, under, after, side } = partsOf(prompt, share, width, hasLineBelow);
  const used = label.length + displayWidth(before + under + after);
  return line(
    span(label, 'accent'),
    // A default value is shown as selected text: typing replaces it.
    ...(prompt.untouched ? [span(before, 'cursor')] : spansBeforeCursor(prompt, cut, before)),
    span(under, 'cursor'),
    span(after),
    span(fit(side, Math.max(0, width - used), 'right'), prompt.error ? 'error' : 'quiet'),
  );
}

/** Returns true if a mistake is inside the typed text, so that it can be marked; false if text is only missing. */
const isMarked = ({ text, problem, error }: Prompt): boolean =>
  problem !== undefined && (error !== undefined || problem.at < text.trimEnd().length);

/** Returns a message in at most `width` cells: a part in brackets at its end is left out first. */
function shortMessage(message: string, width: number): string {
  const at = message.endsWith(')') && displayWidth(message, width) > width ? message.lastIndexOf(' (') : -1;
  return cutEnd(at < 0 ? message : message.slice(0, at), width);
}

/** Cells of a mark (`^^^^`) that are kept even if the message is cut for it. */
const MIN_MARK = 4;

/**
 * Returns the line below the prompt, which replaces the titles: the position of a mistake and its message, the
 * completions, an error, or the host names that the query waits for; undefined if there is none of these.
 */
export function promptHelp(state: State, share: string, width: number): Line | undefined {
  const { prompt } = state;
  if (prompt === null) return undefined;
  const { completion, problem, error } = prompt;
  if (problem !== undefined && isMarked(prompt)) {
    const { label, cut } = partsOf(prompt, share, width);
    const x = label.length + displayWidth(printable(prompt.text.slice(cut, Math.max(cut, problem.at))));
    const at = Math.min(x, width - 1);
    const message = printable(problem.message);
    // The message goes after the mark if it fits there or there is more room than before it.
    const [before, behind] = [at - 1, width - at - 2];
    const isBehind = behind >= displayWidth(message) || behind >= before;
    const most = isBehind ? width - at - 1 - displayWidth(message) : width - at;
    const mark = '^'.repeat(Math.max(1, Math.min(problem.length, Math.max(MIN_MARK, most), width - at - 1)));
    if (!isBehind)
      return line(
        span(fit(shortMessage(message, before), before, 'right'), 'error'),
        span(` ${mark}`, 'error'),
      );
    const text = shortMessage(message, Math.max(0, width - at - mark.length - 1));
    return line(span(' '.repeat(at)), span(`${mark} ${text}`, 'error'));
  }
  if (completion) return completionLine(completion, width);
  if (error !== undefined && problem === undefined)
    return line(span(`  ${shortMessage(printable(error), Math.max(0, width - 2))}`, 'error'));
  const hosts = prompt.waiting ? hostWords(prompt.waiting, state.lookups) : [];
  return hosts.length === 0 ? undefined : spread([{ text: '', rank: 1 }, ...hosts], [], width);
}

function completionLine({ choices, index }: NonNullable<Prompt['completion']>, width: number): Line {
  const texts = choices.map((it) => printable(it));
  // The selected completion is visible, followed by as many others as fit.
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
