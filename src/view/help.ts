import { printable } from '../model/text.ts';
import type { Focus, State } from '../store/state.ts';
import type { Seen } from '../store/table.ts';
import { presentColumns } from './columns.ts';
import { type Line, line, span } from './line.ts';
import { notCaughtText, noticesOf } from './notices.ts';
import { displayWidth } from './width.ts';

/** One entry of the key table, as the help needs it. */
export interface KeyHelp {
  /** Keys as a person calls them: `p`, `ctrl-c`, `↑ k`. */
  readonly label: string;
  readonly about: string;
  readonly group: string;
  /** A word or two for the line of hints; only for the keys to know first. */
  readonly hint?: string;
  /** The hint is given only once this has been seen. */
  readonly hintFor?: keyof Seen;
  /** The hint while the event log is open, before all others: by what the keys move in. */
  readonly logHint?: Partial<Readonly<Record<Focus, string>>>;
}

const LABEL_WIDTH = 14;

/** Words broken into lines of at most `width` cells. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && displayWidth(last) + 1 + displayWidth(word) <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}

const entry = (label: string, about: string, width: number): Line[] =>
  wrap(about, Math.max(10, width - LABEL_WIDTH - 2)).map((text, i) =>
    line(span('  '), span((i === 0 ? label : '').padEnd(LABEL_WIDTH), 'accent'), span(text)),
  );

/** The whole help, made from the key table and the column table. */
export function helpLines(keys: readonly KeyHelp[], state: State, width: number): Line[] {
  const lines: Line[] = [];
  const notCaught = state.catching && notCaughtText(state.catching);
  const unseen = [
    ...noticesOf(state).map(({ text }) => text),
    ...(notCaught === undefined ? [] : [notCaught]),
  ];
  if (unseen.length > 0) {
    lines.push(line(span('WHAT NETPANE CANNOT SEE NOW', 'header')));
    for (const text of unseen) {
      for (const part of wrap(printable(text), Math.max(10, width - 2)))
        lines.push(line(span(`  ${part}`, 'warning')));
    }
    lines.push(line());
  }
  for (const group of new Set(keys.map((key) => key.group))) {
    lines.push(line(span(group.toUpperCase(), 'header')));
    for (const key of keys.filter((it) => it.group === group))
      lines.push(...entry(key.label, key.about, width));
    lines.push(line());
  }
  lines.push(line(span('MARKS', 'header')));
  for (const [mark, about] of [
    ['+', 'new since a moment ago'],
    ['~', 'changed: another state, peer or program'],
    ['-', 'closed; it leaves in a moment, with its last state and last known program'],
    ['!', 'in the event log: some were missed, more came at once than there was room for'],
  ] as const) {
    lines.push(...entry(mark, about, width));
  }
  lines.push(line(), line(span('COLUMNS', 'header')));
  for (const { id, title, about } of presentColumns(state.table.seen)) {
    const label = title === 'PORT' ? `${id === 'localPort' ? 'LOCAL' : 'REMOTE'} PORT` : title;
    lines.push(...entry(label, about, width));
  }
  return lines;
}

/**
 * The keys to know first, as many as fit; the last of them, which leads to all others, before any.
 * @param focus what the keys move in while the event log is open; undefined while it is not
 */
export function hintLine(
  keys: readonly KeyHelp[],
  width: number,
  seen: Seen,
  focus: Focus | undefined,
): Line {
  const inLog = keys.flatMap(({ label, logHint }) => {
    const hint = focus && logHint?.[focus];
    return hint === undefined ? [] : [{ label, hint }];
  });
  const usual = keys.flatMap(({ label, hint, hintFor }) =>
    hint === undefined || (hintFor && !seen[hintFor]) || inLog.some((it) => it.label === label)
      ? []
      : [{ label, hint }],
  );
  const hints = [...inLog, ...usual];
  const size = () => hints.reduce((sum, { label, hint }) => sum + displayWidth(`${label} ${hint}  `), -2);
  while (hints.length > 1 && size() > width) hints.splice(-2, 1);
  return line(
    ...hints.flatMap(({ label, hint }, i) => [
      span(i > 0 ? '  ' : ''),
      span(label, 'accent'),
      span(` ${hint}`, 'quiet'),
    ]),
  );
}
