import { portOrProtocol } from '../../model/socket.ts';
import type { SearchFields } from '../../query/search-fields.ts';
import type { Row } from '../../store/row.ts';
import type { Compare, Entry, SortKey } from './entry.ts';
import { sortByKeys, NumberBuffer } from './radix.ts';

const pidOf = ({ socket }: Row): number => socket.owners[0]?.pid ?? -1;

const isTimeWait = ({ socket }: Row): boolean => socket.state === 'TIME_WAIT';

/** Makes an entry, not shown yet. @param searched the search values of its row; may be another entry of the same row */
export const entryOf = (row: Row, searched: SearchFields): Entry => {
  const { names, local, remote, localPort, remotePort, protocol, listening, established } = searched;
  return {
    row,
    key: 0,
    pid: pidOf(row),
    open: row.mark !== 'closed',
    out: row.direction === 'out',
    timeWait: isTimeWait(row),
    shown: false,
    counted: 'nothing',
    group: undefined,
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

/** Gives an entry a new version of its row; leaves its search values alone. */
export function setRow(entry: Entry, row: Row): void {
  entry.row = row;
  entry.pid = pidOf(row);
  entry.open = row.mark !== 'closed';
  entry.out = row.direction === 'out';
  entry.timeWait = isTimeWait(row);
}

/** Returns true if a row with this key keeps the position of the entry: all values it is sorted by are equal. */
export const staysInPlace = (entry: Entry, row: Row, key: SortKey): boolean =>
  entry.key === key &&
  entry.pid === pidOf(row) &&
  entry.localPort === portOrProtocol(row.socket.local) &&
  entry.remotePort === (row.socket.remote?.port ?? -1);

/** Compares keys as they sort ascending, or with -1 descending. Null is last either way. */
export function compareKeys(a: SortKey, b: SortKey, sign: 1 | -1 = 1): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  if (typeof a === typeof b) return a < b ? -sign : sign;
  return typeof a === 'number' ? -sign : sign;
}

/** Compares entries with equal keys by pid, local port, remote port and id: the order never depends on arrival. */
export const compareTies = (a: Entry, b: Entry): number =>
  a.pid - b.pid ||
  a.localPort - b.localPort ||
  a.remotePort - b.remotePort ||
  compareKeys(a.row.id, b.row.id);

export const comparator = (descending: boolean): Compare<Entry> =>
  descending
    ? (a, b) => compareKeys(a.key, b.key, -1) || compareTies(a, b)
    : (a, b) => compareKeys(a.key, b.key) || compareTies(a, b);

const BUFFERS = { pids: new NumberBuffer(), locals: new NumberBuffer(), remotes: new NumberBuffer() };

const keyOf = ({ key }: Entry): SortKey => key;

/** Sorts entries into `result`, replacing its content. */
export function sortInto(result: Entry[], entries: readonly Entry[], descending: boolean): void {
  const { length } = entries;
  const [pids, locals] = [BUFFERS.pids.take(length), BUFFERS.locals.take(length)];
  const remotes = BUFFERS.remotes.take(length);
  for (let i = 0; i < length; i++) {
    const { pid, localPort, remotePort } = entries[i] as Entry;
    pids[i] = pid + 1;
    locals[i] = localPort;
    // -1 means no peer. The last two ports of VSOCK become equal here; `compareTies` orders them.
    remotes[i] = Math.min(remotePort + 1, 0xffff_ffff);
  }
  sortByKeys(result, entries, { keyOf, descending, ties: [pids, locals, remotes], compareTies });
}

/**
 * Returns the entries in reverse order of their keys; entries with equal keys keep their order, those with null come
 * last. Entries of several groups, one group after the other, are in the reverse order within each group.
 */
export function reverseKeys(entries: readonly Entry[]): Entry[] {
  const result: Entry[] = [];
  const unknown: Entry[] = [];
  for (let end = entries.length; end > 0;) {
    const key = entries[end - 1]?.key;
    let start = end - 1;
    while (start > 0 && entries[start - 1]?.key === key) start--;
    if (key === null) for (let i = end; i-- > start;) unknown.push(entries[i] as Entry);
    else for (let i = start; i < end; i++) result.push(entries[i] as Entry);
    end = start;
  }
  for (const entry of unknown.reverse()) result.push(entry);
  return result;
}

/** Returns the first index from `low` on whose entry does not sort before `it`: its own index if it is in the list. */
function insertionIndex<T>(it: T, all: readonly T[], compare: Compare<T>, low: number): number {
  let high = all.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const there = all[middle];
    if (there && compare(there, it) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Returns the `insertionIndex` of several entries. Sorts `wanted` in place, so that each search starts at the last index. */
function insertionIndexes<T>(wanted: T[], all: readonly T[], compare: Compare<T>): number[] {
  let at = 0;
  return wanted.sort(compare).map((it) => (at = insertionIndex(it, all, compare, at)));
}

/**
 * Removes and inserts a few entries in a sorted list, in place: a new list would be a copy of everything. Only the
 * indexes of these entries are searched.
 */
export function exchangeSorted<T>(all: T[], removed: T[], added: T[], compare: Compare<T>): void {
  const cuts = insertionIndexes(removed, all, compare);
  for (const [i, cut] of cuts.entries()) {
    // Entries up to the next removed one move left by the number removed so far.
    const end = cuts[i + 1] ?? all.length;
    for (let from = cut + 1; from < end; from++) all[from - i - 1] = all[from] as T;
  }
  all.length -= cuts.length;
  const fills = insertionIndexes(added, all, compare);
  let end = all.length;
  for (const it of added) all.push(it);
  for (let i = fills.length; i-- > 0;) {
    const fill = fills[i] ?? 0;
    for (; end > fill; end--) all[end + i] = all[end - 1] as T;
    all[fill + i] = added[i] as T;
  }
}
