// Fails if a file contains a word that the glossary in ARCHITECTURE.md replaces.
// Usage: node .config/check-words.mjs [FILE…]; without a file it checks all texts of the project.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));

const GLOSSARY = 'ARCHITECTURE.md';

/** Folders whose files are all checked, and other files by name. */
const FOLDERS = ['src', 'test', 'docs', '.config', 'fixtures'];
const isChecked = (file) =>
  file.startsWith('fixtures/') ? file.endsWith('/README.md') : /\.[cm]?[jt]s$|\.md$/.test(file);
const TOP = ['README.md', 'CHANGELOG.md', 'SECURITY.md', GLOSSARY, 'package.json'];

const textFiles = () => [
  ...TOP,
  ...FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true }).map((file) => `${folder}/${file.replaceAll('\\', '/')}`),
  ).filter(isChecked),
];

const [, section = ''] = /^## Glossary\n([^]*?)^## /m.exec(readFileSync(GLOSSARY, 'utf8')) ?? [];

/** Returns the texts in backquotes. */
const quoted = (text) => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word);

const replaced = new Map();
for (const [, term, not] of section.matchAll(/^\| ([^|]+?) +\|[^|]*\|([^|]*)\|$/gm)) {
  for (const text of quoted(not)) replaced.set(text, term);
}
const allowed = quoted(/^Allowed: ([^]*?)\n\n/m.exec(`${section}\n`)?.[1] ?? '');
if (replaced.size === 0) throw new Error(`no glossary found in ${GLOSSARY}`);

/** Returns a regex that matches any of the texts as whole words; a space matches any white space. */
const anyOf = (texts) =>
  new RegExp(
    String.raw`(?<![a-z])(?:${texts.map((it) => it.replaceAll(' ', String.raw`\s+`)).join('|')})(?![a-z])`,
    'gi',
  );
const forbidden = anyOf([...replaced.keys()]);
const permitted = allowed.length > 0 ? anyOf(allowed) : undefined;

/** Splits names into words: `socketId` becomes `socket Id`. */
const plain = (line) => line.replace(/([a-z\d])(?=[A-Z])/g, '$1 ').replaceAll('_', ' ');

const given = process.argv.slice(2);
const files = given.length > 0 ? given : textFiles();

let found = 0;
for (const file of files) {
  let text = readFileSync(file, 'utf8');
  if (file === GLOSSARY) text = text.replace(section, (it) => it.replace(/./g, ' '));
  for (const [i, line] of text.split('\n').entries()) {
    const words = plain(line);
    for (const [word] of (permitted
      ? words.replaceAll(permitted, (it) => ' '.repeat(it.length))
      : words
    ).matchAll(forbidden)) {
      found++;
      const term = replaced.get(word.toLowerCase().replace(/\s+/g, ' '));
      process.stderr.write(`${file}:${i + 1}: '${word}' is replaced in the glossary: use '${term}'\n`);
    }
  }
}
if (files.length === 0) process.stderr.write('netpane: no file was checked\n');
process.exitCode = found > 0 || files.length === 0 ? 1 : 0;
