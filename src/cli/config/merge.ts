import { MAX_HISTORY, type SavedState } from './saved.ts';

/** What is there, with what was added to, taken from and changed in `before` to come to `after`. */
function mergeList<T>(
  there: readonly T[],
  before: readonly T[],
  after: readonly T[],
  keyOf: (item: T) => string,
): T[] {
  const byKey = (items: readonly T[]) => new Map(items.map((item) => [keyOf(item), item]));
  const [merged, was, is] = [byKey(there), byKey(before), byKey(after)];
  for (const key of was.keys()) if (!is.has(key)) merged.delete(key);
  for (const [key, item] of is)
    if (JSON.stringify(item) !== JSON.stringify(was.get(key))) merged.set(key, item);
  return [...merged.values()];
}

/**
 * What is to be saved where others may have saved too. How the screen is set up goes by who is last; of lists that are
 * built up over time nothing is lost.
 * @param there what is saved now
 * @param before what this netpane had loaded, or saved last
 * @param after what it has
 */
export const mergeStates = (
  there: SavedState,
  before: SavedState | undefined,
  after: SavedState,
): SavedState => ({
  ...after,
  views: mergeList(there.views, before?.views ?? [], after.views, ({ name }) => name),
  known: mergeList(there.known, before?.known ?? [], after.known, (it) =>
    JSON.stringify([it.process, it.remote, it.port]),
  ),
  history: [...there.history.filter((query) => !after.history.includes(query)), ...after.history].slice(
    -MAX_HISTORY,
  ),
});
