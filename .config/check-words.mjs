// Fails if a file, or its path, contains a word that the glossary in ARCHITECTURE.md replaces.
// Usage: node .config/check-words.mjs [FILE…]; without a file it checks all paths and texts of the project.
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));

const GLOSSARY = 'ARCHITECTURE.md';

/** Folders whose files are all checked, and other files by name. */
const FOLDERS = ['src', 'test', 'docs', '.config', 'fixtures'];
const TOP = ['README.md', 'CHANGELOG.md', 'SECURITY.md', GLOSSARY, 'package.json'];

const projectFiles = () => [
  ...TOP,
  ...FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true }).map((file) => `${folder}/${file.replaceAll('\\', '/')}`),
  ),
];
/** Returns true for a text of the project; other files, such as captured output, are checked only by their path. */
const isText = (file) =>
  file.startsWith('fixtures/')
    ? file.endsWith('/README.md')
    : /\.(?:[cm]?[jt]s|md|jsonc?|[ch]|sh)$/.test(file);

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

/** Returns every replaced word that a text contains. */
const replacedIn = (text) => {
  const words = plain(text);
  const rest = permitted ? words.replaceAll(permitted, (it) => ' '.repeat(it.length)) : words;
  return [...rest.matchAll(forbidden)].map(([word]) => word);
};

let count = 0;
const report = (place, word) => {
  count++;
  const term = replaced.get(word.toLowerCase().replace(/\s+/g, ' '));
  process.stderr.write(`${place}: '${word}' is replaced in the glossary: use '${term}'\n`);
};

const given = process.argv.slice(2);
let checked = 0;
for (const file of given.length > 0 ? given : projectFiles()) {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (stat === undefined) {
    process.stderr.write(`netpane: ${file} does not exist: not checked\n`);
    continue;
  }
  checked++;
  for (const found of replacedIn(relative('.', file).replace(/[-/.]/g, ' '))) report(file, found);
  if (!stat.isFile() || (given.length === 0 && !isText(file))) continue;
  let text = readFileSync(file, 'utf8');
  if (file === GLOSSARY) text = text.replace(section, (it) => it.replace(/./g, ' '));
  for (const [i, line] of text.split('\n').entries())
    for (const found of replacedIn(line)) report(`${file}:${i + 1}`, found);
}
if (checked === 0) process.stderr.write('netpane: no file was checked\n');
process.exitCode = count > 0 || checked === 0 ? 1 : 0;
