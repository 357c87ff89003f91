import type { State } from '../../store/state.ts';
import type { Row } from '../../store/row.ts';
import type { KeyHelp } from '../header/key-help.ts';
import type { Line } from '../text/line.ts';
import { topWithin, withPosition } from '../text/position.ts';
import type { GroupItem } from '../table/item.ts';
import type { RowOrder } from '../table/order.ts';
import { factField, factLines } from './details.ts';
import type { Fact } from './flow.ts';
import { groupFacts, timeWaitFacts } from './group-details.ts';
import { paneTitle } from './events.ts';
import { focusOn, KEYS_HERE } from './focus.ts';
import { linesIn, type PaneRow } from './pane.ts';

/** The subject of the details: a row, or the facts about a group or the folded sockets; undefined if there is none. */
type DetailsSubject = Row | readonly Fact[] | undefined;

const isFacts = (subject: DetailsSubject): subject is readonly Fact[] => Array.isArray(subject);

/** Facts about the group that was shown last, by its `RowOrder`: making them reads each row, and most paints change none. */
const lastFacts = new WeakMap<
  RowOrder,
  { readonly revision: number; readonly id: string; readonly facts: readonly Fact[] }
>();

function factsOfGroup(order: RowOrder, group: GroupItem): readonly Fact[] {
  const { id } = group;
  const last = lastFacts.get(order);
  if (last?.id === id && last.revision === order.revision) return last.facts;
  const { revision } = order;
  const facts = groupFacts(group, order.rowsIn(group));
  lastFacts.set(order, { revision, id, facts });
  return facts;
}

/** Returns the subject of the details at a line of the table. */
function subjectAt(order: RowOrder, index: number): DetailsSubject {
  const item = order.at(index);
  if (item?.type === 'group') return factsOfGroup(order, item);
  return item?.type === 'time-wait' ? timeWaitFacts(item) : item?.row;
}

/** Returns all lines of the details, without the title. */
function linesOf(
  subject: Row | readonly Fact[],
  state: State,
  keys: readonly KeyHelp[],
  width: number,
): Line[] {
  return isFacts(subject)
    ? subject.flatMap((fact) => factField(fact, width))
    : factLines(subject, state, keys, width);
}

/**
 * Returns the title and the visible details of the selected socket, group or folded line, at most `height` lines.
 * @param isFocused true if the keys scroll them
 */
export function detailLines(
  subject: DetailsSubject,
  state: State,
  keys: readonly KeyHelp[],
  width: number,
  height: number,
  isFocused = false,
): Line[] {
  const { selectedId, places } = state;
  const name = `${isFocused ? KEYS_HERE : ''}DETAILS`;
  if (subject === undefined) return [paneTitle(name, 'no socket selected', width)];
  const lines = linesOf(subject, state, keys, width);
  const all = { top: places.details.top, height: Math.max(0, height - 1), length: lines.length };
  const part = { ...all, top: topWithin(all) };
  const isAnother = !isFacts(subject) && selectedId !== null && subject.id !== selectedId;
  const note = isAnother ? 'selected socket not shown: this is the row in its place' : '';
  const shown = lines.slice(part.top, part.top + part.height);
  return [paneTitle(name, withPosition(part, note), width), ...shown];
}

/** Minimum lines, for sources with and without traffic; on a tall screen the details take half of the room. */
const LINES = { without: 14, with: 22 };
/** Lines of the table, with its titles, that stay above the details; on a low screen, this part of the lines. */
const [TABLE_LINES, TABLE_PART] = [6, 0.4];

const scroll: NonNullable<PaneRow['move']> = ({ state, order, keys }, { width, height }, by, unit) => {
  const subject = subjectAt(order, state.places.table.index);
  const lines = subject ? linesOf(subject, state, keys, width).length : 0;
  const room = Math.max(0, height - 1);
  const step = linesIn(unit, Math.max(1, room - 1), lines);
  return { type: 'scroll', pane: 'details', by: step * by, lines, height: room };
};

/** The details of the selected socket. `enter` opens them. */
export const DETAILS: PaneRow = {
  position: {
    where: 'below',
    besideFrom: 150,
    // The details matter more than rows while open, and get the lines that few rows leave empty.
    lines: ({ left, empty, traffic }) => {
      const wanted = Math.max(LINES[traffic ? 'with' : 'without'], Math.floor(left / 2));
      const above = Math.min(TABLE_LINES, Math.floor(left * TABLE_PART));
      return Math.min(wanted, Math.max(empty, left - above));
    },
  },
  rank: 3,
  title: 'details',
  lines: ({ state, order, keys, focus }, { width, height }) =>
    detailLines(subjectAt(order, state.places.table.index), state, keys, width, height, focus === 'details'),
  move: scroll,
  // Scrolls without moving the focus.
  wheel: (now, by) => (now.layout.details ? [scroll(now, now.layout.details, by, 'row')] : []),
  clickIn: () => (_x, _y, now) => [focusOn(now, 'details')],
};
