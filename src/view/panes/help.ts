import { seenIn } from '../../store/picture.ts';
import type { Action } from '../../store/actions.ts';
import { linesIn, type PaneRow, type Scene } from './pane.ts';
import { printable } from '../../model/text.ts';
import { TERMS } from '../../query/terms.ts';
import type { State } from '../../store/state.ts';
import { type Column, COLUMNS, presentColumns } from '../columns/columns.ts';
import { type Line, line, span } from '../text/line.ts';
import { firstKey, type KeyHelp, keyText, withKeys } from '../header/key-help.ts';
import { diagnosisSign } from '../header/alerts.ts';
import { coverageText, noticesOf } from '../header/notices.ts';
import { countText } from '../text/format.ts';
import { spread } from '../text/spread.ts';
import { displayWidth } from '../text/width.ts';
import { wrap } from '../text/wrap.ts';

const LABEL_WIDTH = 14;
/** Width of the column of query terms; in a narrow pane the description is below the term. */
const TERM_WIDTH = 28;
const ROOM_FOR_TERMS = 72;
const INDENT = 2;

/** Returns a label with its description beside it, or below it if the label is too long. */
function entry(label: string, about: string, width: number, labelWidth = LABEL_WIDTH): Line[] {
  const texts = wrap(about, Math.max(10, width - labelWidth - 2));
  if (displayWidth(label) >= labelWidth) texts.unshift('');
  return texts.map((text, i) =>
    line(span('  '), span((i === 0 ? label : '').padEnd(labelWidth), 'accent'), span(text)),
  );
}

/** An entry of the help: its lines, and the text that is searched. */
interface Entry {
  readonly text: string;
  readonly lines: readonly Line[];
}

interface Section {
  readonly title: string;
  readonly entries: readonly Entry[];
}

const entryOf = (label: string, about: string, width: number, labelWidth?: number): Entry => ({
  text: `${label} ${about}`,
  lines: entry(label, about, width, labelWidth),
});

/** Returns each mark with what it means. */
const marksOf = (keys: readonly KeyHelp[]): readonly (readonly [mark: string, about: string])[] => [
  ['+', 'new: opened a moment ago; a listener keeps the mark until you were there to see it'],
  ['~', 'changed: state, peer or program'],
  ['-', 'closed: disappears in a moment; shows its last state and last known program'],
  ['·', 'in a column: unknown or none'],
  ['…', 'in place of a program: still searching; at the end of a text: cut to fit'],
  ['hidden', 'in place of a program: netpane may not see the processes of this user'],
  ['gone', 'the program closed the socket or exited before netpane saw it'],
  ['kernel', 'the kernel itself opened the socket'],
  ['unknown', 'no program found; the details list where netpane searched'],
  [diagnosisSign(keys), 'at the bottom: a diagnosis; the key shows its sockets'],
  ['!', 'in the event log: some events were missed because the event buffer was full'],
  ['"name"', 'a program whose name resembles one of these marks, such as (sshd) or kernel'],
];

/** The group of keys that comes first: a newcomer must know how to leave. */
const LEAVING = 'Help and quitting';

/** Returns the keys, in their groups. An action without a key is only in the command palette. */
function keySections(keys: readonly KeyHelp[], width: number): Section[] {
  const withKey = keys.filter(({ label }) => label !== '');
  return [...new Set([LEAVING, ...withKey.map(({ group }) => group)])].map((group) => ({
    title: group,
    entries: withKey
      .filter((it) => it.group === group)
      .map(({ label, about }) => entryOf(label, about, width)),
  }));
}

function unseenSection(state: State, width: number): Section {
  const coverage = state.coverage && coverageText(state.coverage);
  const unseen = [...noticesOf(state), ...(coverage === undefined ? [] : [{ text: coverage, short: '' }])];
  return {
    title: 'What netpane cannot see now',
    entries: unseen.map(({ text, short }) => ({
      // The header has the short text.
      text: `${text} ${short}`,
      lines: wrap(printable(text), Math.max(10, width - 2)).map((part) => line(span(`  ${part}`, 'warning'))),
    })),
  };
}

/** Returns the help on every term of the query. */
function querySection(keys: readonly KeyHelp[], width: number): Section {
  const labelWidth = width >= ROOM_FOR_TERMS ? TERM_WIDTH : INDENT;
  return {
    title: 'Query',
    entries: TERMS.map(({ syntax, about, example }) => {
      const text = withKeys(keys, about);
      return entryOf(syntax, example === syntax ? text : `${text}: ${example}`, width, labelWidth);
    }),
  };
}

function columnSections(keys: readonly KeyHelp[], state: State, width: number): Section[] {
  const present = presentColumns(seenIn(state));
  const describe = ({ title, label = title, about }: Column): Entry => entryOf(label, about, width);
  const others = COLUMNS.filter((column) => !present.includes(column));
  return [
    { title: 'Columns', entries: present.map(describe) },
    { title: `More columns (press ${keyText(keys, 'columns')} to add)`, entries: others.map(describe) },
  ];
}

/** Returns the section with only the entries that have all words, in their text or in the title. */
function matching({ title, entries }: Section, words: readonly string[]): Section {
  const has = (text: string) => words.every((word) => `${title} ${text}`.toLowerCase().includes(word));
  return { title, entries: entries.filter(({ text }) => has(text)) };
}

/**
 * Returns the sections that have entries: all of them, or what `state.helpQuery` finds. The notices come first, because the
 * header leads to them; the line of hints says how to scroll and how to close the help.
 */
function sectionsOf(keys: readonly KeyHelp[], state: State, width: number): Section[] {
  const words = state.helpQuery
    .toLowerCase()
    .split(/\s+/)
    .filter((it) => it !== '');
  return [
    unseenSection(state, width),
    ...keySections(keys, width),
    querySection(keys, width),
    { title: 'Marks', entries: marksOf(keys).map(([mark, about]) => entryOf(mark, about, width)) },
    ...columnSections(keys, state, width),
  ]
    .map((section) => matching(section, words))
    .filter(({ entries }) => entries.length > 0);
}

/** Returns the lines of a section; a blank line comes before all but the first one. */
const linesOf = ({ title, entries }: Section, i: number): Line[] => [
  ...(i > 0 ? [line()] : []),
  line(span(title.toUpperCase(), 'header')),
  ...entries.flatMap(({ lines }) => lines),
];

/** Returns the help, made from the tables of keys, terms and columns: all of it, or what `state.helpQuery` finds. */
export const helpLines = (keys: readonly KeyHelp[], state: State, width: number): Line[] =>
  sectionsOf(keys, state, width).flatMap(linesOf);

/** Returns the first line of each entry; for the first entry of a section, the line of the title. */
function entryTops(sections: readonly Section[]): number[] {
  let end = 0;
  return sections.flatMap((section, i) => {
    const start = end + (i > 0 ? 1 : 0);
    let top = start + 1;
    const tops = section.entries.map(({ lines }, at) => {
      const its = at === 0 ? start : top;
      top += lines.length;
      return its;
    });
    end = top;
    return tops;
  });
}

/** Returns the action that scrolls to the next (1) or previous (-1) entry that the search found, or says why not. */
export function goToMatch({ state, keys, layout }: Scene, by: 1 | -1): Action {
  const say = (text: string): Action => ({ type: 'message', message: { text, isError: false } });
  const { width = 0, height = 0 } = layout.help ?? {};
  if (state.helpQuery === '')
    return say(`no search: press ${keyText(keys, 'filter')} to find a word in the help`);
  const sections = sectionsOf(keys, state, width);
  const lines = sections.flatMap(linesOf).length;
  const room = height - 1;
  if (lines === 0) return say('nothing found: search for another word');
  if (lines <= room) return say('all matches are on the screen');
  const { top } = state.places.help;
  const tops = entryTops(sections);
  const next = by === 1 ? tops.find((it) => it > top) : tops.findLast((it) => it < top);
  if (next === undefined || (by === 1 && top >= lines - room))
    return say(by === 1 ? 'this is the last match' : 'this is the first match');
  return { type: 'scroll', pane: 'help', by: next - top, lines, height: room };
}

/** Returns the title line: which lines of the help are shown. */
function helpTitle({ state, keys }: Scene, shown: number, total: number, width: number): Line {
  const { helpQuery } = state;
  const { top } = state.places.help;
  const last = Math.min(top + shown, total);
  const position =
    total === 0 ? 'nothing found' : `${countText(top + 1)}–${countText(last)} of ${countText(total)}`;
  const find = firstKey(keys, 'filter');
  return spread(
    [
      { text: 'HELP', tone: 'header', rank: 1 },
      { text: position, tone: 'quiet', rank: 2 },
      ...(helpQuery === ''
        ? []
        : [{ text: `with ${printable(helpQuery)}`, short: '', tone: 'accent', rank: 3 } as const]),
    ],
    find === undefined || helpQuery !== '' ? [] : [{ text: `${find} finds`, tone: 'quiet', rank: 4 }],
    width,
  );
}

/** The help, which covers the screen. */
export const HELP: PaneRow = {
  position: { where: 'screen' },
  rank: 1,
  key: {
    id: 'help',
    keys: ['?', 'F1'],
    name: 'open or close the help',
    about: 'every key, query term, mark and column',
    hint: 'help',
  },
  hints: ({ panes, helpQuery }) =>
    panes.help
      ? [
          { actions: ['move-up', 'move-down'], hint: 'scroll' },
          ...(helpQuery === '' ? [] : [{ actions: ['help-next', 'help-previous'], hint: 'next match' }]),
          { actions: ['filter'], hint: 'find' },
          { actions: ['close'], hint: 'close' },
        ]
      : undefined,
  lines: (scene, { width, height }) => {
    const { state, keys } = scene;
    const lines = helpLines(keys, state, width);
    const { top } = state.places.help;
    const shown = lines.slice(top, top + height - 1);
    return [helpTitle(scene, height - 1, lines.length, width), ...shown];
  },
  move: ({ state, keys }, { width, height }, by, unit) => {
    const lines = helpLines(keys, state, width).length;
    const page = Math.max(1, height - 2);
    return { type: 'scroll', pane: 'help', by: linesIn(unit, page, lines) * by, lines, height: height - 1 };
  },
};
