/** The units of terminal input; the first that matches counts. */
const UNITS: readonly RegExp[] = [
  // The ESC key before a mouse report or a mark of a paste. Before a key, ESC means alt.
  /\x1b(?=\x1b\[(?:[M<]|\d+;\d+;\d+M|20[01]~))/y,
  // An X10 mouse report.
  /\x1b\[M[\s\S]{3}/uy,
  // F1 to F5 of the Linux console (console_codes(4)), or the same start without such a key.
  /\x1b\x1b?\[\[(?:[A-E]|(?=[^A-E]))/y,
  // A key with shift of rxvt: elsewhere `$` stands before the end of a sequence.
  /\x1b\x1b?\[\d{1,2}\$/y,
  // A CSI sequence, such as an SGR mouse report.
  /\x1b\x1b?\[(?![[M])[ -?]{0,64}[@-~]/y,
  // A broken CSI sequence: a control character or one outside ASCII stands before its end, or it is too long.
  /\x1b\x1b?\[[ -?]*(?=[^ -~])/y,
  /\x1b\x1b?\[[ -?]{65,}/y,
  // An SS3 sequence: old VTE and Konsole add modifiers, `ESC O 2 P`. Without an end it is alt with `O`.
  /\x1b\x1b?O(?:[\d;]{0,4}(?:[ -/:<-~]|(?=[^ -~]))|[\d;]{5})/y,
  // An answer of the terminal, up to BEL or `ESC \`: a colour (OSC), a version or a setting (DCS), kitty graphics (APC).
  /\x1b(?:\]\d{1,4};|P(?:[>!]\||[01][$+]r)|_G)[ -~]{0,1024}(?:\x07|\x1b\\)/y,
  // A broken answer, or one that is too long.
  /\x1b(?:\]\d{1,4};|P(?:[>!]\||[01][$+]r)|_G)[ -~]{0,1024}(?=[^ -~\x07\x1b]|\x1b[^\\])/y,
  /\x1b(?:\]\d{1,4};|P(?:[>!]\||[01][$+]r)|_G)[ -~]{1025,}/y,
  // ESC with a character: alt. The start of an answer waits for the rest.
  /\x1b(?!\]\d{1,4};|P(?:[>!]\||[01][$+]r)|_G|(?:\]\d{0,4}|P(?:[>!]|[01][$+]?)?|_)$)[^\x1b[O]/uy,
  // Text.
  /[^\x1b]+/y,
  // The ESC key before another one.
  /\x1b(?=\x1b[^[O])/y,
];

/** Returns the unit that starts at this index; undefined if it is incomplete. */
function unitAt(text: string, at: number): string | undefined {
  for (const unit of UNITS) {
    unit.lastIndex = at;
    const match = unit.exec(text);
    if (match) return match[0];
  }
  return undefined;
}

/**
 * Splits terminal input into its units.
 * @returns the units, and the start of an incomplete one, of less than 1100 characters
 */
export function splitInput(text: string): { tokens: string[]; rest: string } {
  const tokens: string[] = [];
  let at = 0;
  for (let unit = unitAt(text, at); unit !== undefined; unit = unitAt(text, at)) {
    tokens.push(unit);
    at += unit.length;
  }
  return { tokens, rest: text.slice(at) };
}

/**
 * Matches a sequence, or the start of one. Does not match alt with a character, except alt with a line end and alt with a
 * character of two UTF-16 units: these must not reach blessed, which would press a key for each half.
 */
const SEQUENCE =
  /^(?:\x1b+(?:\[|O.)|\x1b(?:\]\d{1,4};|P(?:[>!]\||[01][$+]r)|_G|[\r\n\u2028\u2029\u{10000}-\u{10ffff}]))/u;

/** Matches the sequences that blessed knows: mouse reports and keys. It would read any other as single keys. */
const KNOWN =
  /^\x1b+(?:\[M[\s\S]{3}|\[<\d+;\d+;\d+[Mm]|\[\d+;\d+;\d+M|\[\[[A-E]|[O[](?:\d+(?:;\d+)?[~^$]|(?:1;)?\d*[a-zA-Z]))$/;

/** A key of the keypad in application mode, which blessed turns on: enter, tab, `*+,-./` or a digit, each plus 0x40. */
const KEYPAD = /^\x1bO([IMj-y])$/;

/** Button of an SGR mouse report, with bits for modifiers. */
const BUTTON = /^\x1b\[<(\d+);/;

/** Returns true for a button that blessed takes for another: a sideways wheel, or an extra button such as "back". */
const isOtherButton = (button: number): boolean => (button & 128) !== 0 || (button & 66) === 66;

/**
 * Returns a unit of terminal input as blessed must get it; undefined for one that is no key, no text and no mouse report
 * of use, such as an answer to a question of another program.
 */
export function inputForBlessed(token: string): string | undefined {
  if (!SEQUENCE.test(token)) return token;
  const keypad = KEYPAD.exec(token)?.[1];
  if (keypad !== undefined) return String.fromCharCode(keypad.charCodeAt(0) - 0x40);
  if (isOtherButton(Number(BUTTON.exec(token)?.[1] ?? 0))) return undefined;
  return KNOWN.test(token) ? token : undefined;
}
