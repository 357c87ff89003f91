import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** True if a C compiler is here; without one the tests that need it are skipped. */
export const hasCompiler = (() => {
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/**
 * Returns a function that compiles a file of this folder, and returns the path of the program or library. These are removed
 * after the tests of the file or describe.
 */
export function useCompiler(): (name: string, ...options: readonly string[]) => string {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });
  return (name, ...options) => {
    const folder = mkdtempSync(join(tmpdir(), 'netpane-c-'));
    folders.push(folder);
    const output = join(folder, name.replace('.c', '.out'));
    const source = join(import.meta.dirname, name);
    execFileSync('gcc', ['-Wall', '-Wextra', '-Werror', '-o', output, ...options, source]);
    return output;
  };
}
