import type { Widgets } from 'blessed';

/** A cell of blessed's screen: attribute and character. */
export type Cell = [number, string];
export type CellRow = Cell[] & { dirty?: boolean };

/** Cells of the screen by line. Private in the types of blessed; every element of blessed writes to them. */
interface ScreenCells {
  /** Cells to show. */
  readonly lines: readonly CellRow[];
  /** Cells that the terminal shows, as blessed assumes. */
  readonly olines: readonly CellRow[];
}

/** A screen of blessed whose cells are to be made. */
interface NewScreen {
  readonly rows: number;
  readonly cols: number;
  /** Attribute of a blank cell. */
  readonly dattr: number;
  lines: CellRow[];
  olines: CellRow[];
  readonly program: { clear(): void };
}

/** Makes all cells of a screen blank, and clears the terminal. @param isDirty true to draw all lines with the next picture */
export function allocate(this: NewScreen, isDirty = false): void {
  const blanks = Array<undefined>(this.cols).fill(undefined);
  const newRow = (): CellRow => blanks.map((): Cell => [this.dattr, ' ']);
  this.lines = Array.from({ length: this.rows }, () => Object.assign(newRow(), { dirty: isDirty }));
  this.olines = Array.from({ length: this.rows }, newRow);
  this.program.clear();
}

export const cellsOf = (screen: Widgets.Screen): ScreenCells => screen as unknown as ScreenCells;
