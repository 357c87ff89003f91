import { closeSync, openSync, readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ServiceTexts } from '../model/services.ts';

/** Maximum number of bytes read of a list. The whole registry of the IANA has 300 kB, in comments 700. */
const MAX_BYTES = 2 << 20;

/** Returns the beginning of a file, up to its last whole line; undefined where it cannot be read. */
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

/** Where a system keeps its list: services(5); on Windows below its own folder. */
const systemPath = (platform: NodeJS.Platform, env: NodeJS.ProcessEnv): string =>
  platform === 'win32'
    ? `${env['SystemRoot'] ?? 'C:\\Windows'}\\System32\\drivers\\etc\\services`
    : '/etc/services';

/**
 * Returns where service names come from on this machine. Nothing is read before a name is needed.
 * @param paths of the two lists
 */
export const serviceTexts = (
  paths = {
    system: systemPath(process.platform, process.env),
    // The build makes it.
    registry: fileURLToPath(new URL('services.txt', import.meta.url)),
  },
): ServiceTexts => ({
  system: () => readList(paths.system),
  registry: () => readList(paths.registry),
});
