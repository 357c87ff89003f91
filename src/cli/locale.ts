import type { Writable } from 'node:stream';
import { toAscii } from '../view/ascii.ts';
import type { Environment } from './config/paths.ts';

/**
 * Returns true if the locale's characters are UTF-8. The locale is the first of LC_ALL, LC_CTYPE and LANG that is not
 * empty (setlocale(3)); none is the locale C.
 * Windows names no locale in the environment, and Node writes to its console in UTF-16. On macOS all is UTF-8 unless the
 * environment says otherwise: ssh from elsewhere often sets nothing.
 */
export function isUtf8(environment: Environment, platform: NodeJS.Platform = process.platform): boolean {
  if (platform === 'win32') return true;
  const { LC_ALL, LC_CTYPE, LANG } = environment;
  const locale = LC_ALL || LC_CTYPE || LANG;
  if (!locale) return platform === 'darwin';
  // `de_DE.UTF-8@euro`; macOS also has the plain name `UTF-8`. The C library takes no notice of case and signs.
  const codeset = /\.([^@]*)/.exec(locale)?.[1] ?? locale;
  return /^utf8$/i.test(codeset.replace(/[^a-z0-9]/gi, ''));
}

/** Returns the text in the characters of the locale: as it is, or in ASCII. */
export const localText = (text: string, environment: Environment): string =>
  isUtf8(environment) ? text : toAscii(text);

/** Makes the stream write its text in the characters of the locale; bytes pass as they are. */
export function writeLocalText<Stream extends Writable>(stream: Stream, environment: Environment): Stream {
  if (isUtf8(environment)) return stream;
  const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean;
  stream.write = (chunk: unknown, ...rest: unknown[]) =>
    write(typeof chunk === 'string' ? toAscii(chunk) : chunk, ...rest);
  return stream;
}
