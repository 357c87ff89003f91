import type { ColumnId } from '../../store/columns.ts';
import { seenIn } from '../../store/picture.ts';
import { PALETTES, type State } from '../../store/state.ts';
import { presentColumns } from '../../view/columns/columns.ts';
import { sortBy } from '../../view/panes/table-pane.ts';
import type { Binding } from './binding.ts';
import type { KeyContext } from './context.ts';

/** Intervals that + and - step through, milliseconds. */
const INTERVALS = [100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];

const longerInterval = (ms: number): number => INTERVALS.find((step) => step > ms) ?? ms;
const shorterInterval = (ms: number): number => INTERVALS.findLast((step) => step < ms) ?? ms;

const nextColumn = ({ state, columns }: KeyContext): ColumnId => {
  const placed = columns.map(({ column }) => column.id);
  const ids = placed.length > 0 ? placed : presentColumns(seenIn(state)).map(({ id }) => id);
  return ids[(ids.indexOf(state.sort.column) + 1) % ids.length] ?? 'process';
};

const nextPalette = ({ palette }: State) =>
  PALETTES[(PALETTES.indexOf(palette) + 1) % PALETTES.length] ?? 'standard';

/** Keys that change how rows are shown, and how often. */
export const DISPLAY_KEYS: readonly Binding[] = [
  {
    id: 'pause',
    keys: ['space'],
    name: 'pause or resume the screen',
    about: 'pause the screen; polling goes on and changes are counted',
    group: 'Display',
    hint: 'pause',
    run: () => ({ type: 'pause' }),
  },
  {
    id: 'freeze',
    keys: ['f'],
    name: 'freeze the order of the rows',
    about: 'freeze the order of the rows; values keep updating, new rows come last',
    group: 'Display',
    run: () => ({ type: 'freeze' }),
  },
  {
    id: 'sort-next',
    keys: ['s', 'F6'],
    name: 'sort by the next column',
    about: 'sort by the next column; a click on a title sorts by that column',
    group: 'Display',
    hint: 'sort',
    run: (context) => sortBy(nextColumn(context)),
  },
  {
    id: 'sort-reverse',
    keys: ['S'],
    name: 'reverse the sort order',
    about: 'reverse the sort order',
    group: 'Display',
    run: () => ({ type: 'reverse-sort' }),
  },
  {
    id: 'service-names',
    keys: ['n'],
    name: 'service names or port numbers',
    about: 'switch between port numbers and service names',
    group: 'Display',
    run: () => ({ type: 'service-names' }),
  },
  {
    id: 'resolve-names',
    keys: ['R'],
    name: 'names of peers by reverse DNS',
    about: 'ask your name servers for the name of each peer on the screen, or stop asking; off at first',
    group: 'Display',
    run: () => ({ type: 'toggle-names' }),
  },
  {
    id: 'colours',
    keys: ['c'],
    name: 'next colour theme',
    about: 'next colour theme: standard, high contrast, for the colour-blind, none',
    group: 'Display',
    run: ({ state }) => ({ type: 'palette', palette: nextPalette(state) }),
  },
  {
    id: 'interval-longer',
    keys: ['+', '='],
    name: 'longer refresh interval',
    about: 'longer refresh interval',
    group: 'Display',
    run: ({ state }) => ({ type: 'interval', intervalMs: longerInterval(state.intervalMs) }),
  },
  {
    id: 'interval-shorter',
    keys: ['-'],
    name: 'shorter refresh interval',
    about: 'shorter refresh interval',
    group: 'Display',
    run: ({ state }) => ({ type: 'interval', intervalMs: shorterInterval(state.intervalMs) }),
  },
];
