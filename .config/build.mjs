// Bundles the program into a handful of files, so that starting it loads few modules; packages stay outside.
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';

/** Builds dist/ from src/ (what is published) and dist/dev/ (the project's own tools). Rejects on an error. */
export async function build(root) {
  const shared = {
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
    chunkNames: 'chunks/[name]-[hash]',
  };
  await esbuild({
    ...shared,
    entryPoints: { netpane: 'src/cli/main.ts', worker: 'src/sampler/worker.ts' },
    outdir: 'dist',
  });
  chmodSync(join(root, 'dist', 'netpane.js'), 0o755);
  const tools = { bench: 'test/bench/bench.ts', screenshot: 'test/helpers/screenshot.ts' };
  const present = Object.entries(tools).filter(([, file]) => existsSync(join(root, file)));
  if (present.length > 0) {
    await esbuild({ ...shared, entryPoints: Object.fromEntries(present), outdir: 'dist/dev' });
  }
}
