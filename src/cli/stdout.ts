import { constants, fstatSync, readFileSync, statSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { isatty, WriteStream } from 'node:tty';
import { shortageText } from './errors.ts';

const STDOUT = 1;

/** `flags:` of /proc/PID/fdinfo are octal; the lowest two bits are the access mode (open(2)). */
const ACCESS_MODE = 3;

/**
 * Returns the reason why nothing can be printed; undefined if stdout is open. Node replaces a closed descriptor by
 * /dev/null, opened for reading and writing, before the program starts (PlatformInit in src/node.cc). A shell opens
 * `>/dev/null` for writing only. Detects this on Linux only.
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

/** Returns the message about a failed write to stdout. */
export const stdoutErrorText = (error: Error): string =>
  `cannot write to stdout: ${shortageText(error) ?? error.message}`;

/** Returns true for an error that means that the reader of stdout has ended: `netpane ls | head -1`. */
export const isReaderGone = ({ code }: NodeJS.ErrnoException): boolean =>
  code === 'EPIPE' || code === 'ECONNRESET';

/** Returns true if stdout is a pipe or socket. Returns false if fstat(2) fails, as it can in Wine: a file is assumed. */
function isPipe(): boolean {
  try {
    const stat = fstatSync(STDOUT);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}

/**
 * Opens stdout as a stream of this thread. `process.stdout` of a worker thread goes through the main thread, which
 * costs a copy of the output.
 */
export function openStdout(): Writable {
  if (isatty(STDOUT)) return new WriteStream(STDOUT);
  if (isPipe()) return new Socket({ fd: STDOUT, readable: false, writable: true });
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
