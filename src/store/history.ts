/** Maximum number of queries in the history. */
export const MAX_HISTORY = 200;

/** Returns the history with a query at its end, and nowhere else. An empty query is not added. */
export const addToHistory = (history: readonly string[], text: string): readonly string[] =>
  text === '' ? history : [...history.filter((it) => it !== text), text].slice(-MAX_HISTORY);
