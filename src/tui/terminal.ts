import type { EventEmitter } from 'node:events';
import type { Widgets } from 'blessed';
import { blessedScreen, colors, tput } from './blessed.ts';
import { type TtyInput, TerminalInput } from './input.ts';
import { EMERGENCY_RESTORE } from './sequences.ts';
import { GREY } from './theme.ts';

/** Terminals that blessed's own description fits better than xterm's. */
const PLAIN_TERMINALS = /^(linux|vt\d+|dumb)/;

const XTERM = 'xterm-256color';

/** Where systems keep their descriptions of terminals. */
const TERMINFO = [
  '/etc/terminfo',
  '/lib/terminfo',
  '/usr/lib/terminfo',
  '/usr/share/terminfo',
  '/usr/share/lib/terminfo',
  '/usr/local/share/terminfo',
  '/run/current-system/sw/share/terminfo',
];

/** Of the eight colours that every terminal has. */
const WHITE = 7;

/** Methods of blessed's screen that its declaration lacks. */
interface ScreenMethods {
  /** To the alternate screen, and back from it; the mouse is turned off on the way back only. */
  enter(): void;
  leave(): void;
}

/** The terminal while netpane has it: entered once, given back whatever happens. */
export interface Terminal {
  readonly screen: Widgets.Screen & ScreenMethods;
  /** Gives the terminal back as it was. May be called often; never throws. */
  restore(): void;
  /** Gives the terminal back and stops the process group, as ctrl-z does; takes it again when continued. */
  suspend(): void;
}

/** Without TMUX blessed neither starts `tmux -V` nor wraps what it writes. */
function withoutTmux<T>(make: () => T): T {
  const { TMUX } = process.env;
  delete process.env['TMUX'];
  try {
    return make();
  } finally {
    if (TMUX !== undefined) process.env['TMUX'] = TMUX;
  }
}

/**
 * Blessed's screen as netpane wants it, on the alternate screen, with keys and mouse.
 * @param input what reads like a terminal: its declaration asks for a whole stream, blessed for less
 * @param term name of the terminal, as in TERM
 * @param hasMouse false leaves the mouse to the terminal, for selecting text
 */
export function openScreen(
  input: EventEmitter,
  output: NodeJS.WritableStream,
  term: string,
  hasMouse = true,
): Terminal['screen'] {
  // SGR reports reach beyond column 223, and blessed asks for them only when told.
  process.env['BLESSED_FORCE_MODES'] = 'VT200MOUSE=1,SGRMOUSE=1';
  const terminal = PLAIN_TERMINALS.test(term) ? term : XTERM;
  // Blessed brings its own description of xterm. That of the system it would often read in vain: it does not know the
  // form that ncurses writes since version 6.1.
  // Other descriptions it takes from the system, and not from the home, which may be another user's than root's.
  tput.ipaths.splice(0, tput.ipaths.length, ...(terminal === XTERM ? [] : TERMINFO));
  // Of eight colours blessed would take black for it, on a console that is black.
  colors.ccolors[GREY] = WHITE;
  const screen = withoutTmux(() =>
    blessedScreen({
      input: input as unknown as NodeJS.ReadStream,
      output: output as unknown as NodeJS.WriteStream,
      terminal,
      fullUnicode: true,
      // Where the locale is not UTF-8, the stream that is written to makes ASCII of it (cli/locale.ts).
      forceUnicode: true,
      autoPadding: false,
      warnings: false,
    }),
  ) as Terminal['screen'];
  // Line drawing by another character set is for terminals without UTF-8, and turns `·` into `~` in copied text.
  (screen.program as unknown as { tput: { brokenACS: boolean } }).tput.brokenACS = true;
  screen.enableKeys();
  if (hasMouse) screen.enableMouse();
  return screen;
}

/** The terminal of the process, of which the main thread keeps the line (raw mode) and hears the signals. */
export interface Tty {
  readonly keys: TtyInput;
  readonly output: NodeJS.WritableStream;
  /** Name of the terminal, as in TERM. */
  readonly term: string;
  /** Stops the process group, as ctrl-z does, when the screen has been given back. */
  stop(): void;
  /** Hears that the process is to be stopped from outside: the screen has to be given back first. */
  onStop(listener: () => void): void;
  /** Hears that the process was continued, and the line is raw again. */
  onContinue(listener: () => void): void;
}

/**
 * Takes the terminal, and sees to it that stopping and continuing the process does no harm.
 * @param onContinue paints the screen anew
 * @param hasMouse as of `openScreen`
 */
export function enterTerminal(line: Tty, onContinue: () => void, hasMouse: boolean): Terminal {
  const screen = openScreen(new TerminalInput(line.keys), line.output, line.term, hasMouse);
  let restored = false;
  let suspended = false;
  const render = screen.render.bind(screen);
  screen.render = () => {
    // A batch may come when the process is continued and has not taken the terminal yet: the screen is the shell's then.
    if (!suspended) render();
  };
  const suspend = () => {
    if (restored || suspended) return;
    suspended = true;
    screen.leave();
    line.stop();
  };
  line.onStop(suspend);
  line.onContinue(() => {
    if (restored) return;
    suspended = false;
    screen.enter();
    if (hasMouse) screen.program.enableMouse();
    screen.realloc();
    onContinue();
  });
  return {
    screen,
    suspend,
    restore: () => {
      if (restored) return;
      restored = true;
      try {
        screen.destroy();
      } catch {
        line.output.write(EMERGENCY_RESTORE);
        line.keys.setRawMode(false);
      }
    },
  };
}
