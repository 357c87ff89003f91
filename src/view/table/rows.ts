import { peerAddress } from '../../store/peer-names.ts';
import { areRatesOld, pictureOf } from '../../store/picture.ts';
import type { ColumnId } from '../../store/columns.ts';
import type { State } from '../../store/state.ts';
import type { RateHistory } from '../../store/rate-history.ts';
import { isMeasured, type Row } from '../../store/row.ts';
import { type CellContext, type Column, columnOf } from '../columns/columns.ts';
import type { Sum } from '../../store/sums.ts';
import { signedName } from '../text/host-text.ts';
import { compactText, countText, endpointText } from '../text/format.ts';
import { SUMMED } from './group.ts';
import type { GroupItem, Item, TimeWaitItem } from './item.ts';
import { type Line, line, span } from '../text/line.ts';
import type { RowOrder } from './order.ts';
import { GUTTER, type PlacedColumn } from './place.ts';
import type { Selection } from './row-line.ts';
import { sparklineText } from '../text/sparkline.ts';
import { cutMiddle, displayWidth, fit } from '../text/width.ts';

/**
 * Returns the column titles: an arrow at the sort column, the column of the selected cell marked.
 * @param gutter text before them
 */
export function titleLine(
  columns: readonly PlacedColumn[],
  { sort, cell }: Pick<State, 'sort' | 'cell'>,
  gutter = '',
): Line {
  const spans = [span(fit(gutter, GUTTER), 'header')];
  let at = GUTTER;
  let before: ColumnId | undefined;
  for (const { column, left, width } of columns) {
    const { titleBehind } = column;
    const whole = titleBehind && titleBehind.column === before ? titleBehind.title : column.title;
    const sorted = column.id === sort.column;
    const title = sorted ? whole.slice(0, width - 1) + (sort.descending ? '▾' : '▴') : whole;
    before = column.id;
    const text = fit(title, width, column.align);
    spans.push(
      span(' '.repeat(left - at)),
      span(text, column.id === cell ? 'cursor' : sorted ? 'sorted' : 'header'),
    );
    at = left + width;
  }
  return line(...spans);
}

/** Returns a row for the clipboard: uncut cells separated by tabs. Printable, one line. */
export const rowText = (row: Row, columns: readonly Column[], context: CellContext): string =>
  columns.map((column) => column.text(row, context).trim()).join('\t');

/** Returns a line for the clipboard: a row as in `rowText`, or the label of a group. */
export const itemText = (item: Item, columns: readonly Column[], context: CellContext): string =>
  item.type === 'row'
    ? rowText(item.row, columns, context)
    : item.type === 'group'
      ? item.label
      : timeWaitText(item);

/** Returns a cell for the clipboard, uncut; without a column the remote endpoint, or the local one if there is none. */
export function cellText(row: Row, column: ColumnId | null, context: CellContext): string {
  const { socket } = row;
  const chosen = column === null ? undefined : columnOf(column);
  return chosen ? chosen.text(row, context).trim() : endpointText(socket.remote ?? socket.local, socket);
}

/** Returns the label with the count after it; only the label is cut. */
function labelText({ label, sum }: GroupItem, width: number): string {
  const count = ` (${countText(sum.sockets)})`;
  const room = width - count.length;
  return room > 1 ? cutMiddle(label, room) + count : fit(label, width);
}

/** Counts of a group header by state, each with its word and a shorter one. */
const STATE_COUNTS: readonly (readonly [count: (sum: Sum) => number, word: string, short: string])[] = [
  [({ listening }) => listening, 'listening', 'listen'],
  [({ established }) => established, 'established', 'estab'],
  [({ closeWait }) => closeWait, 'CLOSE_WAIT', 'CLOS-W'],
  [({ timeWait }) => timeWait, 'TIME_WAIT', 'TIME-W'],
  [
    ({ sockets, listening, established, closeWait, timeWait }) =>
      sockets - listening - established - closeWait - timeWait,
    'other',
    'other',
  ],
];

/** Returns the numbers of sockets by state, each with its words; only those above 0. */
export const stateCounts = (
  sum: Sum,
): readonly { readonly count: number; readonly word: string; readonly short: string }[] =>
  STATE_COUNTS.map(([count, word, short]) => ({ count: count(sum), word, short })).filter(
    ({ count }) => count > 0,
  );

/** Returns the counts of a group by state, if they fit: `  1 listening  2 established  12 CLOSE_WAIT`. */
function breakdownText({ sum }: GroupItem, width: number): string {
  const some = stateCounts(sum);
  const textOf = (word: 'word' | 'short') =>
    some.map((it) => `  ${countText(it.count)} ${it[word]}`).join('');
  return [textOf('word'), textOf('short')].find((text) => displayWidth(text) <= width) ?? '';
}

/** Returns the sum of a group in a column; undefined if the column is not summed. */
function sumText(
  { sum, first }: GroupItem,
  { id }: Column,
  { nowMs, hasOldRates }: CellContext,
): string | undefined {
  const value = SUMMED[id]?.(sum);
  if (value === undefined) return undefined;
  const isRate = id === 'rxRate' || id === 'txRate';
  return compactText(
    sum.counted > 0 && (!isRate || (!hasOldRates && isMeasured(first, nowMs))) ? value : undefined,
  );
}

/**
 * Returns a group header: label and count of open sockets, which may use all cells before the first summed column, and
 * the sums below their column titles.
 * @param history returns the rates of a group in the last ticks
 */
export function groupLine(
  item: GroupItem,
  columns: readonly PlacedColumn[],
  context: CellContext,
  selection: Selection,
  history?: (item: GroupItem) => RateHistory | undefined,
): Line {
  const sums = columns.slice(1).flatMap(({ column, left, width }) => {
    const sum =
      column.id === 'rateHistory'
        ? sparklineText(history?.(item), context.tick, width)
        : sumText(item, column, context);
    return sum === undefined ? [] : [{ left, width, text: fit(sum, width, column.align) }];
  });
  const last = columns.at(-1);
  const end = last ? last.left + last.width : GUTTER;
  const fold = (item.folded ? '▸' : '▾') + (selection === 'resting' ? '›' : ' ');
  const room = Math.max(0, (sums[0]?.left ?? end + 1) - 1 - GUTTER);
  const label = labelText(item, room);
  const used = displayWidth(label);
  let at = GUTTER + room;
  let text = '';
  for (const { left, width, text: sum } of sums) {
    text += ' '.repeat(left - at) + sum;
    at = left + width;
  }
  text += ' '.repeat(Math.max(0, end - at));
  const selected = selection === 'moving';
  const tone = selected ? 'plain' : 'group';
  return {
    spans: [
      span(fold + label, tone),
      span(fit(breakdownText(item, room - used), room - used), selected ? 'plain' : 'quiet'),
      span(text, tone),
    ],
    selected,
  };
}

/** Returns the header of a group of one peer with the name of the peer, if it is known. */
function withHostName(item: GroupItem, { group, lookups: { names, asked } }: State): GroupItem {
  const address = group === 'host' ? peerAddress(item.first.socket.remote) : undefined;
  if (address === undefined) return item;
  const answer = asked.get(address) ?? names.get(address);
  return answer?.type === 'name' ? { ...item, label: `${item.label} ${signedName(answer)}` } : item;
}

const timeWaitText = ({ count }: TimeWaitItem): string => `${countText(count)} TIME_WAIT`;

/**
 * Returns the line of sockets in TIME_WAIT.
 * @param width cells of the pane
 * @param key the key that folds and unfolds it
 */
export function timeWaitLine(item: TimeWaitItem, width: number, selection: Selection, key: string): Line {
  const fold = (item.folded ? '▸' : '▾') + (selection === 'resting' ? '›' : ' ');
  const selected = selection === 'moving';
  const text = `${fold}${timeWaitText(item)} · ${key} ${item.folded ? 'shows' : 'folds'} them`;
  return { spans: [span(fit(text, width), selected ? 'plain' : 'quiet')], selected };
}

/** Returns the inputs of cells besides their row. */
export function cellContext(state: State): Required<CellContext> {
  const { nowMs, takenAtMs, tick, rows } = pictureOf(state);
  const { serviceNames, lookups, table, marked } = state;
  return {
    nowMs,
    takenAtMs,
    serviceNames,
    hasOldRates: areRatesOld(state),
    lookups,
    tick,
    rows,
    marked,
    directoryParts: (process) => table.directoryParts(process),
  };
}

/**
 * Returns the visible lines of the table.
 * @param selected position of the selected line
 * @param isFocused true if the keys move the selection
 * @param keyOf returns the key of an action, for a message
 */
export function tableLines(
  state: State,
  order: RowOrder,
  columns: readonly PlacedColumn[],
  top: number,
  height: number,
  selected: number,
  isFocused: boolean,
  keyOf: (actionId: string) => string,
): Line[] {
  const context = cellContext(state);
  const lineOf = order.lines.begin({
    columns,
    context,
    query: state.query,
    sequence: state.table.sequence,
  });
  const lines: Line[] = [];
  const end = Math.max(GUTTER, ...columns.map(({ left, width }) => left + width));
  const selection = isFocused ? 'moving' : 'resting';
  for (let index = top; index < Math.min(top + height, order.length); index++) {
    const item = order.at(index);
    const shown = index === selected ? selection : 'none';
    if (item?.type === 'row') lines.push(lineOf(item.row, shown, state.cell));
    else if (item?.type === 'group')
      lines.push(
        groupLine(withHostName(item, state), columns, context, shown, (group) => order.historyOf(group)),
      );
    else if (item) lines.push(timeWaitLine(item, end, shown, keyOf('details')));
  }
  return lines;
}
