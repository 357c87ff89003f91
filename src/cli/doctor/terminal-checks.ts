import { isUtf8 } from '../locale.ts';
import type { Environment } from '../config/paths.ts';
import { type Check, info, missing, ok } from './check.ts';

/** The output of netpane, as Node reports it. */
export interface OutputFacts {
  readonly isTerminal: boolean;
  readonly columns: number | undefined;
  readonly rows: number | undefined;
  /** Bits of a colour; undefined if it is not a terminal. */
  readonly colourBits: number | undefined;
}

/** The smallest screen that netpane shows sockets on. */
const SMALLEST = { columns: 40, rows: 10 };

/** Consoles and old terminals that are not known to report the mouse or mark pastes. */
const PLAIN = /^(?:linux|vt\d+|dumb)/;

/** Returns the checks of the terminal. @param hasMouse the setting `mouse` */
export function terminalChecks(
  environment: Environment,
  output: OutputFacts,
  hasMouse: boolean,
  platform: NodeJS.Platform = process.platform,
): Check[] {
  const { TERM, COLORTERM, TERM_PROGRAM, NO_COLOR } = environment;
  const term = TERM ?? '';
  const isPlain = PLAIN.test(term);
  const names = [`TERM=${term}`, COLORTERM && `COLORTERM=${COLORTERM}`, TERM_PROGRAM]
    .filter(Boolean)
    .join(', ');
  // The consoles of Windows have no TERM.
  const isUnnamed = term === '' && platform !== 'win32';
  return [
    isUnnamed || term === 'dumb'
      ? missing('terminal', `TERM is ${term === '' ? 'not set' : term}`, 'TERM=xterm-256color netpane')
      : ok('terminal', term === '' ? 'the console of Windows' : names),
    sizeCheck(output),
    NO_COLOR ? info('colours', 'off: NO_COLOR is set') : info('colours', coloursText(output.colourBits)),
    isUtf8(environment)
      ? ok('UTF-8', 'used by the locale')
      : missing('UTF-8', 'the locale lacks it: letters become ASCII', 'LANG=C.UTF-8 netpane'),
    info('multiplexer', multiplexerOf(environment)),
    !hasMouse
      ? info('mouse', 'off by the setting mouse')
      : isPlain
        ? missing('mouse', `TERM=${term} is not known to report it`, 'the keys do all that the mouse does')
        : ok('mouse', 'enabled while the screen is open'),
    isPlain
      ? missing(
          'paste',
          `TERM=${term} is not known to mark pastes: a paste acts as keys`,
          'paste only in a prompt',
        )
      : ok('paste', 'bracketed paste, enabled while the screen is open'),
  ];
}

function sizeCheck({ isTerminal, columns, rows }: OutputFacts): Check {
  if (!isTerminal || columns === undefined || rows === undefined)
    return info('size', 'unknown: stdout is not a terminal');
  const text = `${columns}×${rows}`;
  const { columns: width, rows: height } = SMALLEST;
  return columns < width || rows < height
    ? missing('size', `${text} is too small`, `make the window at least ${width}×${height}`)
    : ok('size', text);
}

const coloursText = (bits: number | undefined): string =>
  bits === undefined
    ? 'unknown: stdout is not a terminal'
    : `the terminal's own; it has ${bits >= 24 ? '16 million' : String(2 ** bits)}`;

function multiplexerOf({ TMUX, STY }: Environment): string {
  if (TMUX) return 'tmux';
  return STY ? 'screen' : 'none';
}
