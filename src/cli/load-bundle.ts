import { readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

/** Code of some modules of the program (`.config/scripts.mjs`); it sets `module.exports`. */
type Part = (
  module: { exports: object },
  require: (path: string) => unknown,
  file: string,
  fileUrl: string,
) => void;
type Parts = Readonly<Record<string, Part | undefined>>;

const requireFile = createRequire(import.meta.url);
const scripts = new Map<string, Parts>();
/** Exports of the parts that have run, by `SCRIPT/PART`. */
const loaded = new Map<string, object>();

/**
 * Loads a script of the build with its code cache (`NAME.SYSTEM-PROCESSOR.cache`), and runs the part of this name. With
 * the cache V8 does not parse the script, which would take longer than all else at the start. V8 ignores a cache of
 * another version.
 * @throws Error if the script or one that it needs cannot be read or run
 */
export function loadBundle(name: string): void {
  loadPart(name, `${name}.js`);
}

function loadPart(script: string, part: string): object {
  const path = `${script}/${part}`;
  const before = loaded.get(path);
  if (before) return before;
  const { href } = new URL(`${script}.js`, import.meta.url);
  const file = fileURLToPath(href);
  const run = partsOf(script, file)[part];
  if (!run) throw new Error(`${file} does not contain ${part}: it belongs to another version of netpane`);
  const module = { exports: {} };
  run(module, requireFrom, file, href);
  loaded.set(path, module.exports);
  return module.exports;
}

/** Returns the exports of a part (`part:SCRIPT/PART`), a package or a module of Node. */
function requireFrom(path: string): unknown {
  const [, script, part] = /^part:([^/]+)\/(.+)$/.exec(path) ?? [];
  if (script !== undefined && part !== undefined) return loadPart(script, part);
  return isBuiltin(path) && !AT_ONCE.test(path) ? whenUsed(path) : requireFile(path);
}

/** Modules that Node has loaded for itself, and `fs`, whose functions are called so often that a detour would cost. */
const AT_ONCE = /^(?:node:)?(?:buffer|events|fs|path|util|worker_threads)$/;

/**
 * Returns a module of Node that is loaded when one of its exports is first used. A start uses few of the modules that the
 * program imports, and each loads others: the screen's thread would load 35 more modules, 16 of them for `crypto`.
 */
function whenUsed(name: string): object {
  let used: Record<PropertyKey, unknown> | undefined;
  return new Proxy(
    {},
    { get: (_, key) => (used ??= requireFile(name) as Record<PropertyKey, unknown>)[key] },
  );
}

function partsOf(script: string, file: string): Parts {
  let parts = scripts.get(script);
  if (parts === undefined) {
    // The build escapes all but ASCII.
    const code = readFileSync(file, 'latin1');
    parts = new Script(code, { filename: file, cachedData: readCache(file) }).runInThisContext() as Parts;
    scripts.set(script, parts);
  }
  return parts;
}

/**
 * Returns the code cache of a file for this system and processor; undefined if it cannot be read. V8 does not check for
 * which processor a cache was made: Node on arm64 crashes with a cache of x64.
 */
function readCache(file: string): Buffer | undefined {
  try {
    return readFileSync(file.replace(/js$/, `${process.platform}-${process.arch}.cache`));
  } catch {
    return undefined;
  }
}
