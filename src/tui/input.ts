import { EventEmitter } from 'node:events';
import { StringDecoder } from 'node:string_decoder';
import { inputForBlessed, splitInput } from './split-input.ts';
import { type StartTimer, startTimer } from './timer.ts';

/** Maximum time between two parts of a sequence on a slow connection; after it a lone ESC counts as the key. */
export const ESCAPE_MS = 50;

/** Sequences that a terminal sends before and after pasted text (bracketed paste). */
const PASTE = { start: '\x1b[200~', end: '\x1b[201~' } as const;

/** Maximum time between two parts of pasted text. After it the paste ends: if its end is lost, keys are keys again. */
const PASTE_MS = 1000;

/**
 * Maximum length of text that arrives at once and counts as typed, characters: a held key on a connection that stalls for
 * half a minute. Longer text is a paste in a terminal that does not mark pastes; its letters are no keys.
 */
const MAX_TYPED = 1000;

/** Maximum time between two parts of a paste without marks, whose end is not known. */
const UNMARKED_PASTE_MS = ESCAPE_MS;

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
  #isMarked = false;
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
    const pasteMs = this.#isMarked ? PASTE_MS : UNMARKED_PASTE_MS;
    if (this.#paste !== undefined) this.#cancelTimer = this.#startTimer(() => this.#giveUpPaste(), pasteMs);
    else if (rest !== '') this.#cancelTimer = this.#startTimer(() => this.#flushRest(), ESCAPE_MS);
  }

  #emit(token: string): void {
    const paste = this.#paste;
    if (token === PASTE.start) this.#startPaste(true);
    else if (paste === undefined && (token.length <= MAX_TYPED || token.startsWith('\x1b')))
      this.#emitKey(token);
    else if (token === PASTE.end) this.#endPaste();
    else {
      if (paste === undefined) this.#startPaste(false);
      this.#paste = `${paste ?? ''}${token.slice(0, MAX_PASTE - (paste?.length ?? 0))}`;
    }
  }

  /** Emits a key, a mouse report or text; ignores other sequences. */
  #emitKey(token: string): void {
    const data = inputForBlessed(token);
    if (data !== undefined) this.emit('data', Buffer.from(data));
  }

  #startPaste(isMarked: boolean): void {
    this.#paste ??= '';
    this.#isMarked = isMarked;
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
