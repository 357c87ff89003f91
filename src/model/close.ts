import type { NetworkNamespace, Protocol } from './socket.ts';

/** A socket to close. */
export interface SocketToClose {
  readonly id: string;
  readonly protocol: Protocol;
  readonly netns?: Pick<NetworkNamespace, 'inode'>;
}

/** The result of closing sockets. */
export interface CloseResult {
  /** Number of sockets that the system closed. */
  readonly closed: number;
  /** Why the others were not closed, as clauses, each with its number of sockets. */
  readonly refusals: readonly { readonly why: string; readonly count: number }[];
}

/** Returns the result of closing sockets. @param outcomes why each was not closed; undefined for a closed one */
export function closeResult(outcomes: readonly (string | undefined)[]): CloseResult {
  const counts = new Map<string, number>();
  for (const why of outcomes) if (why !== undefined) counts.set(why, (counts.get(why) ?? 0) + 1);
  return {
    closed: outcomes.filter((why) => why === undefined).length,
    refusals: [...counts].map(([why, count]) => ({ why, count })),
  };
}
