import type { Writable } from 'node:stream';
import { toAscii } from '../view/text/ascii.ts';
import type { Environment } from './config/paths.ts';

/**
 * Returns true if the locale uses UTF-8. The locale is the first of LC_ALL, LC_CTYPE and LANG that is not empty
 * (setlocale(3)); without any of them it is C. On Windows the environment has no locale, and Node writes UTF-16 to the
 * console. macOS uses UTF-8 unless the environment says otherwise: a session through ssh often has no variable set.
 */
export function isUtf8(environment: Environment, platform: NodeJS.Platform = process.platform): boolean {
  if (platform === 'win32') return true;
  const { LC_ALL, LC_CTYPE, LANG } = environment;
  const locale = LC_ALL || LC_CTYPE || LANG;
  if (!locale) return platform === 'darwin';
  // `de_DE.UTF-8@euro`; macOS also has the plain name `UTF-8`. The C library ignores case and punctuation.
  const codeset = /\.([^@]*)/.exec(locale)?.[1] ?? locale;
  return /^utf8$/i.test(codeset.replace(/[^a-z0-9]/gi, ''));
}

/** Returns the text unchanged for a UTF-8 locale, else converted to ASCII. */
export const localText = (text: string, environment: Environment): string =>
  isUtf8(environment) ? text : toAscii(text);

/** Makes the stream convert text to ASCII if the locale is not UTF-8; bytes pass unchanged. */
export function writeLocalText<Stream extends Writable>(stream: Stream, environment: Environment): Stream {
  if (isUtf8(environment)) return stream;
  const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean;
  stream.write = (chunk: unknown, ...rest: unknown[]) =>
    write(typeof chunk === 'string' ? toAscii(chunk) : chunk, ...rest);
  return stream;
}
