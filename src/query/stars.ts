/** Returns true if a text of a query has a `*`, which stands for any text. */
export const hasStar = (text: string): boolean => text.includes('*');

/**
 * Returns a test of whole texts: each `*` of the pattern stands for any text, also an empty one. Each part is found at
 * its first place, so the time is linear in the length of the text for each part.
 */
export function starTest(pattern: string): (text: string) => boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop() ?? '';
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last))
      return false;
    const end = text.length - last.length;
    let at = first.length;
    for (const part of rest) {
      const found = text.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}
