// Texts that name keys name the keys in effect.
import { expect, test } from 'vitest';
import { Keymap } from '../../../src/tui/keymap.ts';
import { alertLines } from '../../../src/view/header/alerts.ts';
import { headerLines } from '../../../src/view/header/header.ts';
import { filterLine, filterTabs } from '../../../src/view/header/query-line.ts';
import { keyText } from '../../../src/view/header/key-help.ts';
import { detailLines } from '../../../src/view/panes/details-pane.ts';
import { helpLines } from '../../../src/view/panes/help.ts';
import { RowOrder } from '../../../src/view/table/order.ts';
import { placeColumns } from '../../../src/view/table/place.ts';
import { tableLines } from '../../../src/view/table/rows.ts';
import { after, ALL_SEEN, baseline, batch, emptyState, socket } from '../../helpers/fakes.ts';
import { textOf } from '../../helpers/lines.ts';

const SHARE = { shown: 1, total: 3, hidden: 2 };
const leaky = Array.from({ length: 12 }, (_, i) =>
  socket({ id: `leaky ${i}`, state: 'CLOSE_WAIT', process: 'leaky-app' }),
);
const degradations = ['a', 'b'].map((text) => ({ code: text, text, short: text }));
const [near, far] = ['10.0.0.5:51000', '10.0.0.6:80'];
const ends = [
  socket({ id: 'near', local: near, remote: far, process: 'curl' }),
  socket({ id: 'far', local: far, remote: near, process: 'nginx' }),
];
const timeWait = Array.from({ length: 8 }, (_, i) =>
  socket({ id: `remnant ${i}`, state: 'TIME_WAIT', remote: `192.0.2.1:${40_000 + i}` }),
);
const state = {
  ...after(emptyState(), baseline([...leaky, ...ends, ...timeWait]), batch({ monotonicMs: 250_000 })),
  degradations,
};

const order = new RowOrder();
order.update(state);
const columns = placeColumns(80, new Map(), ALL_SEEN);

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
    details: text(detailLines(state.table.rows.get('near'), state, bindings, 80, 40)),
    table: text(tableLines(state, order, columns, 0, 40, -1, true, (id) => keyText(bindings, id))),
  };
}

test('texts name the keys that the user chose', () => {
  const texts = textsWith({
    help: ['F12'],
    'hide-rules': ['R'],
    'view-by-number': ['alt-1', 'alt-2', 'alt-3'],
    diagnosis: ['X'],
    'only-new': ['ctrl-n'],
    'copy-cell': ['W'],
    'list-save-view': ['A'],
    'go-to-peer': ['alt-p'],
    details: ['f9'],
  });
  expect(texts.header).toContain('  F12 shows 1 more');
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
  expect(texts.details).toContain('alt-p goes to its row');
  expect(texts.table).toContain('8 TIME_WAIT · f9 shows them');
});

test('texts name no key where the user has removed it', () => {
  const none = Object.fromEntries(
    ['help', 'hide-rules', 'view-by-number', 'diagnosis', 'only-new'].map((id) => [id, []]),
  );
  const texts = textsWith(none);
  expect(texts.header).toContain('  1 more notice');
  expect(texts.filter).toMatch(/2 hidden by you {2}/);
  expect(texts.tabs.slice(0, 2)).toEqual(['all', 'listening']);
  expect(texts.alert).not.toContain('shows them');
  expect(texts.narrowAlert).toMatch(/^! leaky-app: /);
  expect(texts.help).toContain('or since : only what is new from now on was pressed');
});
