import { expect, test } from 'vitest';
import type { State } from '../../src/store/state.ts';
import { columnOf } from '../../src/view/columns/columns.ts';
import { byteFacts, momentOf } from '../../src/view/panes/flow.ts';
import { headerLines } from '../../src/view/header/header.ts';
import { cellContext } from '../../src/view/table/rows.ts';
import { trafficLines } from '../../src/view/panes/traffic.ts';
import { after, batch, emptyState } from '../helpers/fakes.ts';
import { textOf } from '../helpers/lines.ts';
import { KEYS } from '../../src/tui/keymap.ts';
import { MACHINE, TRAFFIC_BATCHES } from '../tui/traffic-scene.ts';

const DOING = 'reading the sockets: /proc of process 4711';

const busy = after(emptyState(), ...TRAFFIC_BATCHES);
const SILENT = { type: 'silence', atMs: busy.clock.lastBatchMs + 40_000, doing: DOING } as const;
const silent = after(busy, SILENT);
const header = (state: State, width: number, height: number) =>
  headerLines(state, KEYS, width, height).map((line) => textOf(line).trim());

/** Returns the rates of the download in the table and in the details. */
function ratesOf(state: State): string[] {
  const row = state.table.rows.get(MACHINE.download.id);
  if (!row) throw new Error('the download is not there');
  const cells = (['rxRate', 'txRate', 'totalRate'] as const).map(
    (id) => columnOf(id)?.text(row, cellContext(state)) ?? id,
  );
  return [...cells, byteFacts(row, momentOf(state)).join(' ')];
}

test('the header shows the time since the last batch and what the sampler is doing', () => {
  expect(header(silent, 120, 2)[1]).toBe(`last update 40s ago: the sampler is busy (${DOING})`);
  expect(header(silent, 60, 2)[1]).toBe('last update 40s ago: busy');
  expect(header(silent, 40, 1)).toEqual(['last update 40s ago: busy']);
});

test('the header says that no batch has arrived yet', () => {
  const state = after(emptyState(), { type: 'silence', atMs: 12_000, doing: 'opening the source' });
  expect(header(state, 120, 2)[1]).toBe('no answer for 12s: the sampler is busy (opening the source)');
});

test('rates of rows, details and the machine are unknown while the sampler is silent', () => {
  expect(ratesOf(busy).join(' ')).toMatch(/\d/);
  const [rx, tx, both, details] = ratesOf(silent);
  expect([rx, tx, both]).toEqual(['·', '·', '·']);
  expect(details).not.toContain('/s');
  expect(header(silent, 120, 2).join()).not.toContain('/s');
  expect(textOf(trafficLines(silent, 120, 8)[0])).toContain('rates from 40s ago');
});

test('a pause keeps the rates of its moment', () => {
  expect(ratesOf(after(busy, { type: 'pause' }, SILENT))).toEqual(ratesOf(busy));
});

test('any part of a batch ends the silence', () => {
  expect(after(silent, batch({ monotonicMs: 50_000, partial: true })).silence).toBeNull();
});
