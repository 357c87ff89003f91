import { printable } from '../model/text.ts';

/**
 * The most that is copied, bytes of UTF-8: in base64, with what stands around them, they make 100,000 bytes, the length
 * of a sequence at which hterm and several others stop reading.
 */
export const MAX_COPY_BYTES = 74_994;

/** What screen takes in one piece: its buffer for such a string has 768 bytes (MAXSTR), in older ones 256. */
const SCREEN_PIECE = 240;

/** Every cell is made harmless; tabs and line ends between them stay. */
const harmless = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.split('\t').map(printable).join('\t'))
    .join('\n');

/**
 * What puts a text into the clipboard of the terminal that netpane is seen in, also through ssh: OSC 52 (xterm's
 * ctlseqs, "Manipulate Selection Data"), ended by BEL, for within screen ESC would end the envelope. Whether the terminal
 * obeys it does not say.
 *
 * Within tmux it is sent twice, for either way is closed by default and neither can be seen from here. As it is, tmux
 * itself takes it where `set-clipboard` is `on` (the default, `external`, ignores what programs send), and hands it on.
 * In tmux's own envelope, ESC doubled, it goes to the terminal unread where `allow-passthrough` is `on` (since 3.3;
 * before it always did). What is not wanted is dropped without a trace, and twice the same is no harm.
 *
 * Within screen it goes in pieces, each in an envelope of its own. Of one within the other tmux is taken to be the inner.
 * @param text cells parted by tabs, rows by line ends; whatever else in it is not printable becomes `?`
 * @param environment TMUX and STY tell of tmux and screen
 * @throws Error, in words, when the text is longer than a terminal takes
 */
export function copySequence(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const bytes = Buffer.from(harmless(text));
  if (bytes.length > MAX_COPY_BYTES)
    throw new Error(
      `too much to copy: ${bytes.length} bytes, and terminals take ${MAX_COPY_BYTES} at most; save it to a file instead`,
    );
  const sequence = `\x1b]52;c;${bytes.toString('base64')}\x07`;
  if (environment['TMUX']) return `${sequence}\x1bPtmux;${sequence.replaceAll('\x1b', '\x1b\x1b')}\x1b\\`;
  if (!environment['STY']) return sequence;
  let wrapped = '';
  for (let at = 0; at < sequence.length; at += SCREEN_PIECE)
    wrapped += `\x1bP${sequence.slice(at, at + SCREEN_PIECE)}\x1b\\`;
  return wrapped;
}
