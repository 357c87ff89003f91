// Texts that name keys name the keys in effect.
import { expect, test } from 'vitest';
import { Keymap } from '../../../src/tui/keymap.ts';
import { alertLines } from '../../../src/view/header/alerts.ts';
import { headerLines } from '../../../src/view/header/header.ts';
import { filterLine, filterTabs } from '../../../src/view/header/query-line.ts';
import { helpLines } from '../../../src/view/panes/help.ts';
import { after, baseline, batch, emptyState, socket } from '../../helpers/fakes.ts';
import { textOf } from '../../helpers/lines.ts';

const SHARE = { shown: 1, total: 3, hidden: 2 };
const leaky = Array.from({ length: 12 }, (_, i) =>
  socket({ id: `leaky ${i}`, state: 'CLOSE_WAIT', process: 'leaky-app' }),
);
const degradations = ['a', 'b'].map((text) => ({ code: text, text, short: text }));
const state = {
  ...after(emptyState(), baseline(leaky), batch({ monotonicMs: 250_000 })),
  degradations,
};

/** Returns the texts with these keys. */
function textsWith(changes: Readonly<Record<string, readonly string[]>>) {
  const { bindings } = new Keymap(changes);
  const text = (lines: readonly Parameters<typeof textOf>[0][]) =>
    lines.map((line) => textOf(line).trim()).join('\n');
  return {
    header: text(headerLines(state, bindings, 120, 2)),
    tabs: filterTabs(state, bindings, SHARE, 200).map((it) => it.text),
    filter: text([filterLine({ ...state, group: null }, bindings, SHARE, 200)]),
    alert: text(alertLines(state, bindings, 80, 1)),
    narrowAlert: text(alertLines(state, bindings, 40, 1)),
    help: text(helpLines(bindings, state, 200)),
  };
}

test('with other keys', () => {
  const texts = textsWith({
    help: ['F12'],
    'hide-rules': ['R'],
    'view-by-number': ['alt-1', 'alt-2', 'alt-3'],
    diagnosis: ['X'],
    'only-new': ['ctrl-n'],
    'copy-cell': ['W'],
    'list-save-view': ['A'],
  });
  expect(texts.header).toContain('(F12 for 1 more)');
  expect(texts.filter).toContain('2 hidden by you: R');
  expect(texts.tabs.slice(0, 4)).toEqual([
    'alt-1 all',
    'alt-2 listening',
    'alt-3 established',
    expect.stringMatching(/^[a-z]/),
  ]);
  expect(texts.alert).toMatch(/^X leaky-app: .*X shows them$/);
  expect(texts.narrowAlert).toMatch(/^X leaky-app: /);
  expect(texts.help).toContain('opened since netpane started, or since ctrl-n was pressed');
  expect(texts.help).toContain('select the cell to the left, for W and x');
  expect(texts.help).toContain('A saves the current one');
});

test('without keys', () => {
  const none = Object.fromEntries(
    ['help', 'hide-rules', 'view-by-number', 'diagnosis', 'only-new'].map((id) => [id, []]),
  );
  const texts = textsWith(none);
  expect(texts.header).toContain('(1 more)');
  expect(texts.filter).toMatch(/2 hidden by you {2}/);
  expect(texts.tabs.slice(0, 2)).toEqual(['all', 'listening']);
  expect(texts.alert).not.toContain('shows them');
  expect(texts.narrowAlert).toMatch(/^! leaky-app: /);
  expect(texts.help).toContain('or since : only what is new from now on was pressed');
});
