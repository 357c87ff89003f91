import { isMainEnd } from '../../store/peers.ts';
import type { Row } from '../../store/row.ts';
import type { EntryIndex } from './entry-index.ts';
import type { RowFollower } from './follower.ts';

/**
 * Returns the changed ids with the ids of their peers: whether a row is shown depends on its peer too. The ends that are
 * shown for both come first: the filter reads their new rows for the others. Rows whose peer has another peer by now come last: the
 * filter must not find them as the peer of its old row.
 */
export function withPeers(
  entries: EntryIndex,
  follower: RowFollower,
  changed: ReadonlySet<string>,
): ReadonlySet<string> {
  const first = new Set<string>();
  const second = new Set<string>();
  const last = new Set<string>();
  const add = (id: string): void => {
    const row = follower.rowOf(id);
    const peer = row && follower.peerOf(row);
    if (row === undefined || row.peer === undefined || (peer && isMainEnd(row, peer))) first.add(id);
    else if (peer) second.add(id);
    else last.add(id);
  };
  for (const id of changed) {
    add(id);
    const peers: (Row | undefined)[] = [follower.rowOf(id), entries.get(id)?.row];
    for (const row of peers) if (row?.peer !== undefined && entries.get(row.peer)) add(row.peer);
  }
  return new Set([...first, ...second, ...last]);
}
