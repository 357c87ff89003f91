import { EventEmitter } from 'node:events';
import { StringDecoder } from 'node:string_decoder';

/**
 * One thing a terminal sends: an X10 mouse report, a CSI sequence (SGR mouse reports too) that is not the start of an X10
 * report whose last bytes are still to come, an SS3 sequence, ESC with a character (alt), or text.
 */
const TOKEN = /\x1b\[M[\s\S]{3}|\x1b(?!\[M)\x1b?\[[0-?]*[ -/]*[@-~]|\x1b\x1b?O[ -~]|\x1b[^\x1b[O]|[^\x1b]+/y;

/**
 * Takes terminal input apart into whole sequences.
 * @returns the sequences, and the start of one whose end has not come yet
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

/** A sequence that a slow line has cut in two comes together within this time; a lone ESC is the key. */
const ESCAPE_MS = 50;

/** The input of the terminal: at once (raw) or line by line. */
export interface TtyInput {
  readonly isRaw: boolean;
  on(event: 'data', listener: (data: Buffer) => void): unknown;
  setRawMode(on: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
}

/**
 * Stands between the terminal and blessed, and hands on one sequence at a time: of several in one piece blessed sees
 * only the first mouse report, and no key that comes with one; a sequence in two pieces it takes for the ESC key.
 */
export class TerminalInput extends EventEmitter {
  readonly isTTY = true;
  readonly #keys: TtyInput;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #timer: NodeJS.Timeout | undefined;
  readonly #onData = (data: Buffer) => this.#take(this.#decoder.write(data));

  constructor(keys: TtyInput) {
    super();
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
    clearTimeout(this.#timer);
    const { tokens, rest } = splitInput(this.#rest + text);
    this.#rest = rest;
    for (const token of tokens) this.emit('data', Buffer.from(token));
    if (rest !== '') this.#timer = setTimeout(() => this.#giveUp(), ESCAPE_MS);
  }

  #giveUp(): void {
    const rest = this.#rest;
    this.#rest = '';
    // Nothing but ESC is that key pressed so many times; blessed would take two of them for alt with it.
    const tokens = /^\x1b+$/.test(rest) ? rest : [rest];
    for (const token of tokens) this.emit('data', Buffer.from(token));
  }
}
