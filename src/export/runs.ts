/** So many are made into text at a time: a key that is pressed meanwhile is heard before the next. */
const RUN = 250;

/** A list in parts. */
export function* runsOf<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += RUN) yield items.slice(start, start + RUN);
}
