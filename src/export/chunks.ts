/** Number of sockets converted to text at a time; keys are handled between two chunks. */
const CHUNK_SIZE = 250;

/** Splits a list into chunks. */
export function* chunksOf<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += CHUNK_SIZE) yield items.slice(start, start + CHUNK_SIZE);
}
