import { closeSync, openSync, readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ServiceTexts } from '../model/services.ts';
import { systemFile } from './system-file.ts';

/** Maximum number of bytes read from a list. The registry of the IANA has 300 kB, or 700 kB with its comments. */
const MAX_BYTES = 2 << 20;

/** Returns a file up to the last whole line within MAX_BYTES; undefined if it cannot be read. */
function readList(path: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const bytes = Buffer.alloc(MAX_BYTES);
    const length = readSync(file, bytes);
    const text = bytes.toString('latin1', 0, length);
    return length < MAX_BYTES ? text : text.slice(0, text.lastIndexOf('\n'));
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/**
 * Returns readers of the lists of service names on this machine. Nothing is read before a name is needed.
 * @param paths the paths of the two lists
 */
export const serviceTexts = (
  paths = {
    system: systemFile('services'),
    // Made by the build.
    registry: fileURLToPath(new URL('services.txt', import.meta.url)),
  },
): ServiceTexts => ({
  system: () => readList(paths.system),
  registry: () => readList(paths.registry),
});
