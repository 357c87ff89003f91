import { writeSync } from 'node:fs';
import { codeOf } from '../model/error.ts';
import { localText } from './locale.ts';

const STDERR = 2;

/** Maximum number of writes to a full pipe, with a pause after each; then the text is dropped. */
const TRIES = 20;
const PAUSE_MS = 5;

/**
 * Writes `netpane: TEXT` and a line end to stderr, synchronously, from any thread. Ignores a stderr that is closed,
 * full or without a reader: there is nowhere left to report that.
 */
export function say(text: string): void {
  let rest = Buffer.from(localText(`netpane: ${text}\n`, process.env));
  for (let i = 0; i < TRIES && rest.length > 0; i++) {
    try {
      rest = rest.subarray(writeSync(STDERR, rest));
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') return;
      // The pipe is shared with stdout, which libuv has made non-blocking.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}
