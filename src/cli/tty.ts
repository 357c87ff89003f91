import { EventEmitter } from 'node:events';
import { WriteStream } from 'node:tty';
import type { TtyInput } from '../tui/input.ts';
import type { Tty } from '../tui/terminal.ts';
import type { Link } from './link.ts';
import { writeLocalText } from './locale.ts';

/** Terminal input, read by the keeper. */
class KeeperKeys extends EventEmitter implements TtyInput {
  readonly #link: Link;
  isRaw = false;

  constructor(link: Link) {
    super();
    this.#link = link;
    link.on('input', ({ data }) => this.emit('data', Buffer.from(data)));
  }

  setRawMode(on: boolean): this {
    this.isRaw = on;
    this.#link.post({ type: 'raw', on });
    return this;
  }

  /** Does nothing: the keeper reads all the time. */
  resume(): this {
    return this;
  }

  pause(): this {
    return this;
  }
}

/** Maximum width of the screen, cells. A terminal can claim any size, and each cell costs about 200 bytes. */
const MAX_COLUMNS = 1000;
/** Maximum height of the screen, cells. */
const MAX_ROWS = 400;

/** Opens the terminal for the command thread, which writes to it directly; the keeper does everything else. */
export function openTty(link: Link): Tty {
  const output = writeLocalText(new WriteStream(1), process.env);
  // EIO, EPIPE: the terminal is gone.
  output.on('error', () => link.post({ type: 'hangup' }));
  const setSize = (columns: number, rows: number): void => {
    output.columns = Math.min(columns, MAX_COLUMNS);
    output.rows = Math.min(rows, MAX_ROWS);
  };
  setSize(output.columns, output.rows);
  link.on('size', ({ columns, rows }) => {
    setSize(columns, rows);
    output.emit('resize');
  });
  return {
    keys: new KeeperKeys(link),
    output,
    term: process.env['TERM'] ?? '',
    stop: () => link.post({ type: 'suspended' }),
    onStop: (listener) => link.on('suspend', listener),
    onContinue: (listener) => link.on('resume', listener),
  };
}
