import type { Terminal as Emulator } from '@xterm/headless';
import type { Cell } from './svg.ts';

/**
 * Modes of the terminal, as far as they outlive the program. A program that cleans up leaves them as they were before it
 * started.
 */
export interface Modes {
  alternateScreen: boolean;
  mouse: 'none' | 'x10' | 'vt200' | 'drag' | 'any';
  mouseEncoding: string;
  cursorHidden: boolean;
  applicationCursorKeys: boolean;
  applicationKeypad: boolean;
  bracketedPaste: boolean;
  focusReports: boolean;
  insert: boolean;
  origin: boolean;
  wraparound: boolean;
  /** Text written now would have default colours and no attribute. */
  plainStyle: boolean;
  /** Text written now would not be shown as line drawing. */
  plainCharset: boolean;
  /** The scroll region is the whole screen. */
  fullScrollRegion: boolean;
}

/** Returns a cell of the screen; the first is 0, 0. Throws outside the screen. */
export function cellOf(emulator: Emulator, x: number, y: number): Cell {
  const { active } = emulator.buffer;
  const cell = active.getLine(active.baseY + y)?.getCell(x);
  if (!cell || y < 0 || y >= emulator.rows) throw new RangeError(`no cell ${x}, ${y}`);
  const color = (isDefault: boolean, isRgb: boolean, value: number) => {
    if (isDefault) return undefined;
    return isRgb ? `#${value.toString(16).padStart(6, '0')}` : value;
  };
  return {
    text: cell.getChars(),
    width: cell.getWidth(),
    fg: color(cell.isFgDefault(), cell.isFgRGB(), cell.getFgColor()),
    bg: color(cell.isBgDefault(), cell.isBgRGB(), cell.getBgColor()),
    bold: cell.isBold() !== 0,
    dim: cell.isDim() !== 0,
    italic: cell.isItalic() !== 0,
    underline: cell.isUnderline() !== 0,
    inverse: cell.isInverse() !== 0,
  };
}

/** Returns the modes of the emulator. */
export function modesOf(emulator: Emulator): Modes {
  const { modes, buffer, rows } = emulator;
  const { coreService, coreMouseService, _charsetService, _inputHandler, buffer: screen } = inner(emulator);
  const { fg, bg } = _inputHandler._curAttrData;
  return {
    alternateScreen: buffer.active.type === 'alternate',
    mouse: modes.mouseTrackingMode,
    mouseEncoding: coreMouseService.activeEncoding,
    cursorHidden: coreService.isCursorHidden,
    applicationCursorKeys: modes.applicationCursorKeysMode,
    applicationKeypad: modes.applicationKeypadMode,
    bracketedPaste: modes.bracketedPasteMode,
    focusReports: modes.sendFocusMode,
    insert: modes.insertMode,
    origin: modes.originMode,
    wraparound: modes.wraparoundMode,
    plainStyle: fg === 0 && bg === 0,
    plainCharset: _charsetService.charset === undefined,
    fullScrollRegion: screen.scrollTop === 0 && screen.scrollBottom === rows - 1,
  };
}

/** Private parts of the emulator. */
interface Inner {
  coreService: { isCursorHidden: boolean };
  coreMouseService: { activeEncoding: string };
  _charsetService: { charset: unknown };
  _inputHandler: { _curAttrData: { fg: number; bg: number } };
  buffer: { scrollTop: number; scrollBottom: number };
}

type DeepPartial<T> = { [K in keyof T]?: T[K] extends object ? DeepPartial<T[K]> : T[K] };

function inner(emulator: Emulator): Inner {
  const { _core: core } = emulator as Emulator & { _core?: DeepPartial<Inner> };
  // Fails in a new version that has moved them, instead of letting tests pass.
  if (
    typeof core?.coreService?.isCursorHidden !== 'boolean' ||
    typeof core.coreMouseService?.activeEncoding !== 'string' ||
    typeof core._inputHandler?._curAttrData?.fg !== 'number' ||
    typeof core.buffer?.scrollBottom !== 'number' ||
    !core._charsetService
  ) {
    throw new Error('this version of @xterm/headless has other private parts');
  }
  return core as Inner;
}
