import type { Difference } from '../model/batch.ts';
import type { Socket } from '../model/socket.ts';

/**
 * Returns the difference between two snapshots. An unchanged socket is the same object in both, so the comparison is by
 * identity and costs one map access for each socket, or two if a socket closed.
 */
export function diff(previous: ReadonlyMap<string, Socket>, next: ReadonlyMap<string, Socket>): Difference {
  const spawned: Socket[] = [];
  const changed: Socket[] = [];
  const closed: string[] = [];
  if (previous === next) return { spawned, changed, closed };
  for (const [id, socket] of next) {
    const before = previous.get(id);
    if (before === undefined) spawned.push(socket);
    else if (before !== socket) changed.push(socket);
  }
  if (previous.size !== next.size - spawned.length) {
    for (const id of previous.keys()) if (!next.has(id)) closed.push(id);
  }
  return { spawned, changed, closed };
}
