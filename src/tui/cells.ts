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

export const cellsOf = (screen: Widgets.Screen): ScreenCells => screen as unknown as ScreenCells;
