import { printable } from '../model/text.ts';
import { TERMS } from '../query/terms.ts';
import type { Focus, State } from '../store/state.ts';
import type { Seen } from '../store/table.ts';
import { type Column, COLUMNS, presentColumns } from './columns.ts';
import { type Line, line, span } from './line.ts';
import { coverageText, noticesOf } from './notices.ts';
import { displayWidth } from './width.ts';

/** One entry of the key table, as the help needs it. */
export interface KeyHelp {
  /** Keys as a person calls them: `p`, `ctrl-c`, `up k`. */
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
/** Of a term of the query, where the screen has room for it; else what it means stands below it. */
const TERM_WIDTH = 28;
const ROOM_FOR_TERMS = 72;
const INDENT = 2;

/** Words broken into lines of at most `width` cells, where none is longer than that. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && displayWidth(last) + 1 + displayWidth(word) <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}

/** What something is called and what it means beside it; below it, where its name is too long. */
function entry(label: string, about: string, width: number, labelWidth = LABEL_WIDTH): Line[] {
  const texts = wrap(about, Math.max(10, width - labelWidth - 2));
  if (displayWidth(label) >= labelWidth) texts.unshift('');
  return texts.map((text, i) =>
    line(span('  '), span((i === 0 ? label : '').padEnd(labelWidth), 'accent'), span(text)),
  );
}

/** All that a query can say. */
function queryLines(width: number): Line[] {
  const labelWidth = width >= ROOM_FOR_TERMS ? TERM_WIDTH : INDENT;
  return TERMS.flatMap(({ syntax, about, example }) =>
    entry(syntax, example === syntax ? about : `${about}: ${example}`, width, labelWidth),
  );
}

/** The whole help, made from the key table and the column table. */
export function helpLines(keys: readonly KeyHelp[], state: State, width: number): Line[] {
  const lines: Line[] = [];
  const coverage = state.coverage && coverageText(state.coverage);
  const unseen = [...noticesOf(state).map(({ text }) => text), ...(coverage === undefined ? [] : [coverage])];
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
  lines.push(line(span('QUERY', 'header')), ...queryLines(width), line());
  lines.push(line(span('MARKS', 'header')));
  for (const [mark, about] of [
    ['+', 'new: opened a moment ago'],
    ['~', 'changed: state, peer or program'],
    ['-', 'closed: disappears in a moment; shows its last state and last known program'],
    ['·', 'in a column: unknown or none'],
    ['…', 'in place of a program: still searching; at the end of a text: cut to fit'],
    ['hidden', 'in place of a program: netpane may not see the processes of this user'],
    ['gone', 'the program closed the socket or exited before netpane saw it'],
    ['kernel', 'the kernel itself opened the socket'],
    ['unknown', 'no program found; the details list where netpane searched'],
    ['!', 'in the event log: some events were missed because the event buffer was full'],
    ['"name"', 'a program whose name looks like one of these marks, such as (sshd) or kernel'],
  ] as const) {
    lines.push(...entry(mark, about, width));
  }
  lines.push(line(), line(span('COLUMNS', 'header')));
  const present = presentColumns(state.table.seen);
  const describe = ({ title, label = title, about }: Column) => lines.push(...entry(label, about, width));
  present.forEach(describe);
  lines.push(line(), line(span('MORE COLUMNS (PRESS C TO ADD)', 'header')));
  COLUMNS.filter((column) => !present.includes(column)).forEach(describe);
  return lines;
}
