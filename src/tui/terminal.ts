import type { EventEmitter } from 'node:events';
import type { Widgets } from 'blessed';
import { blessedScreen, colors, tput } from './blessed.ts';
import { type TtyInput, TerminalInput } from './input.ts';
import { withLazyTerminfo } from './lazy-terminfo.ts';
import { shortenOutput } from './output.ts';
import { EMERGENCY_RESTORE, MARK_PASTES, UNMARK_PASTES } from './sequences.ts';
import { GREY } from './theme.ts';

/** Matches terminals for which their own terminfo fits better than that of xterm. */
const PLAIN_TERMINALS = /^(linux|vt\d+|dumb)/;

const XTERM = 'xterm-256color';

/** Directories in which systems keep terminfo. */
const TERMINFO = [
  '/etc/terminfo',
  '/lib/terminfo',
  '/usr/lib/terminfo',
  '/usr/share/terminfo',
  '/usr/share/lib/terminfo',
  '/usr/local/share/terminfo',
  '/run/current-system/sw/share/terminfo',
];

/** White among the eight colours that every terminal has. */
const WHITE = 7;

/** Methods of blessed's screen that its types lack. */
interface ScreenMethods {
  /** Switches to the alternate screen. Does not turn the mouse on. */
  enter(): void;
  /** Switches to the normal screen and turns the mouse off. */
  leave(): void;
}

/** The terminal while netpane uses it. */
export interface Terminal {
  readonly screen: Widgets.Screen & ScreenMethods;
  /** Restores the terminal to its former state. May be called more than once; never throws. */
  restore(): void;
  /** Restores the terminal and stops the process group, as ctrl-z does; takes the terminal again on continue. */
  suspend(): void;
}

/** Runs `make` without TMUX in the environment, so that blessed neither starts `tmux -V` nor wraps its output. */
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
 * Opens blessed's screen on the alternate screen, with keys and mouse.
 * @param input emits terminal input; the types of blessed ask for a whole stream, its code does not
 * @param term name of the terminal, as in TERM
 * @param hasMouse false leaves the mouse to the terminal, for selecting text
 */
export function openScreen(
  input: EventEmitter,
  output: NodeJS.WritableStream,
  term: string,
  hasMouse = true,
): Terminal['screen'] {
  // SGR mouse reports reach beyond column 223. Blessed enables them only with this variable.
  process.env['BLESSED_FORCE_MODES'] = 'VT200MOUSE=1,SGRMOUSE=1';
  const terminal = PLAIN_TERMINALS.test(term) ? term : XTERM;
  // Blessed brings its own terminfo of xterm. It often cannot read that of the system: it does not support the format
  // of ncurses 6.1 and later. Other terminfo comes from the system, never from the home directory, which may belong to
  // another user when netpane runs as root.
  tput.ipaths.splice(0, tput.ipaths.length, ...(terminal === XTERM ? [] : TERMINFO));
  // With eight colours blessed would replace grey by black, on a black console.
  colors.ccolors[GREY] = WHITE;
  const make = (): Widgets.Screen =>
    blessedScreen({
      input: input as unknown as NodeJS.ReadStream,
      output: output as unknown as NodeJS.WriteStream,
      terminal,
      fullUnicode: true,
      // If the locale is not UTF-8, the output stream converts text to ASCII (cli/locale.ts).
      forceUnicode: true,
      autoPadding: false,
      warnings: false,
    });
  const screen = withoutTmux(() =>
    terminal === XTERM ? withLazyTerminfo(make) : make(),
  ) as Terminal['screen'];
  // Line drawing by a second character set is for terminals without UTF-8. It turns `·` into `~` in copied text.
  (screen.program as unknown as { tput: { brokenACS: boolean } }).tput.brokenACS = true;
  shortenOutput(screen);
  screen.enableKeys();
  if (hasMouse) screen.enableMouse();
  markPastes(screen, input, output);
  return screen;
}

/** Makes the terminal mark pasted text while it shows the screen. The screen emits such text as `paste`. */
function markPastes(screen: Terminal['screen'], input: EventEmitter, output: NodeJS.WritableStream): void {
  const [enter, leave] = [screen.enter.bind(screen), screen.leave.bind(screen)];
  screen.enter = () => {
    enter();
    output.write(MARK_PASTES);
  };
  screen.leave = () => {
    output.write(UNMARK_PASTES);
    leave();
  };
  // Blessed has entered the screen.
  output.write(MARK_PASTES);
  input.on('paste', (text: string) => screen.emit('paste', text));
}

/** The terminal device of the process. The main thread sets its raw mode and handles signals (`cli/keeper.ts`). */
export interface Tty {
  readonly keys: TtyInput;
  readonly output: NodeJS.WritableStream;
  /** Name of the terminal, as in TERM. */
  readonly term: string;
  /** Stops the process group, as ctrl-z does. Call it after the screen is restored. */
  stop(): void;
  /** Adds a listener for a stop signal from outside; the listener must restore the screen and call `stop`. */
  onStop(listener: () => void): void;
  /** Adds a listener for the continuation of the process; the terminal is in raw mode again. */
  onContinue(listener: () => void): void;
}

/**
 * Takes the terminal. Restores it when the process is stopped, and takes it again when it is continued.
 * @param onContinue paints the screen again
 * @param hasMouse as in `openScreen`
 */
export function enterTerminal(tty: Tty, onContinue: () => void, hasMouse: boolean): Terminal {
  const screen = openScreen(new TerminalInput(tty.keys), tty.output, tty.term, hasMouse);
  let restored = false;
  let suspended = false;
  const render = screen.render.bind(screen);
  screen.render = () => {
    // A batch may arrive after the process is continued and before it has taken the terminal: the shell has the screen.
    if (!suspended) render();
  };
  const suspend = () => {
    if (restored || suspended) return;
    suspended = true;
    screen.leave();
    tty.stop();
  };
  tty.onStop(suspend);
  tty.onContinue(() => {
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
        tty.output.write(EMERGENCY_RESTORE);
        tty.keys.setRawMode(false);
      }
    },
  };
}
