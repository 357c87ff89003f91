import { portOrProtocol } from '../model/socket.ts';
import type { SearchFields } from '../query/words.ts';
import type { Row } from '../store/table.ts';
import type { Compare, Entry, SortKey } from './entry.ts';
import { inOrder, Numbers } from './radix.ts';

const pidOf = ({ socket }: Row): number => socket.owners[0]?.pid ?? -1;

/** A new entry, not shown yet; `searched` may be of another one. */
export const entryOf = (row: Row, searched: SearchFields): Entry => {
  const { names, local, remote, localPort, remotePort, protocol, listening, established } = searched;
  return {
    row,
    key: 0,
    pid: pidOf(row),
    open: row.mark !== 'closed',
    out: row.direction === 'out',
    shown: false,
    hidden: false,
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

/** The entry stands for this row now; by what it is found is another matter. */
export function renew(entry: Entry, row: Row): void {
  entry.row = row;
  entry.pid = pidOf(row);
  entry.open = row.mark !== 'closed';
  entry.out = row.direction === 'out';
}

/** True when a row with this key goes where the entry stands: nothing that it is sorted by is another. */
export const staysInPlace = (entry: Entry, row: Row, key: SortKey): boolean =>
  entry.key === key &&
  entry.pid === pidOf(row) &&
  entry.localPort === portOrProtocol(row.socket.local) &&
  entry.remotePort === (row.socket.remote?.port ?? -1);

export const compareKeys = (a: SortKey, b: SortKey): number =>
  a === b ? 0 : typeof a === typeof b ? (a < b ? -1 : 1) : typeof a === 'number' ? -1 : 1;

/** Equal keys go by pid, local port, remote port and at last by id: the order never depends on arrival. */
export const compareTies = (a: Entry, b: Entry): number =>
  a.pid - b.pid ||
  a.localPort - b.localPort ||
  a.remotePort - b.remotePort ||
  compareKeys(a.row.id, b.row.id);

export const comparator = (descending: boolean): Compare<Entry> =>
  descending
    ? (a, b) => compareKeys(b.key, a.key) || compareTies(a, b)
    : (a, b) => compareKeys(a.key, b.key) || compareTies(a, b);

const ROOMS = { pids: new Numbers(), locals: new Numbers(), remotes: new Numbers() };

const keyOf = ({ key }: Entry): SortKey => key;

/** Puts entries, sorted anew, in the place of what was in `result`. */
export function sortInto(result: Entry[], entries: readonly Entry[], descending: boolean): void {
  const { length } = entries;
  const [pids, locals] = [ROOMS.pids.take(length), ROOMS.locals.take(length)];
  const remotes = ROOMS.remotes.take(length);
  for (let i = 0; i < length; i++) {
    const { pid, localPort, remotePort } = entries[i] as Entry;
    pids[i] = pid + 1;
    locals[i] = localPort;
    // -1 is for no peer. The last port of VSOCK falls together with the last but one, and is told apart below.
    remotes[i] = Math.min(remotePort + 1, 0xffff_ffff);
  }
  inOrder(result, entries, { keyOf, descending, ties: [pids, locals, remotes], compareTies });
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

/** First position, from `low` on, where nothing stands that comes before this one: its own, where it is there. */
function positionOf<T>(it: T, all: readonly T[], compare: Compare<T>, low: number): number {
  let high = all.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const there = all[middle];
    if (there && compare(there, it) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Positions of several, which are sorted for it: so each begins where the one before it ended. */
function positionsOf<T>(wanted: T[], all: readonly T[], compare: Compare<T>): number[] {
  let at = 0;
  return wanted.sort(compare).map((it) => (at = positionOf(it, all, compare, at)));
}

/**
 * Takes some out of a sorted list, in place, and puts others in: a new list would be a copy of everything. Both are few,
 * and only their places are looked up.
 */
export function exchange<T>(all: T[], gone: T[], come: T[], compare: Compare<T>): void {
  const cuts = positionsOf(gone, all, compare);
  for (const [i, cut] of cuts.entries()) {
    // What stands between this one and the next moves up by all that have gone.
    const end = cuts[i + 1] ?? all.length;
    for (let from = cut + 1; from < end; from++) all[from - i - 1] = all[from] as T;
  }
  all.length -= cuts.length;
  const fills = positionsOf(come, all, compare);
  let end = all.length;
  for (const it of come) all.push(it);
  for (let i = fills.length; i-- > 0;) {
    const fill = fills[i] ?? 0;
    for (; end > fill; end--) all[end + i] = all[end - 1] as T;
    all[fill + i] = come[i] as T;
  }
}
