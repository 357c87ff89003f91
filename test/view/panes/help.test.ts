import { describe, expect, test } from 'vitest';
import type { Socket } from '../../../src/model/socket.ts';
import type { Focus } from '../../../src/store/panes.ts';
import { KEYS } from '../../../src/tui/keymap.ts';
import { NOTHING_SEEN, type Seen } from '../../../src/store/seen-fields.ts';
import { columnOf, presentColumns } from '../../../src/view/columns/columns.ts';
import { helpLines } from '../../../src/view/panes/help.ts';
import { hintLine } from '../../../src/view/hints.ts';
import { displayWidth } from '../../../src/view/text/width.ts';
import { after, ALL_SEEN, baseline, emptyState, socket } from '../../helpers/fakes.ts';
import { textOf, shown } from '../../helpers/lines.ts';

describe('help', () => {
  const seeing = (seen: Seen) => ({ ...emptyState(), table: { seen } });

  test('lists every key and every column', () => {
    const text = shown(helpLines(KEYS, emptyState(), 200)).join('\n');
    for (const { label, about } of KEYS.filter((it) => it.label !== ''))
      expect(text).toContain(`${label.padEnd(14)}${about}`);
    for (const { about } of presentColumns(NOTHING_SEEN)) expect(text).toContain(about);
  });

  test('has its key in the hints at every width', () => {
    for (let width = 6; width <= 200; width++) {
      const hints = textOf(hintLine(KEYS, seeing(ALL_SEEN), width, undefined));
      expect(hints.endsWith('? help')).toBe(true);
      expect(displayWidth(hints)).toBeLessThanOrEqual(width);
    }
  });

  test('the keys of the focused pane come first in the hints, and tab names the next pane', () => {
    const hints = (focus: Focus, next: Focus, width = 80) =>
      textOf(hintLine(KEYS, seeing(ALL_SEEN), width, { focus, next }));
    expect(hints('table', 'events')).toMatch(/^tab event log {2}\/ filter .* : commands {2}\? help$/);
    expect(hints('table', 'details')).toMatch(/^tab details {2}\/ filter .* : commands {2}\? help$/);
    expect(hints('events', 'details')).toMatch(
      /^enter go to row {2}tab details {2}\/ filter .* : commands {2}\? help$/,
    );
    expect(hints('details', 'table')).toMatch(
      /^enter close {2}tab table {2}\/ filter .* : commands {2}\? help$/,
    );
    expect(hints('events', 'table', 200)).not.toContain('enter details');
    expect(textOf(hintLine(KEYS, seeing(ALL_SEEN), 200, undefined))).not.toContain('tab');
    const opened = after(emptyState(), { type: 'pane', pane: 'details' });
    const now = { focus: 'table', next: 'details' } as const;
    expect(textOf(hintLine(KEYS, opened, 80, now))).toMatch(
      /^tab details {2}\/ filter {2}enter close {2}p port /,
    );
  });

  test('lists each column once, the present ones first', () => {
    const RX_RATE = columnOf('rxRate')?.about ?? '';
    const helpOf = (it: Socket) =>
      shown(helpLines(KEYS, after(emptyState(), baseline([it])), 200))
        .join('\n')
        .split('MORE COLUMNS (PRESS C TO ADD)');
    const [there, more] = helpOf(socket());
    expect([there, more].map((it) => it?.includes(RX_RATE))).toEqual([false, true]);
    const [seen, others] = helpOf(socket({ traffic: { rxBytes: 1 } }));
    expect([seen, others].map((it) => it?.includes(RX_RATE))).toEqual([true, false]);
  });

  test.each([
    ['query', 'enter apply  tab complete  up history  ctrl-u clear  esc cancel'],
    ['port', 'enter apply  tab complete  ctrl-u clear  esc cancel'],
    ['save', 'enter save  ctrl-u clear  esc cancel'],
  ] as const)('the hints in a %s prompt are those of the prompt', (kind, hints) => {
    const state = after(emptyState(), { type: 'prompt', kind, text: '' });
    expect(textOf(hintLine(KEYS, state, 100, undefined))).toBe(hints);
  });

  test.each([
    [{ kind: 'views', at: 0 }, /^enter open .* esc close$/],
    // Nothing is hidden, so there is nothing to unhide.
    [{ kind: 'hide-rules', at: 0 }, /^esc close$/],
    [{ kind: 'columns', cursor: 'pid' }, /^space toggle .* esc close$/],
  ] as const)('the hints in a list are those of the list: %j', (list, hints) => {
    const state = after(emptyState(), { type: 'list', list });
    expect(textOf(hintLine(KEYS, state, 100, undefined))).toMatch(hints);
    // The key that closes it is shown at every width.
    expect(textOf(hintLine(KEYS, state, 12, undefined))).toBe('esc close');
  });

  test('the hints in the help say how to scroll and close it', () => {
    const state = after(emptyState(), { type: 'pane', pane: 'help' });
    expect(textOf(hintLine(KEYS, state, 100, undefined))).toBe('up down scroll  / find  esc close');
  });

  test('the hint for traffic appears once there is traffic', () => {
    expect(textOf(hintLine(KEYS, seeing(NOTHING_SEEN), 200, undefined))).not.toContain('i traffic');
    expect(textOf(hintLine(KEYS, seeing(ALL_SEEN), 200, undefined))).toContain(
      'e events  i traffic  M graphs',
    );
  });

  test('the mark of a diagnosis is the key in effect; the mark of a gap is always !', () => {
    const keys = KEYS.map((it) => (it.id === 'diagnosis' ? { ...it, keys: ['k'], label: 'k' } : it));
    const marks = (of: typeof keys) => shown(helpLines(of, emptyState(), 200)).join('\n');
    expect(marks(keys)).toMatch(/^  k +at the bottom: a diagnosis/m);
    expect(marks(keys)).toMatch(/^  ! +in the event log: some events were missed/m);
    expect(marks([...KEYS])).toMatch(/^  ! +at the bottom: a diagnosis/m);
  });

  test('lists all notices in full', () => {
    const degradations = [1, 2].map((n) => ({
      code: `c${n}`,
      text: `notice ${n} `.repeat(9).trim(),
      short: '',
    }));
    const text = shown(helpLines(KEYS, { ...emptyState(), degradations }, 40))
      .join(' ')
      .replace(/\s+/g, ' ');
    for (const it of degradations) expect(text).toContain(it.text);
  });

  test('begins with what netpane cannot see, then with the keys to leave', () => {
    const degradations = [{ code: 'c', text: 'the owner of 1 socket is hidden', short: '' }];
    const [title, notice] = shown(helpLines(KEYS, { ...emptyState(), degradations }, 40));
    expect([title, notice]).toEqual(['WHAT NETPANE CANNOT SEE NOW', '  the owner of 1 socket is hidden']);
    const [first] = shown(helpLines(KEYS, emptyState(), 40));
    expect(first).toBe('HELP AND QUITTING');
  });

  test('its search finds a notice by its long and its short text', () => {
    const notice = { code: 'c', text: 'the owner of 1 socket is hidden', short: '1 owner unseen' };
    for (const helpQuery of ['owner socket', 'unseen']) {
      const state = { ...emptyState(), degradations: [notice], helpQuery };
      expect(shown(helpLines(KEYS, state, 80)).join('\n'), helpQuery).toContain(notice.text);
    }
  });
});
