// Updates package-lock.json from package.json: run `npm run lock` after every change of a dependency.
//
// npm alone is not enough. With omit-lockfile-registry-resolved (.npmrc), which keeps the names of registry hosts out
// of the file, it also drops `integrity` from entries whose package is in node_modules already, and it never adds one
// to an existing entry. `npm pack` downloads such a package, checks it against the registry, and prints its hash.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageEntries } from './lock-entries.mjs';

/** Number of packages per run of npm. */
const BATCH_SIZE = 40;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const file = join(root, 'package-lock.json');

function npm(...args) {
  const { status, stdout } = spawnSync('npm', [...args, '--ignore-scripts', '--loglevel=error'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 256 * 1024 * 1024,
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`npm ${args[0]} failed (see above)`);
  return stdout;
}

/** Returns the integrity of each package, by `name@version`. */
function integrities(specs) {
  const found = new Map();
  for (let i = 0; i < specs.length; i += BATCH_SIZE) {
    const packed = JSON.parse(npm('pack', '--dry-run', '--json', ...specs.slice(i, i + BATCH_SIZE)));
    for (const { id, integrity } of Object.values(packed)) found.set(id, integrity);
  }
  return found;
}

npm('install', '--package-lock-only');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const specOf = ({ name, entry }) => `${entry.name ?? name}@${entry.version}`;
const missing = packageEntries(lock).filter(({ entry }) => !entry.link && entry.integrity === undefined);
const found = integrities([...new Set(missing.map(specOf))]);
for (const item of packageEntries(lock)) {
  const { version, resolved: _, integrity = found.get(specOf(item)), ...rest } = item.entry;
  // Keep npm's order of keys, so that npm does not rewrite the entries.
  lock.packages[item.path] = { version, ...(integrity && { integrity }), ...rest };
}
writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`);
process.stdout.write(`netpane: package-lock.json: ${found.size} integrities added\n`);
