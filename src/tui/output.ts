import type { Widgets } from 'blessed';
import { type CellRow, cellsOf } from './cells.ts';
import { appearsSame } from './theme.ts';

/** Maximum number of ASCII characters that take fewer bytes than a move of the cursor over them. */
const SHORT_GAP = 3;

/**
 * Makes blessed write the few unchanged cells between two changed ones of one style again, instead of a move over them.
 * @param row cells to show
 * @param shown cells that the terminal shows
 */
export function fillGaps(row: CellRow, shown: CellRow): void {
  let last = -Infinity;
  for (let x = 0; x < row.length; x++) {
    const [cell, before] = [row[x], shown[x]];
    if (!cell || !before || (cell[0] === before[0] && cell[1] === before[1])) continue;
    const [attr] = cell;
    if (x - last > 1 && x - last <= SHORT_GAP + 1 && row[last]?.[0] === attr) {
      const gap = row.slice(last + 1, x);
      if (gap.every((it) => it[1] <= '~' && appearsSame(it[1], it[0], attr))) {
        for (const it of gap) it[0] = attr;
        for (const it of shown.slice(last + 1, x)) it[1] = '\0';
      }
    }
    last = x;
  }
}

/** Blessed moves the cursor to the start of a changed line, then to the first changed cell: absolutely, or to the right. */
const TWO_MOVES = /\x1b\[(\d+);1H\x1b\[(?:(\d+)C|(?=\d+;\d+H))/g;

/** Returns output of blessed with one move of the cursor before each changed line, instead of two. */
export const joinMoves = (output: string): string =>
  output.replace(TWO_MOVES, (_, line: string, cells?: string) =>
    cells === undefined ? '\x1b[' : `\x1b[${line};${Number(cells) + 1}H`,
  );

/** Methods of blessed that its types lack. */
interface Output {
  /** Writes the changed cells of these lines. */
  draw(from: number, to: number): void;
  readonly program: {
    /** Writes all output. */
    _write(text: string): unknown;
  };
}

/** Makes blessed write the same picture in fewer bytes. */
export function shortenOutput(screen: Widgets.Screen): void {
  const output = screen as unknown as Output;
  const { program } = output;
  const [draw, write] = [output.draw.bind(output), program._write.bind(program)];
  // Only after all widgets have painted: one may paint over another.
  output.draw = (from, to) => {
    const { lines, olines } = cellsOf(screen);
    for (const [y, row] of lines.entries()) if (row.dirty) fillGaps(row, olines[y] ?? []);
    draw(from, to);
  };
  program._write = (text) => write(joinMoves(text));
}
