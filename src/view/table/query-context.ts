import type { QueryContext } from '../../query/compile.ts';
import { answersIn } from '../../store/lookups.ts';
import { peerOf } from '../../store/peers.ts';
import { pictureOf } from '../../store/picture.ts';
import type { State } from '../../store/state.ts';

/** Returns the inputs of a query besides the sockets. The caller must set `nowMs` before each evaluation. */
export function queryContext(state: State): QueryContext & { nowMs: number } {
  const { nowMs, baselineMs, lookups } = state;
  const { rows } = pictureOf(state);
  return {
    nowMs: nowMs ?? 0,
    baselineMs,
    ...answersIn(() => lookups),
    peerOf: (subject) => peerOf(rows, subject)?.socket,
  };
}
