/** One cell of a terminal. A colour is a palette number, `#rrggbb`, or `undefined` for the terminal's own. */
export interface Cell {
  /** Empty for a cell that was never written, and for the right half of a wide character. */
  text: string;
  /** 2 for a wide character, 0 for the cell to its right. */
  width: number;
  fg: number | string | undefined;
  bg: number | string | undefined;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
  inverse: boolean;
}

const cellWidth = 8.4;
const cellHeight = 19;
const fontSize = 14;
const margin = 18;
const titleHeight = 36;

interface Colors {
  readonly background: string;
  readonly foreground: string;
  readonly frame: string;
  /** The first 16 colours, which users can configure in a terminal. */
  readonly palette: readonly string[];
}

const SCHEMES = {
  dark: {
    background: '#16181d',
    foreground: '#d5d9e0',
    frame: '#2c3038',
    palette: [
      ...['#2b2f37', '#e5707b', '#8cc570', '#e2b962', '#6ba6ec', '#c58be0', '#5fbfc4', '#c3c8d1'],
      ...['#5d6471', '#f08a93', '#a5d98b', '#f0cd80', '#8bbdf5', '#d5a5ec', '#82d3d7', '#f2f4f7'],
    ],
  },
  light: {
    background: '#fcfcfa',
    foreground: '#2b2f37',
    frame: '#d0d4da',
    palette: [
      ...['#2b2f37', '#b8313f', '#3b7a1f', '#8a6100', '#1f5fae', '#87369e', '#147176', '#8b919c'],
      ...['#5d6471', '#d5404e', '#4d9629', '#a97800', '#2f78d0', '#a34cbc', '#1f8b91', '#f2f4f7'],
    ],
  },
} satisfies Record<string, Colors>;

/** Colour scheme of a terminal: light text on dark, or dark text on light. */
export type Scheme = keyof typeof SCHEMES;

const buttons = ['#ec6a5e', '#f4bf4f', '#61c554'];

function css(color: number | string, palette: readonly string[]): string {
  if (typeof color === 'string') return color;
  const named = palette[color];
  if (named !== undefined) return named;
  // The xterm palette: a cube of 6 × 6 × 6 colours from 16 on, then 24 greys.
  const level = (step: number) => (step === 0 ? 0 : 55 + step * 40);
  const grey = 8 + (color - 232) * 10;
  const cube = color - 16;
  const rgb =
    color >= 232
      ? [grey, grey, grey]
      : [level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)];
  return `#${rgb.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

interface Run {
  x: number;
  columns: number;
  text: string;
}

/** Splits a line into runs of adjacent cells for which `same` is true. */
function splitRuns(
  line: readonly Cell[],
  same: (previous: Cell, next: Cell) => boolean,
): (Run & { cell: Cell })[] {
  const runs: (Run & { cell: Cell })[] = [];
  line.forEach((cell, x) => {
    const last = runs.at(-1);
    const text = cell.width === 0 ? '' : cell.text || ' ';
    const previous = line[x - 1];
    if (last && previous && (cell.width === 0 || same(previous, cell))) {
      last.columns += 1;
      last.text += text;
    } else {
      runs.push({ x, columns: 1, text, cell });
    }
  });
  return runs;
}

const isBlank = (cell: Cell) => cell.width !== 0 && cell.text.trim() === '' && !cell.underline;
const number = (value: number) => String(Math.round(value * 100) / 100);
const escapeXml = (text: string) =>
  text
    .replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/[\x00-\x1f\x7f-\x9f]/g, '\ufffd');

/** A screen, and how long an animation shows it. */
export interface Frame {
  readonly lines: readonly (readonly Cell[])[];
  readonly ms: number;
}

/**
 * Returns a screen as an SVG file: a window with a rounded frame, and text in the installed fonts. Blanks are left out,
 * and each word has its own position and length, so that columns stay aligned with any font.
 */
export const renderSvg = (lines: Frame['lines'], scheme: Scheme = 'dark'): string =>
  windowSvg(lines, scheme, '', drawLines(lines.entries(), scheme));

/**
 * Returns screens of one size as an animated SVG file that repeats. Each frame draws only the lines that differ from
 * the frame before, on top of it. Viewers that reduce motion show the last frame.
 */
export function renderAnimation(frames: readonly Frame[], scheme: Scheme = 'dark'): string {
  const totalMs = frames.reduce((sum, { ms }) => sum + ms, 0);
  const { background } = SCHEMES[scheme];
  const rules = [`.f{animation:${totalMs}ms step-end infinite}`];
  const groups: string[] = [];
  let startMs = 0;
  frames.forEach(({ lines, ms }, index) => {
    const before = frames[index - 1]?.lines;
    const changed = [...lines.entries()].filter(
      ([row, line]) => before === undefined || JSON.stringify(line) !== JSON.stringify(before[row]),
    );
    const blank = changed.map(([row, { length }]) => cellsRect(row, 0, length, background));
    const content = [...(before ? blank : []), ...drawLines(changed, scheme)].join('\n');
    if (before === undefined) groups.push(content);
    else if (changed.length > 0) {
      const percent = number((startMs / totalMs) * 100);
      rules.push(
        `@keyframes f${index}{0%{visibility:hidden}${percent}%{visibility:visible}}#f${index}{animation-name:f${index}}`,
      );
      groups.push(`<g class="f" id="f${index}">\n${content}\n</g>`);
    }
    startMs += ms;
  });
  const style = `<style>${rules.join('')}@media (prefers-reduced-motion:reduce){.f{animation:none}}</style>`;
  return windowSvg(frames[0]?.lines ?? [], scheme, style, groups);
}

const cellsRect = (row: number, x: number, columns: number, fill: string): string =>
  `<rect x="${number(margin + x * cellWidth)}" y="${titleHeight + row * cellHeight}" width="${number(columns * cellWidth)}" height="${cellHeight}" fill="${fill}"/>`;

/** Returns the elements of some lines, each with its row on the screen. */
function drawLines(lines: Iterable<readonly [number, readonly Cell[]]>, scheme: Scheme): string[] {
  const { background, foreground, palette } = SCHEMES[scheme];
  const ink = (cell: Cell) => (cell.inverse ? (cell.bg ?? background) : (cell.fg ?? foreground));
  const paper = (cell: Cell) => (cell.inverse ? (cell.fg ?? foreground) : (cell.bg ?? background));
  const style = (cell: Cell) => {
    const fill = css(ink(cell), palette);
    return [
      fill === foreground ? '' : ` fill="${fill}"`,
      cell.bold ? ' font-weight="bold"' : '',
      cell.dim ? ' fill-opacity="0.6"' : '',
      cell.italic ? ' font-style="italic"' : '',
      cell.underline ? ' text-decoration="underline"' : '',
    ].join('');
  };
  const parts: string[] = [];
  for (const [row, line] of lines) {
    for (const run of splitRuns(line, (a, b) => paper(a) === paper(b))) {
      const color = css(paper(run.cell), palette);
      if (color !== background) parts.push(cellsRect(row, run.x, run.columns, color));
    }
    for (const run of splitRuns(line, (a, b) => style(a) === style(b) && isBlank(a) === isBlank(b))) {
      if (isBlank(run.cell)) continue;
      parts.push(
        `<text x="${number(margin + run.x * cellWidth)}" y="${titleHeight + row * cellHeight + 14}" textLength="${number(run.columns * cellWidth)}"${style(run.cell)}>${escapeXml(run.text)}</text>`,
      );
    }
  }
  return parts;
}

/** Returns an SVG file with a window that contains `parts` and is large enough for `lines`. */
function windowSvg(lines: Frame['lines'], scheme: Scheme, style: string, parts: readonly string[]): string {
  const { background, foreground, frame } = SCHEMES[scheme];
  const columns = Math.max(...lines.map((line) => line.length));
  const width = columns * cellWidth + 2 * margin;
  const height = lines.length * cellHeight + margin + titleHeight;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${number(width)}" height="${number(height)}" viewBox="0 0 ${number(width)} ${number(height)}">${style}`,
    `<rect x="0.5" y="0.5" width="${number(width - 1)}" height="${number(height - 1)}" rx="10" fill="${background}" stroke="${frame}"/>`,
    ...buttons.map(
      (color, index) => `<circle cx="${margin + 4 + index * 18}" cy="18" r="5.5" fill="${color}"/>`,
    ),
    `<g xml:space="preserve" fill="${foreground}" font-size="${fontSize}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace">`,
    ...parts,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}
