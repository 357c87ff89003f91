import type { EventEmitter } from 'node:events';
import type { Widgets } from 'blessed';
import { blessedScreen, colors, tput } from './blessed.ts';
import { TerminalInput } from './input.ts';
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

/** What every terminal understands to become itself again, should blessed fail to say it. */
const EMERGENCY_RESTORE =
  '\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1l\x1b>\x1b[?25h\x1b[m\x1b[?1049l';

/** If a stop has not happened after this time, nobody is there to stop for. */
const STOP_MS = 100;

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
      // Containers often set no locale; terminals have spoken UTF-8 for long.
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

/**
 * Takes the terminal of the process, and sees to it that stopping and continuing it does no harm.
 * @param hasMouse as of `openScreen`
 */
export function enterTerminal(onContinue: () => void, hasMouse: boolean): Terminal {
  const { stdin, stdout, env } = process;
  const screen = openScreen(new TerminalInput(stdin), stdout, env['TERM'] ?? '', hasMouse);
  let restored = false;
  let suspended = false;
  const render = screen.render.bind(screen);
  screen.render = () => {
    // A batch may come when we are continued and have not taken the terminal yet: the screen is the shell's then.
    if (!suspended) render();
  };

  const take = () => {
    if (restored) return;
    if (suspended) process.on('SIGTSTP', suspend);
    suspended = false;
    // First, for in the background this stops us (SIGTTOU) before anything is written. Off and on, for a shell may
    // have made the line its own while we were stopped from outside, and Node takes it to be raw still.
    process.stdin.setRawMode(false);
    process.stdin.setRawMode(true);
    screen.enter();
    process.stdin.resume();
    if (hasMouse) screen.program.enableMouse();
    screen.realloc();
    onContinue();
  };
  const suspend = () => {
    // Windows has no such signal.
    if (restored || suspended || process.platform === 'win32') return;
    suspended = true;
    screen.leave();
    process.stdin.setRawMode(false);
    // While somebody listens for the signal, it does not stop us.
    process.off('SIGTSTP', suspend);
    // Raw keys reach us alone: the group (npm, sudo, a script) is stopped with us, as the terminal would do it.
    process.kill(0, 'SIGTSTP');
    // An orphaned group is not stopped; then nobody would ever continue it.
    setTimeout(() => {
      if (suspended) take();
    }, STOP_MS);
  };
  process.on('SIGCONT', take);
  process.on('SIGTSTP', suspend);
  return {
    screen,
    suspend,
    restore: () => {
      if (restored) return;
      restored = true;
      process.off('SIGCONT', take);
      process.off('SIGTSTP', suspend);
      try {
        screen.destroy();
      } catch {
        process.stdout.write(EMERGENCY_RESTORE);
        process.stdin.setRawMode(false);
      }
    },
  };
}
