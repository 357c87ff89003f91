import { isatty } from 'node:tty';

/** Returns the reason why the live screen cannot run here; undefined if it can. */
export function noScreenText(): string | undefined {
  const instead = "use 'netpane ls' to print the sockets once";
  if (!isatty(0) || !isatty(1)) return `the live screen needs a terminal; ${instead}`;
  if (process.env['TERM'] === 'dumb') return `the live screen does not work with TERM=dumb; ${instead}`;
  return undefined;
}
