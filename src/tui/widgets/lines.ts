import type { Widgets } from 'blessed';
import type { Palette } from '../../store/state.ts';
import { graphemesOf, graphemeWidth, isCharacter, looseWidth, SINGLE } from '../../view/text/graphemes.ts';
import type { Region } from '../../view/panes/pane.ts';
import type { Line } from '../../view/text/line.ts';
import { blessedBox, charWidth } from '../blessed.ts';
import { type CellRow, cellsOf } from '../cells.ts';
import { attribute, appearsSame } from '../theme.ts';

/** Line that a widget has painted in a row of cells. */
interface Painted {
  readonly row: CellRow;
  readonly line: Line | undefined;
  readonly palette: Palette;
}

const isSameLine = (one: Line | undefined, other: Line | undefined): boolean =>
  one === other ||
  (one !== undefined &&
    other !== undefined &&
    one.selected === other.selected &&
    one.spans.length === other.spans.length &&
    one.spans.every(({ text, tone }, i) => text === other.spans[i]?.text && tone === other.spans[i].tone));

/** One line of the screen. */
interface ScreenRow {
  /** Cells to show. */
  readonly row: CellRow;
  /** Cells that the terminal shows, as blessed assumes. */
  readonly shown: CellRow;
  readonly y: number;
}

const put = (row: CellRow, x: number, attr: number, character: string): void => {
  const cell = row[x];
  if (cell === undefined) return;
  // A blank keeps its former colour, which is invisible on it. `appearsSame` is called last, because most cells do not
  // change and V8, which optimizes for size, does not inline the call.
  if (cell[1] === character && (cell[0] === attr || appearsSame(character, cell[0], attr))) return;
  cell[0] = attr;
  cell[1] = character;
  row.dirty = true;
};

const moveTo = (x: number, y: number): string => `\x1b[${y + 1};${x + 1}H`;

/** Content of the cells after the first one of a wide grapheme: moves the cursor right. */
const PAST = '\x1b[C';

/**
 * Returns the sequence that draws a grapheme and leaves the cursor after its first cell, where blessed assumes it.
 * Terminals disagree on the width of an emoji of several characters, or of one newer than the terminal. The sequence
 * clears the cells first, in case the terminal draws fewer, and disables wrapping, in case it draws more.
 */
const drawSequence = (grapheme: string, width: number, x: number, y: number): string =>
  `\x1b[?7l${' '.repeat(width)}${moveTo(x, y)}${grapheme}${moveTo(x + 1, y)}\x1b[?7h`;

/**
 * A region of the screen that shows lines. It writes the cells of blessed's screen directly: an unchanged line costs
 * little, and no text can act as a tag.
 */
export class LinesWidget {
  readonly #element: Widgets.BoxElement;
  #region: Region | undefined;
  #lines: readonly Line[] = [];
  #palette: Palette = 'standard';
  /** The painted lines, from the top. After a change of the layout, other widgets may have written to their cells. */
  #painted: Painted[] = [];
  #hasSameLayout = false;

  constructor(screen: Widgets.Screen) {
    this.#element = blessedBox({ parent: screen });
    // The types ask for coordinates as the result; blessed's screen ignores it.
    (this.#element as { render: () => void }).render = () => this.#paint(screen);
  }

  /**
   * Sets the lines for the next render; missing lines are blank. Undefined as region hides the widget.
   * @param hasSameLayout true if every widget has the region that it had at the last render
   */
  show(region: Region | undefined, lines: readonly Line[], palette: Palette, hasSameLayout: boolean): void {
    this.#region = region;
    this.#lines = lines;
    this.#palette = palette;
    this.#hasSameLayout = hasSameLayout;
  }

  #paint(screen: Widgets.Screen): void {
    const { left = 0, top = 0, width = 0, height = 0 } = this.#region ?? {};
    const { lines: rows, olines: shown } = cellsOf(screen);
    const palette = this.#palette;
    const before = this.#hasSameLayout ? this.#painted : [];
    this.#painted = [];
    for (let y = top; y < top + height; y++) {
      const row = rows[y];
      if (!row) continue;
      const line = this.#lines[y - top];
      const last = before[y - top];
      // After a redraw the screen has new rows.
      if (last?.row !== row || last.palette !== palette || !isSameLine(last.line, line))
        this.#paintLine({ row, shown: shown[y] ?? [], y }, line, left, left + width);
      this.#painted[y - top] = { row, line, palette };
    }
  }

  #paintLine({ row, shown, y }: ScreenRow, line: Line | undefined, left: number, end: number): void {
    const right = Math.min(end, row.length);
    const selected = line?.selected ?? false;
    let x = left;
    for (const { text, tone } of line?.spans ?? []) {
      const attr = attribute(this.#palette, tone, selected);
      if (SINGLE.test(text)) {
        const count = Math.min(text.length, right - x);
        for (let i = 0; i < count; i++) put(row, x++, attr, text.charAt(i));
        continue;
      }
      for (const grapheme of graphemesOf(text)) {
        if (x >= right) return;
        const width = graphemeWidth(grapheme);
        if (width === 1 && isCharacter(grapheme)) {
          put(row, x++, attr, grapheme);
        } else if (x + width > right) {
          while (x < right) put(row, x++, attr, '?');
        } else if (isCharacter(grapheme) && charWidth(grapheme) === 2) {
          // Blessed skips the second cell of a character that is wide in its own tables.
          put(row, x++, attr, grapheme);
          put(row, x++, attr, ' ');
        } else {
          const cell = drawSequence(grapheme, width, x, y);
          // When a terminal draws the grapheme, it may draw it wider, over the cells after it: write those again.
          const [attrShown, cellShown] = shown[x] ?? [];
          if (cellShown !== cell || attrShown !== attr)
            for (const behind of shown.slice(x + width, x + looseWidth(grapheme))) behind[1] = '\0';
          put(row, x++, attr, cell);
          for (let i = 1; i < width; i++) put(row, x++, attr, PAST);
        }
      }
    }
    const attr = attribute(this.#palette, 'plain', selected);
    while (x < right) put(row, x++, attr, ' ');
  }
}
