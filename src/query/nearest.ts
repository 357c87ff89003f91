/** Longer texts are no slips of a known name. */
const MAX_LENGTH = 32;

/** How many letters have to be put in, taken out or replaced to make one text of another (Levenshtein). */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    above = row;
  }
  return above[b.length] ?? 0;
}

/** The known name that was probably meant by a text; undefined where none is like it. */
export function nearest(text: string, names: readonly string[]): string | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const most = (name: string): number => Math.ceil(Math.min(name.length, text.length) / 3);
  const [best] = names
    // The lengths tell of most names that they are too far off.
    .filter((name) => Math.abs(name.length - text.length) <= most(name))
    .map((name) => ({ name, far: distance(text.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, far }) => far <= most(name))
    .sort((a, b) => a.far - b.far);
  return best?.name;
}
