// Checks that every package in package-lock.json comes from the registry, under its own name, with the SHA-512 of its
// contents, which `npm ci` compares with the download. Needs no network; `npm audit signatures` checks more with the
// registry.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageEntries } from './lock-entries.mjs';

/** Packages that may have an install script. The project installs with --ignore-scripts, so none is run. */
const WITH_INSTALL_SCRIPT = ['esbuild', 'fsevents', 'koffi'];

/** Subresource integrity: one hash of 64 bytes in base64. */
const SHA512 = /^sha512-[\w+/]{86}==$/;

/** Yields the mistakes of an entry, each a clause. */
function* mistakes({ name, entry }) {
  if (entry.link) yield 'is a link to a folder';
  if (entry.integrity === undefined) yield 'has no integrity: npm run lock adds it';
  else if (!SHA512.test(entry.integrity)) yield `has an integrity other than SHA-512: ${entry.integrity}`;
  if (entry.resolved !== undefined) yield `has a download URL: ${entry.resolved}`;
  if (!/^\d+\.\d+\.\d+(?:[-+][\w.+-]+)?$/.test(entry.version ?? '')) yield 'has no registry version';
  if (entry.name !== undefined && entry.name !== name) yield `is an alias of the package ${entry.name}`;
  if (entry.hasInstallScript && !WITH_INSTALL_SCRIPT.includes(name)) yield 'has an install script';
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const entries = packageEntries(lock);
const lines = entries.flatMap((item) => [...mistakes(item)].map((mistake) => `${item.path} ${mistake}`));
if (lock.lockfileVersion !== 3 || entries.length === 0)
  lines.push('it lists no packages, or in an old format');
for (const line of lines) process.stderr.write(`netpane: package-lock.json: ${line}\n`);
process.exitCode = lines.length > 0 ? 1 : 0;
