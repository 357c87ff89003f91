/** Maximum length of a text that may be a misspelled name. */
const MAX_LENGTH = 32;

/** Returns the Levenshtein distance of two texts: letters inserted, removed or replaced. */
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

/** Returns the known name that a text probably misspells; undefined if none is similar. */
export function nearest(text: string, names: readonly string[]): string | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const maxEdits = (name: string): number => Math.ceil(Math.min(name.length, text.length) / 3);
  const [best] = names
    // The difference in length already excludes most names.
    .filter((name) => Math.abs(name.length - text.length) <= maxEdits(name))
    .map((name) => ({ name, edits: distance(text.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, edits }) => edits <= maxEdits(name))
    .sort((a, b) => a.edits - b.edits);
  return best?.name;
}
