import { MAX_HISTORY } from '../../store/history.ts';
import type { SavedState } from './saved.ts';

/** Applies the additions, removals and changes between `before` and `after` to the saved list. */
function mergeList<T>(
  saved: readonly T[],
  before: readonly T[],
  after: readonly T[],
  keyOf: (item: T) => string,
): T[] {
  const byKey = (items: readonly T[]) => new Map(items.map((item) => [keyOf(item), item]));
  const [merged, was, is] = [byKey(saved), byKey(before), byKey(after)];
  for (const key of was.keys()) if (!is.has(key)) merged.delete(key);
  for (const [key, item] of is)
    if (JSON.stringify(item) !== JSON.stringify(was.get(key))) merged.set(key, item);
  return [...merged.values()];
}

/**
 * Returns the state to save when other netpanes may have saved too. The layout of the last one wins; lists that grow
 * over time (views, hide rules, history) lose nothing.
 * @param saved the state in the file
 * @param before the state that this netpane loaded or saved last
 * @param after the state of this netpane
 */
export const mergeStates = (
  saved: SavedState,
  before: SavedState | undefined,
  after: SavedState,
): SavedState => ({
  ...after,
  views: mergeList(saved.views, before?.views ?? [], after.views, ({ name }) => name),
  known: mergeList(saved.known, before?.known ?? [], after.known, (it) =>
    JSON.stringify([it.process, it.remote, it.port]),
  ),
  history: [...saved.history.filter((query) => !after.history.includes(query)), ...after.history].slice(
    -MAX_HISTORY,
  ),
});
