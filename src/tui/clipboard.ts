import { printable } from '../model/text.ts';

/**
 * Maximum number of bytes of UTF-8 copied. In base64, with the rest of the sequence, they make 100,000 bytes, the
 * length at which hterm and several other terminals stop reading a sequence.
 */
export const MAX_COPY_BYTES = 74_994;

/** Maximum size of one piece for GNU screen, bytes: its string buffer has 768 bytes (MAXSTR), 256 in older versions. */
const SCREEN_PIECE = 240;

/** Returns a text to copy with every cell made printable; it keeps tabs and line ends between cells. */
export const printableCells = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.split('\t').map(printable).join('\t'))
    .join('\n');

/**
 * Returns the sequence that copies a text to the clipboard of the user's terminal, also through ssh: OSC 52 (xterm's
 * ctlseqs, "Manipulate Selection Data"). It ends with BEL, because ESC would end the envelope of screen. The terminal
 * does not report whether it obeys.
 *
 * Inside tmux the result holds the sequence twice: both ways are off by default, and netpane cannot see which is on.
 * tmux itself reads the plain sequence if `set-clipboard` is `on` (the default `external` ignores programs). In the
 * passthrough envelope of tmux, with ESC doubled, it reaches the terminal if `allow-passthrough` is `on` (since 3.3;
 * always before). tmux drops the other one silently, and copying twice is harmless.
 *
 * Inside screen the sequence is split into pieces, each in its own envelope. If both are present, tmux is assumed to
 * run inside screen.
 * @param text cells separated by tabs and rows by line ends; any other unprintable character becomes `?`
 * @param environment TMUX and STY show that tmux or screen is present
 * @throws Error, for the user, if the text is longer than terminals accept
 */
export function copySequence(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const bytes = Buffer.from(printableCells(text));
  if (bytes.length > MAX_COPY_BYTES)
    throw new Error(
      `too much to copy: ${bytes.length} bytes, terminals accept at most ${MAX_COPY_BYTES}; save it to a file instead`,
    );
  const sequence = `\x1b]52;c;${bytes.toString('base64')}\x07`;
  if (environment['TMUX']) return `${sequence}\x1bPtmux;${sequence.replaceAll('\x1b', '\x1b\x1b')}\x1b\\`;
  if (!environment['STY']) return sequence;
  let wrapped = '';
  for (let at = 0; at < sequence.length; at += SCREEN_PIECE)
    wrapped += `\x1bP${sequence.slice(at, at + SCREEN_PIECE)}\x1b\\`;
  return wrapped;
}
