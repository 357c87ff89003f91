/** So many are made into text at a time: a key that is pressed meanwhile is heard before the next. */
const CHUNK = 250;

/** A list in parts. */
export function* chunksOf<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += CHUNK) yield items.slice(start, start + CHUNK);
}
