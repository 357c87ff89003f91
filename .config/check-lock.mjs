// Checks what package-lock.json promises: every package is one of the registry, by its own name, with the SHA-512 of its
// contents, which `npm ci` compares with what it downloads. Needs no network; `npm audit signatures` asks the registry
// for more.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageEntries } from './lock-entries.mjs';

/** Packages that may have an install script. None is run: the project installs with --ignore-scripts. */
const WITH_INSTALL_SCRIPT = ['esbuild', 'fsevents', 'koffi'];

/** SRI: one hash of 64 bytes in base64. */
const SHA512 = /^sha512-[\w+/]{86}==$/;

/** The mistakes of an entry, each a clause. */
function* mistakes({ name, entry }) {
  if (entry.link) yield 'is a link to a folder';
  if (entry.integrity === undefined) yield 'has no integrity: npm run lock adds it';
  else if (!SHA512.test(entry.integrity)) yield `has an integrity that is no SHA-512: ${entry.integrity}`;
  if (entry.resolved !== undefined) yield `says where it is downloaded from: ${entry.resolved}`;
  if (!/^\d+\.\d+\.\d+(?:[-+][\w.+-]+)?$/.test(entry.version ?? '')) yield 'has no version of a registry';
  if (entry.name !== undefined && entry.name !== name) yield `is the package ${entry.name} by another name`;
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
