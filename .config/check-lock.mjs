// Checks that every package in package-lock.json comes from the registry, under its own name, with the SHA-512 of its
// contents, which `npm ci` compares with the download. Needs no network; `npm audit signatures` checks more with the
// registry.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mistakesOf } from './lock-entries.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const lines = mistakesOf(lock);
for (const line of lines) process.stderr.write(`netpane: package-lock.json: ${line}\n`);
process.exitCode = lines.length > 0 ? 1 : 0;
