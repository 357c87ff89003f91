/** Blessed moves the cursor to the start of a changed line, then to the first changed cell: absolutely, or to the right. */
const TWO_MOVES = /\x1b\[(\d+);1H\x1b\[(?:(\d+)C|(?=\d+;\d+H))/g;

/** Returns output of blessed with one move of the cursor before each changed line, instead of two. */
export const joinMoves = (output: string): string =>
  output.replace(TWO_MOVES, (_, line: string, cells?: string) =>
    cells === undefined ? '\x1b[' : `\x1b[${line};${Number(cells) + 1}H`,
  );
