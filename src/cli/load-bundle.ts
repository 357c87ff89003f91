import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

/**
 * Runs a file of the build, with the code cache that the build made of it (`NAME.cache`): V8 then
 * need not parse the file again, which takes longer than all else at the start. A cache of another version of V8, or
 * none, changes nothing but the time.
 * @param name the file without its suffix, in the folder of this one
 * @throws Error if the file cannot be read or run
 */
export function loadBundle(name: string): void {
  const file = fileURLToPath(new URL(`${name}.js`, import.meta.url));
  // The build escapes all but ASCII.
  const code = readFileSync(file, 'latin1');
  const script = new Script(code, { filename: file, cachedData: readCache(file) });
  const run = script.runInThisContext() as (...names: unknown[]) => void;
  run({ exports: {} }, createRequire(file), file);
}

/** Returns the code cache of a file; undefined if it cannot be read. */
function readCache(file: string): Buffer | undefined {
  try {
    return readFileSync(file.replace(/js$/, 'cache'));
  } catch {
    return undefined;
  }
}
