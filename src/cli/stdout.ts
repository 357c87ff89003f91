import { constants, fstatSync, readFileSync, statSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { isatty, WriteStream } from 'node:tty';
import { shortageText } from './errors.ts';

const STDOUT = 1;

/** `flags:` of /proc/PID/fdinfo are octal; the lowest two bits are the access mode (open(2)). */
const ACCESS_MODE = 3;

/**
 * Says why nothing can be printed; undefined where it can. Node replaces a closed descriptor by /dev/null, opened for
 * reading and writing, before the program starts (PlatformInit in src/node.cc). A shell's `>/dev/null` is opened for
 * writing only. Elsewhere than on Linux it is not noticed.
 */
export function closedStdoutText(): string | undefined {
  try {
    const isNull = fstatSync(STDOUT).rdev === statSync('/dev/null').rdev;
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${STDOUT}`, 'latin1'))?.[1];
    if (!isNull || flags === undefined) return undefined;
    if ((Number.parseInt(flags, 8) & ACCESS_MODE) !== constants.O_RDWR) return undefined;
    return 'cannot print: stdout is closed, or is /dev/null opened for reading and writing';
  } catch {
    return undefined;
  }
}

/** Returns the line for a write to stdout that failed. */
export const stdoutErrorText = (error: Error): string =>
  `cannot write to stdout: ${shortageText(error) ?? error.message}`;

/** True for an error that means that the reader of stdout has left: `netpane ls | head -1`. */
export const isReaderGone = ({ code }: NodeJS.ErrnoException): boolean =>
  code === 'EPIPE' || code === 'ECONNRESET';

/**
 * Stdout as a stream of this thread. `process.stdout` of a worker thread goes through the main thread, and costs a copy
 * of all that is printed.
 */
export function openStdout(): Writable {
  if (isatty(STDOUT)) return new WriteStream(STDOUT);
  const stat = fstatSync(STDOUT);
  if (stat.isFIFO() || stat.isSocket()) return new Socket({ fd: STDOUT, readable: false, writable: true });
  return new Writable({
    decodeStrings: true,
    write: (chunk: Buffer, _encoding, done) => {
      try {
        for (let rest = chunk; rest.length > 0; rest = rest.subarray(writeSync(STDOUT, rest)));
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
}
