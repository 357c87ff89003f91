import { describe, expect, test } from 'vitest';
import { CLOSED_PANES, PANE_NAMES, type PaneName } from '../../src/store/panes.ts';
import { layout } from '../../src/view/layout.ts';
import type { Region } from '../../src/view/panes/pane.ts';
import { PANES, PANES_BY_RANK } from '../../src/view/panes/panes.ts';
import { nextTop } from '../../src/view/table/viewport.ts';

const CLOSED: Readonly<Record<PaneName | 'list' | 'commands', boolean>> = {
  ...CLOSED_PANES,
  list: false,
  commands: false,
};

const NAMES = [...PANE_NAMES, 'list', 'commands'] as const;

const EVERY_SET = Array.from({ length: 2 ** NAMES.length }, (_, bits) => ({
  ...CLOSED,
  ...Object.fromEntries(NAMES.map((name, i) => [name, (bits & (1 << i)) > 0])),
}));

/** The panes below the table, the most important first. */
const BELOW = PANES_BY_RANK.flatMap((name) =>
  name !== 'table' && PANES[name].position.where === 'below' ? [name] : [],
);

const overlap = (a: Region, b: Region): boolean =>
  a.left < b.left + b.width &&
  b.left < a.left + a.width &&
  a.top < b.top + b.height &&
  b.top < a.top + a.height;

/** Regions that have text: a layout needs one of them. */
const CONTENT = new Set<string>(['table', ...NAMES]);
CONTENT.delete('graph');

/** Returns what is wrong with a layout. There are more than a million: `expect` or a generator would take seconds. */
function faultsOf(width: number, height: number, panes: typeof CLOSED): string[] {
  const found: string[] = [];
  const earlier: [name: string, Region][] = [];
  let hasContent = false;
  for (const entry of Object.entries(layout(width, height, panes))) {
    const [name, region] = entry;
    const { left, top, width: cells, height: lines } = region;
    if (left < 0 || top < 0 || left + cells > width || top + lines > height)
      found.push(`${name} leaves the screen`);
    if (cells < 1 || lines < 1) found.push(`${name} has no room`);
    for (const other of earlier) if (overlap(region, other[1])) found.push(`${name} covers ${other[0]}`);
    earlier.push(entry);
    hasContent ||= CONTENT.has(name);
  }
  if (!hasContent) found.push('nothing is shown');
  return found;
}

test('regions stay on the screen and do not overlap, for every size and set of panes', () => {
  const found: string[] = [];
  for (const panes of EVERY_SET) {
    for (let width = 1; width <= 200; width++) {
      for (let height = 1; height <= 60; height++) {
        for (const fault of faultsOf(width, height, panes))
          found.push(`${width}×${height} ${JSON.stringify(panes)}: ${fault}`);
      }
    }
  }
  expect(found.slice(0, 10)).toEqual([]);
});

describe('the visible parts', () => {
  const names = (width: number, height: number, panes: Partial<typeof CLOSED> = {}) =>
    Object.keys(layout(width, height, { ...CLOSED, ...panes })).sort();

  test('the lowest screen shows only rows', () => {
    expect(layout(80, 1, CLOSED)).toEqual({ table: { left: 0, top: 0, width: 80, height: 1 } });
  });

  test('80×24 shows everything, mostly the table', () => {
    expect(names(80, 24)).toEqual(['filter', 'header', 'hints', 'table', 'titles']);
    expect(layout(80, 24, CLOSED).table?.height).toBe(19);
  });

  test('uses every line', () => {
    for (let height = 1; height <= 60; height++) {
      const lines = Object.values(layout(80, height, CLOSED)).reduce((sum, region) => sum + region.height, 0);
      expect(lines).toBe(height);
    }
  });

  test('the help covers the table', () => {
    expect(names(80, 24, { help: true, events: true })).toEqual(['filter', 'header', 'help', 'hints']);
  });

  test('details are beside the table on a wide screen, else below it', () => {
    const wide = layout(200, 50, { ...CLOSED, details: true });
    expect(wide.details?.left).toBeGreaterThan(wide.table?.width ?? 999);
    const narrow = layout(100, 50, { ...CLOSED, details: true });
    expect(narrow.details?.left).toBe(0);
    expect(narrow.details?.top).toBe((narrow.table?.top ?? 0) + (narrow.table?.height ?? 0));
  });

  test('the details get the lines that few rows leave empty; with many rows the table keeps its room', () => {
    const heights = (rows: number, panes: Partial<typeof CLOSED> = {}, height = 15) => {
      const { table, details } = layout(60, height, { ...CLOSED, details: true, ...panes }, true, 0, rows);
      return [table?.height, details?.height];
    };
    expect(heights(300, {}, 24)).toEqual([5, 14]);
    expect(heights(4, {}, 24)).toEqual([4, 15]);
    expect(heights(0, {}, 24)).toEqual([3, 16]);
    // On a low screen the details get more.
    expect(heights(300)).toEqual([3, 7]);
    expect(heights(0)).toEqual([3, 7]);
    // An open list gets the lines that few rows leave empty, and the details do not.
    expect(heights(3, { list: true })).toEqual(heights(300, { list: true }));
  });

  test('of the panes below the table, the list is the most important, then details, events and traffic', () => {
    const known = ['traffic', 'events', 'details', 'list'];
    expect(BELOW.filter((name) => known.includes(name))).toEqual(known.toReversed());
  });

  test('an open pane leaves the table three rows (graphs: two), or replaces it on a low screen', () => {
    for (const panes of EVERY_SET) {
      for (let height = 1; height <= 60; height++) {
        const regions = layout(100, height, panes);
        const { table, graph } = regions;
        if (table && BELOW.some((name) => regions[name])) expect(table.height).toBeGreaterThanOrEqual(3);
        if (table && graph) expect(table.height).toBeGreaterThanOrEqual(2);
        // The most important open pane is visible.
        if (panes.help || panes.commands || panes.whois) continue;
        const first = BELOW.find((name) => panes[name]);
        if (first) expect(regions[first]).toBeDefined();
      }
    }
  });
});

describe('scrolling', () => {
  const now = { top: 10, height: 10, length: 100, index: 15, lastIndex: 15, moved: false };

  test.each([
    ['keeps the top while nothing changes', {}, 10],
    ['keeps the top while the selection moves within the visible rows', { index: 19, moved: true }, 10],
    ['scrolls down when the selection moves below the visible rows', { index: 20, moved: true }, 11],
    ['scrolls up when the selection moves above the visible rows', { index: 9, moved: true }, 9],
    ['keeps the selection on its line when rows appear above it', { index: 18 }, 13],
    ['keeps the selection on its line when rows disappear above it', { index: 12 }, 7],
    ['shows rows that appear above the selection at the top', { top: 0, index: 7, lastIndex: 5 }, 0],
    ['keeps the selection visible when many rows appear at the top', { top: 0, index: 30, lastIndex: 5 }, 21],
    ['leaves no empty lines when rows disappear at the end', { length: 15, index: 14, lastIndex: 14 }, 5],
    ['starts at the first row if all rows fit', { length: 5, index: 2, lastIndex: 2 }, 0],
    ['starts at the top without rows', { length: 0, index: -1 }, 0],
    ['keeps the top at the first selection', { index: 15, lastIndex: -1 }, 10],
  ])('%s', (_, change, top) => {
    expect(nextTop({ ...now, ...change })).toBe(top);
  });
});
