import { describe, expect, test } from 'vitest';
import type { State, View } from '../../../src/store/state.ts';
import { BUILT_IN } from '../../../src/store/views.ts';
import { KEYS } from '../../../src/tui/keymap.ts';
import { listLines } from '../../../src/view/panes/list-pane.ts';
import { placeColumns } from '../../../src/view/table/place.ts';
import { displayWidth } from '../../../src/view/text/width.ts';
import { ALL_SEEN, emptyState } from '../../helpers/fakes.ts';
import { HOSTILE, textOf, UNSAFE } from '../../helpers/lines.ts';

const placed = placeColumns(80, new Map(), ALL_SEEN);
const texts = (state: State, width = 100, height = 20) =>
  listLines(state, KEYS, placed, width, height).map((it) => textOf(it).trimEnd());

const MINE: readonly View[] = [
  { name: 'db', query: ':5432 !loopback', sort: { column: 'rtt', descending: true }, group: 'host' },
  { name: 'mine', query: '', columns: [{ id: 'pid' }, { id: 'remote' }] },
  { name: 'third', query: 'a' },
  { name: 'tenth', query: 'b' },
];
const viewing = (at: number): State => ({ ...emptyState(), views: MINE, list: { kind: 'views', at } });

describe('views', () => {
  test('show number key, query and whether the user saved them', () => {
    const [title, ...lines] = texts(viewing(0));
    expect(title).toMatch(/^VIEWS \(keys 1 to 9\)/);
    expect(lines).toHaveLength(BUILT_IN.length + MINE.length);
    expect(lines[0]).toBe('  1 all              all sockets');
    expect(lines[1]).toBe('  2 listening        listen');
    expect(lines.slice(6)).toEqual([
      '  7 db               :5432 !loopback · sorted by RTT▾ · by remote host  (saved)',
      '  8 mine             all sockets · 2 columns  (saved)',
      '  9 third            a  (saved)',
      // Views after the ninth have no key.
      '    tenth            b  (saved)',
    ]);
  });

  test('one cursor is visible at every height', () => {
    for (const height of [2, 3, 5, 9, 30]) {
      for (let at = 0; at < BUILT_IN.length + MINE.length; at++) {
        const lines = listLines(viewing(at), KEYS, placed, 80, height);
        const name = [...BUILT_IN, ...MINE][at]?.name ?? '';
        const selected = lines.filter((it) => it.selected);
        expect(selected.map(textOf).join('\n')).toContain(` ${name} `);
        expect(selected).toHaveLength(1);
        expect(lines.length).toBe(Math.min(height, 1 + BUILT_IN.length + MINE.length));
      }
    }
  });
});

describe('hide rules', () => {
  const hideRules = [
    { process: 'curl', remote: '198.51.100.7', port: 443 },
    { process: 'sshd', remote: '*', port: 22 },
  ];

  test('show program, peer and port', () => {
    const [title, ...lines] = texts({ ...emptyState(), hideRules, list: { kind: 'hide-rules', at: 1 } });
    expect(title).toMatch(/^HIDDEN BY YOU {2}2 /);
    expect(lines).toEqual([
      '  curl             port 443    198.51.100.7',
      '  sshd             port 22     no peer',
    ]);
  });

  test('an empty list says how to hide something', () => {
    expect(texts({ ...emptyState(), list: { kind: 'hide-rules', at: 0 } })[1]).toBe(
      '  nothing hidden: h hides the program and remote of the selected row',
    );
  });
});

test('columns have their own list', () => {
  const lines = texts({ ...emptyState(), list: { kind: 'columns', cursor: 'pid' } });
  expect(lines[0]).toMatch(/^COLUMNS/);
});

test('returns no line without an open list', () => {
  expect(listLines(emptyState(), KEYS, placed, 80, 20)).toEqual([]);
});

test('is printable and fits in the pane, for any content', () => {
  for (const text of HOSTILE) {
    const state: State = {
      ...emptyState(),
      hideRules: [{ process: text, remote: text, port: 1 }],
      views: [{ name: text, query: text }],
    };
    for (const kind of ['views', 'hide-rules'] as const) {
      for (const width of [30, 40, 100]) {
        for (const line of texts({ ...state, list: { kind, at: 0 } }, width)) {
          expect(line).not.toMatch(UNSAFE);
          expect(displayWidth(line)).toBeLessThanOrEqual(width);
        }
      }
    }
  }
});

test('the text of an empty list is wrapped', () => {
  const state: State = { ...emptyState(), list: { kind: 'hide-rules', at: 0 } };
  expect(texts(state, 40)).toEqual([
    'HIDDEN BY YOU  0 rules',
    '  nothing hidden: h hides the program',
    '  and remote of the selected row',
  ]);
});
