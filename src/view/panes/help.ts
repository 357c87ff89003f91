import type { PaneRow } from './pane.ts';
import { printable } from '../../model/text.ts';
import { TERMS } from '../../query/terms.ts';
import type { State } from '../../store/state.ts';
import { type Column, COLUMNS, presentColumns } from '../columns/columns.ts';
import { type Line, line, span } from '../text/line.ts';
import type { KeyHelp } from '../header/key-help.ts';
import { coverageText, noticesOf } from '../header/notices.ts';
import { displayWidth } from '../text/width.ts';

const LABEL_WIDTH = 14;
/** Width of the column of query terms; in a narrow pane the description is below the term. */
const TERM_WIDTH = 28;
const ROOM_FOR_TERMS = 72;
const INDENT = 2;

/** Wraps words into lines of at most `width` cells; a longer word gets a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const part of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && displayWidth(last) + 1 + displayWidth(part) <= width) {
      lines[lines.length - 1] = `${last} ${part}`;
    } else lines.push(part);
  }
  return lines;
}

/** Returns a label with its description beside it, or below it if the label is too long. */
function entry(label: string, about: string, width: number, labelWidth = LABEL_WIDTH): Line[] {
  const texts = wrap(about, Math.max(10, width - labelWidth - 2));
  if (displayWidth(label) >= labelWidth) texts.unshift('');
  return texts.map((text, i) =>
    line(span('  '), span((i === 0 ? label : '').padEnd(labelWidth), 'accent'), span(text)),
  );
}

/** Returns the help on every term of the query. */
function queryLines(width: number): Line[] {
  const labelWidth = width >= ROOM_FOR_TERMS ? TERM_WIDTH : INDENT;
  return TERMS.flatMap(({ syntax, about, example }) =>
    entry(syntax, example === syntax ? about : `${about}: ${example}`, width, labelWidth),
  );
}

/** Returns the whole help, made from the tables of keys, terms and columns. */
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
    ['+', 'new: opened a moment ago; a listener keeps the mark until you were there to see it'],
    ['~', 'changed: state, peer or program'],
    ['-', 'closed: disappears in a moment; shows its last state and last known program'],
    ['·', 'in a column: unknown or none'],
    ['…', 'in place of a program: still searching; at the end of a text: cut to fit'],
    ['hidden', 'in place of a program: netpane may not see the processes of this user'],
    ['gone', 'the program closed the socket or exited before netpane saw it'],
    ['kernel', 'the kernel itself opened the socket'],
    ['unknown', 'no program found; the details list where netpane searched'],
    [
      '!',
      'at the bottom: a diagnosis; in the event log: some events were missed because the event buffer was full',
    ],
    ['"name"', 'a program whose name resembles one of these marks, such as (sshd) or kernel'],
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

/** The help, which covers the screen. */
export const HELP: PaneRow = {
  position: { where: 'screen' },
  rank: 1,
  key: { keys: ['?', 'f1'], label: '?', about: 'this help', hint: 'help' },
  hints: ({ panes }) =>
    panes.help
      ? [
          { label: 'up down', hint: 'scroll' },
          { label: '?', hint: 'close' },
        ]
      : undefined,
  lines: ({ state, keys }, { width }) => helpLines(keys, state, width).slice(state.places.help.top),
  move: ({ state, keys }, { width, height }, by, unit) => {
    const lines = helpLines(keys, state, width).length;
    const step = { row: 1, page: height - 1, all: lines }[unit];
    return { type: 'scroll', pane: 'help', by: step * by, lines, height };
  },
};
