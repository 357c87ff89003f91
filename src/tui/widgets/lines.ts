import type { Widgets } from 'blessed';
import { eastAsianWidth } from 'get-east-asian-width';
import type { Palette } from '../../store/state.ts';
import type { Region } from '../../view/layout.ts';
import type { Line } from '../../view/line.ts';
import { blessedBox, charWidth } from '../blessed.ts';
import { attribute } from '../theme.ts';

/** A cell of blessed's screen: attribute and character. */
type Cell = [number, string];
type CellRow = Cell[] & { dirty?: boolean };

const put = (row: CellRow, x: number, attr: number, character: string): void => {
  const cell = row[x];
  if (cell === undefined || (cell[0] === attr && cell[1] === character)) return;
  cell[0] = attr;
  cell[1] = character;
  row.dirty = true;
};

/**
 * A region of the screen that shows lines. It writes the cells of blessed's screen itself, so that a line that stays
 * the same is never touched, and nothing in a text can act as a tag.
 */
export class LinesWidget {
  readonly #element: Widgets.BoxElement;
  #region: Region | undefined;
  #lines: readonly Line[] = [];
  #palette: Palette = 'standard';

  constructor(screen: Widgets.Screen) {
    this.#element = blessedBox({ parent: screen });
    // The declaration wants coordinates back; blessed's screen takes no notice of what its children return.
    (this.#element as { render: () => void }).render = () => this.#paint(screen);
  }

  /** What to show at the next rendering; without a region nothing. Lines that are missing are blank. */
  show(region: Region | undefined, lines: readonly Line[], palette: Palette): void {
    this.#region = region;
    this.#lines = lines;
    this.#palette = palette;
  }

  #paint(screen: Widgets.Screen): void {
    const { left = 0, top = 0, width = 0, height = 0 } = this.#region ?? {};
    // The declaration of blessed calls it private; it is where every element of blessed writes to.
    const { lines: rows } = screen as unknown as { lines: CellRow[] };
    for (let i = 0; i < height; i++) {
      const row = rows[top + i];
      if (row) this.#paintLine(row, this.#lines[i], left, Math.min(left + width, row.length));
    }
  }

  #paintLine(row: CellRow, line: Line | undefined, left: number, right: number): void {
    const selected = line?.selected ?? false;
    let x = left;
    for (const { text, tone } of line?.spans ?? []) {
      const attr = attribute(this.#palette, tone, selected);
      for (const character of text) {
        if (x >= right) return;
        const code = character.codePointAt(0) ?? 0;
        if (code < 0x300 || eastAsianWidth(code) === 1) {
          put(row, x++, attr, character);
          continue;
        }
        // Two cells: blessed skips the second one, if its older tables know the character as wide.
        const known = x + 1 < right && charWidth(character) === 2;
        put(row, x++, attr, known ? character : '?');
        if (x < right) put(row, x++, attr, known ? ' ' : '?');
      }
    }
    const attr = attribute(this.#palette, 'plain', selected);
    while (x < right) put(row, x++, attr, ' ');
  }
}
