import { EventEmitter } from 'node:events';
import { StringDecoder } from 'node:string_decoder';
import { type StartTimer, startTimer } from './timer.ts';

/**
 * One unit of terminal input, in this order: an X10 mouse report, F1 to F5 of the Linux console (`ESC [[A`; see
 * console_codes(4)) except the start of one, a CSI sequence (such as an SGR mouse report), an SS3 sequence, ESC with a
 * character (alt), text, ESC before another sequence, and a broken CSI sequence: a control character or more than 64
 * parameters stand before its end.
 */
const TOKEN =
  /\x1b\[M[\s\S]{3}|\x1b\x1b?\[\[(?:[A-E]|(?=[^A-E]))|\x1b(?!\[M)\x1b?\[(?!\[)[ -?]{0,64}[@-~]|\x1b\x1b?O(?:[ -~]|(?=[^ -~]))|\x1b[^\x1b[O]|[^\x1b]+|\x1b(?=\x1b[^[O])|\x1b\x1b?\[[ -?]*(?=[^ -~])|\x1b\x1b?\[[ -?]{65,}/y;

/** A CSI or SS3 sequence, or the start of one; not alt with `O`. */
const SEQUENCE = /^\x1b+(?:\[|O.)/;

/** The sequences that blessed reads: mouse reports and keys. Of the characters of any other it would make keys. */
const KNOWN =
  /^\x1b+(?:\[M[\s\S]{3}|\[<\d+;\d+;\d+[Mm]|\[\d+;\d+;\d+M|(?:O|\[\[?)(?:\d+(?:;\d+)?[~^$]|(?:1;)?\d*[a-zA-Z]))$/;

/**
 * Splits terminal input into complete sequences.
 * @returns the sequences, and the start of an incomplete one, of less than 70 characters
 */
export function splitInput(text: string): { tokens: string[]; rest: string } {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    tokens.push(match[0]);
    at = TOKEN.lastIndex;
  }
  return { tokens, rest: text.slice(at) };
}

/** Maximum time between two parts of a sequence on a slow connection; after it a lone ESC counts as the key. */
export const ESCAPE_MS = 50;

/** Sequences that a terminal sends before and after pasted text (bracketed paste). */
const PASTE = { start: '\x1b[200~', end: '\x1b[201~' } as const;

/** Maximum time between two parts of pasted text. After it the paste ends, so that no lost end makes keys text. */
const PASTE_MS = 1000;

/**
 * Maximum length of text that arrives at once and is typed, characters: a held key on a connection that stalls for half a
 * minute. Longer text is pasted, in a terminal without marks of a paste; its letters are no keys.
 */
const MAX_TYPED = 1000;

/** Maximum length of pasted text, UTF-16 units; what exceeds it is dropped. No prompt takes as much. */
const MAX_PASTE = 65_536;

/** Input of a terminal, in raw mode or line by line. */
export interface TtyInput {
  readonly isRaw: boolean;
  on(event: 'data', listener: (data: Buffer) => void): unknown;
  setRawMode(on: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
}

/**
 * Filters the input between terminal and blessed, so that each chunk is one sequence. Blessed handles only the first
 * mouse report of a chunk and ignores keys beside it, and reads a sequence in two chunks as the ESC key.
 *
 *     data ─▶ sequences ─▶ `data`, one each
 *                 └─ between the marks of a paste ─▶ `paste`, the whole text
 */
export class TerminalInput extends EventEmitter {
  readonly isTTY = true;
  readonly #keys: TtyInput;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  readonly #startTimer: StartTimer;
  #cancelTimer = () => {};
  /** Text of the paste so far; undefined outside a paste. */
  #paste: string | undefined;
  readonly #onData = (data: Buffer) => this.#take(this.#decoder.write(data));

  constructor(keys: TtyInput, start = startTimer) {
    super();
    this.#startTimer = start;
    this.#keys = keys;
    keys.on('data', this.#onData);
  }

  get isRaw(): boolean {
    return this.#keys.isRaw;
  }

  setRawMode(on: boolean): this {
    this.#keys.setRawMode(on);
    return this;
  }

  resume(): this {
    this.#keys.resume();
    return this;
  }

  pause(): this {
    this.#keys.pause();
    return this;
  }

  #take(text: string): void {
    this.#cancelTimer();
    const { tokens, rest } = splitInput(this.#rest + text);
    this.#rest = rest;
    for (const token of tokens) this.#emit(token);
    if (this.#paste !== undefined) this.#cancelTimer = this.#startTimer(() => this.#giveUpPaste(), PASTE_MS);
    else if (rest !== '') this.#cancelTimer = this.#startTimer(() => this.#flushRest(), ESCAPE_MS);
  }

  #emit(token: string): void {
    if (token === PASTE.start) this.#paste ??= '';
    else if (token === PASTE.end && this.#paste !== undefined) this.#endPaste();
    else if (this.#paste === undefined && token.length > MAX_TYPED)
      this.emit('paste', token.slice(0, MAX_PASTE));
    else if (this.#paste === undefined) this.#emitKey(token);
    else if (this.#paste.length < MAX_PASTE) this.#paste = (this.#paste + token).slice(0, MAX_PASTE);
  }

  /** Emits a key, a mouse report or text; ignores other sequences, such as an answer to a question of another program. */
  #emitKey(token: string): void {
    if (!SEQUENCE.test(token) || KNOWN.test(token)) this.emit('data', Buffer.from(token));
  }

  #endPaste(): void {
    const text = this.#paste ?? '';
    this.#paste = undefined;
    this.emit('paste', text);
  }

  #giveUpPaste(): void {
    this.#endPaste();
    if (this.#rest !== '') this.#flushRest();
  }

  /** Ends the wait for the rest of a sequence: without it, ESC is the key, and ESC with `O` is alt with `O`. */
  #flushRest(): void {
    const rest = this.#rest;
    this.#rest = '';
    // Two ESC are two keys; blessed would read them as alt+ESC.
    const tokens = /^\x1b+$/.test(rest) ? rest : [rest];
    for (const token of tokens) this.#emitKey(token);
  }
}
