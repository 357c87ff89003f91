import { buildSync } from 'esbuild';

/**
 * Returns a TypeScript program and its modules as one CommonJS script, for a thread or process of a test.
 * @param contents its text
 * @param resolveDir folder that its imports are relative to
 */
export function bundled(contents: string, resolveDir: string): string {
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    packages: 'external',
    supported: { 'dynamic-import': false },
  });
  return outputFiles[0]?.text ?? '';
}
