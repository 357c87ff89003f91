// Makes the scripts of the program. Each has the code that the same threads and commands need: a thread keeps the source of
// all code that it loads. They are scripts, because V8 keeps no code cache of modules.
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Script } from 'node:vm';
import { build as esbuild } from 'esbuild';

/** Source files that a thread or command loads in any case. What none of them needs becomes many small scripts. */
const STARTS = {
  keeper: ['src/cli/keeper-main.ts'],
  screen: ['src/cli/program.ts', 'src/cli/sampling.ts', 'src/cli/live.ts'],
  sampler: ['src/sampler/worker.ts', 'src/source/linux/open.ts'],
  ls: ['src/cli/program.ts', 'src/cli/list.ts', 'src/source/linux/open.ts'],
  watch: ['src/cli/program.ts', 'src/cli/watch.ts', 'src/source/linux/open.ts'],
};

/** Names remain, for stack traces. */
const COMPACT = { minifyWhitespace: true, lineLimit: 120, legalComments: 'none' };

/** Returns code in ASCII, which V8 keeps with one byte per character. esbuild leaves regexes as they are. */
const ascii = (code) =>
  code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Returns the parts (files of esbuild) that are loaded with one of them. */
function loadedWith(part, outputs, found = new Set()) {
  if (found.has(part)) return found;
  found.add(part);
  for (const { path, kind, external } of outputs[part].imports)
    if (kind === 'import-statement' && !external) loadedWith(path, outputs, found);
  return found;
}

/** Returns the name of the script of each part. A script with an entry point has the name of that. */
function scriptNames(outputs, entryNames) {
  const partOf = new Map(Object.entries(outputs).map(([part, { entryPoint }]) => [entryPoint, part]));
  const starts = Object.entries(STARTS).map(([name, files]) => {
    const parts = files.flatMap((file) => [...loadedWith(partOf.get(file), outputs)]);
    return { name, parts: new Set(parts) };
  });
  const users = (part) => starts.filter(({ parts }) => parts.has(part)).map(({ name }) => name);
  const key = (part) => users(part).join('-') || basename(part, '.js');
  const renamed = new Map(entryNames.map((name) => [key(`dist/${name}.js`), name]));
  return new Map(Object.keys(outputs).map((part) => [basename(part), renamed.get(key(part)) ?? key(part)]));
}

/**
 * Returns a part as a function for `loadBundle`, which loads the others by `part:SCRIPT/PART`. esbuild exports each name by a getter
 * that calls another one, each time a part uses it. No export changes once the part has run, so its values replace them.
 */
async function asFunction({ path, text }, exports, names, options) {
  const references = {
    name: 'references',
    setup: ({ onResolve }) => {
      onResolve({ filter: /./ }, ({ path: to }) => {
        const script = names.get(basename(to));
        return { path: script === undefined ? to : `part:${script}/${basename(to)}`, external: true };
      });
    },
  };
  const { outputFiles } = await esbuild({
    ...options,
    stdin: { contents: text, sourcefile: basename(path) },
    write: false,
    format: 'cjs',
    // import() of a script needs a flag of Node.
    supported: { 'dynamic-import': false },
    plugins: [references],
  });
  const name = JSON.stringify(basename(path));
  const values = ['__esModule:true', ...exports.map((it) => `${it}:all.${it}`)].join();
  const code = `${outputFiles[0].text}module.exports=(all=>({${values}}))(module.exports)`;
  // V8 compiles a function in brackets at once, so that it is in the code cache.
  return `${name}:(function(module,require,__filename,fileUrl){"use strict";${code}})`;
}

/**
 * Writes a script and its code cache, which V8 uses if it has the same version and the same flags. The name of the cache has the
 * system and the processor: V8 does not check these, and crashes with the cache of another processor. See also `warm.mjs`.
 */
function writeScript(path, code) {
  const { platform, arch } = process;
  writeFileSync(`${path}.js`, code);
  writeFileSync(
    `${path}.${platform}-${arch}.cache`,
    new Script(code, { filename: `${path}.js` }).createCachedData(),
  );
}

/**
 * Writes the scripts of the program to dist/.
 * @param options those of esbuild, with `entryPoints` by name
 * @returns the source files in each script, as a metafile of esbuild
 */
export async function buildScripts(root, { plugins, ...options }) {
  const all = { ...options, ...COMPACT };
  const { outputFiles, metafile } = await esbuild({
    ...all,
    plugins,
    write: false,
    format: 'esm',
    splitting: true,
    outdir: 'dist',
    chunkNames: '[name]-[hash]',
  });
  const names = scriptNames(metafile.outputs, Object.keys(options.entryPoints));
  const { entryPoints: _, external: __, define: ___, ...each } = all;
  const scripts = new Map();
  for (const file of outputFiles) {
    const name = names.get(basename(file.path));
    const { inputs, exports } = metafile.outputs[`dist/${basename(file.path)}`];
    const code = await asFunction(file, exports, names, each);
    const before = scripts.get(name) ?? { parts: [], inputs: {} };
    scripts.set(name, { parts: [...before.parts, code], inputs: { ...before.inputs, ...inputs } });
  }
  for (const [name, { parts }] of scripts)
    writeScript(join(root, 'dist', name), ascii(`({${parts.join(',\n')}})`));
  const outputs = [...scripts].map(([name, { inputs }]) => [`dist/${name}.js`, { inputs }]);
  return { outputs: Object.fromEntries(outputs) };
}
