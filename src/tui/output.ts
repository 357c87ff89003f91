import type { Widgets } from 'blessed';
import { type CellRow, cellsOf } from './cells.ts';
import { appearsSame } from './theme.ts';

/** Maximum number of ASCII characters whose bytes are fewer than those of a cursor move over them. */
const SHORT_GAP = 3;

/** Makes blessed write these cells again. Does nothing if one of them has another style or is not an ASCII character. */
function fillGap(row: CellRow, shown: CellRow, from: number, to: number, attr: number): void {
  for (let x = from; x < to; x++) {
    const [own, character] = row[x] ?? [attr, ''];
    if (character < ' ' || character > '~' || !appearsSame(character, own, attr)) return;
  }
  for (let x = from; x < to; x++) {
    const cell = row[x];
    const before = shown[x];
    if (!cell || !before) continue;
    cell[0] = attr;
    // Blessed writes each cell that differs from the shown one.
    before[1] = '\0';
  }
}

/**
 * Makes blessed write the few unchanged cells between two changed ones of one style again, instead of a move over them.
 * @param row cells to show
 * @param shown cells that the terminal shows
 */
export function fillGaps(row: CellRow, shown: CellRow): void {
  let last = -Infinity;
  for (let x = 0; x < row.length; x++) {
    // `entries()` would make an array for each cell: a quarter of all garbage, until V8 optimizes this function.
    const cell = row[x];
    const before = shown[x];
    if (!cell || !before || (cell[0] === before[0] && cell[1] === before[1])) continue;
    const gap = x - last - 1;
    if (gap > 0 && gap <= SHORT_GAP && row[last]?.[0] === cell[0]) fillGap(row, shown, last + 1, x, cell[0]);
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
  // Gaps are filled only when all widgets have painted, because one may paint over another.
  output.draw = (from, to) => {
    const { lines, olines } = cellsOf(screen);
    for (const [y, row] of lines.entries()) if (row.dirty) fillGaps(row, olines[y] ?? []);
    draw(from, to);
  };
  program._write = (text) => write(joinMoves(text));
}
