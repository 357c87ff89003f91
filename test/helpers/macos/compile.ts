import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** True if a C compiler is here; without one the tests that need it are skipped. */
export const hasCompiler = (() => {
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** Compiles a file of this folder. @returns the path of the program or library, in a folder of its own */
export function compile(name: string, ...options: readonly string[]): string {
  const output = join(mkdtempSync(join(tmpdir(), 'netpane-c-')), name.replace('.c', '.out'));
  execFileSync('gcc', [
    '-Wall',
    '-Wextra',
    '-Werror',
    '-o',
    output,
    ...options,
    join(import.meta.dirname, name),
  ]);
  return output;
}
