import type { Searched } from '../query/words.ts';
import type { Row } from '../store/table.ts';

export type SortKey = number | string;

/** A row with all that it is sorted and found by at hand: each step to another object is a wait for memory. */
export interface Entry extends Searched {
  row: Row;
  key: SortKey;
  pid: number;
  /** It is not closed. */
  open: boolean;
  /** The filter lets it through. */
  shown: boolean;
}

const pidOf = ({ socket }: Row): number => socket.owners[0]?.pid ?? -1;

/** A new entry, not shown yet; `searched` may be of another one. */
export const entryOf = (row: Row, key: SortKey, searched: Searched): Entry => {
  const { names, local, remote, localPort, remotePort, protocol, listening, established } = searched;
  return {
    row,
    key,
    pid: pidOf(row),
    open: row.mark !== 'closed',
    shown: false,
    localPort,
    remotePort,
    names,
    local,
    remote,
    protocol,
    listening,
    established,
  };
};

/** True when a row with this key goes where the entry stands: nothing that it is sorted by is another. */
export const staysInPlace = (entry: Entry, row: Row, key: SortKey): boolean =>
  entry.key === key &&
  entry.pid === pidOf(row) &&
  entry.localPort === row.socket.local.port &&
  entry.remotePort === (row.socket.remote?.port ?? -1);

const compareKeys = (a: SortKey, b: SortKey): number =>
  a === b ? 0 : typeof a === typeof b ? (a < b ? -1 : 1) : typeof a === 'number' ? -1 : 1;

/** Equal keys go by pid, local port, remote port and at last by id: the order never depends on arrival. */
const compareTies = (a: Entry, b: Entry): number =>
  a.pid - b.pid ||
  a.localPort - b.localPort ||
  a.remotePort - b.remotePort ||
  compareKeys(a.row.id, b.row.id);

export type Compare = (a: Entry, b: Entry) => number;

export const comparator = (descending: boolean): Compare =>
  descending
    ? (a, b) => compareKeys(b.key, a.key) || compareTies(a, b)
    : (a, b) => compareKeys(a.key, b.key) || compareTies(a, b);

/** Entries sorted anew: their distinct keys, which are few or cheap to compare, and the equals of each by themselves. */
export function sorted(entries: Iterable<Entry>, descending: boolean): Entry[] {
  const groups = new Map<SortKey, Entry[]>();
  for (const entry of entries) {
    const group = groups.get(entry.key);
    if (group) group.push(entry);
    else groups.set(entry.key, [entry]);
  }
  const numbers: number[] = [];
  const texts: string[] = [];
  for (const key of groups.keys()) {
    if (typeof key === 'number') numbers.push(key);
    else texts.push(key);
  }
  // Both without a function: by number, and by UTF-16 units, as `<` has it.
  const keys: SortKey[] = [...Float64Array.from(numbers).sort(), ...texts.sort()];
  if (descending) keys.reverse();
  const result: Entry[] = [];
  for (const key of keys) {
    const group = groups.get(key) ?? [];
    if (group.length > 1) group.sort(compareTies);
    for (const entry of group) result.push(entry);
  }
  return result;
}

/** The same entries with their keys the other way round; those with equal keys stay as they were to each other. */
export function reversed(entries: readonly Entry[]): Entry[] {
  const result: Entry[] = [];
  for (let end = entries.length; end > 0;) {
    const key = entries[end - 1]?.key;
    let start = end - 1;
    while (start > 0 && entries[start - 1]?.key === key) start--;
    for (let i = start; i < end; i++) {
      const entry = entries[i];
      if (entry) result.push(entry);
    }
    end = start;
  }
  return result;
}

/** First position, from `low` on, whose entry does not come before `entry`: its own, where it is there. */
function positionOf(entry: Entry, entries: readonly Entry[], compare: Compare, low: number): number {
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const there = entries[middle];
    if (there && compare(there, entry) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Positions of several entries, which are sorted for it: so each begins where the one before it ended. */
function positionsOf(
  wanted: Entry[],
  entries: readonly Entry[],
  compare: Compare,
): { at: number; entry: Entry }[] {
  let at = 0;
  return wanted.sort(compare).map((entry) => ({ at: (at = positionOf(entry, entries, compare, at)), entry }));
}

/** A sorted list without some of its entries and with others. Both are few: only their places are looked up. */
export function exchange(entries: readonly Entry[], gone: Entry[], come: Entry[], compare: Compare): Entry[] {
  const cuts = positionsOf(gone, entries, compare);
  const fills = positionsOf(come, entries, compare);
  const result = entries.slice(0, Math.min(cuts[0]?.at ?? entries.length, fills[0]?.at ?? entries.length));
  let [from, cut] = [result.length, 0];
  const copyTo = (end: number): void => {
    for (; from < end; from++) {
      if (from === cuts[cut]?.at) cut++;
      else result.push(entries[from] as Entry);
    }
  };
  // What comes stands before what is at its place, be that to go or to stay.
  for (const { at, entry } of fills) {
    copyTo(at);
    result.push(entry);
  }
  copyTo(entries.length);
  return result;
}
