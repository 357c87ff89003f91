// Fails if a file contains a word that the glossary in ARCHITECTURE.md replaces.
// Usage: node .config/check-words.mjs [PATH…]; without a path it checks all texts of the project.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));

const GLOSSARY = 'ARCHITECTURE.md';
const CHECKED = ['src', 'test', '.config', '*.md', '*.json', 'fixtures/**/README.md'];

/** Files without words of the project: package names and output of other programs. */
const EXCLUDED = [':!package-lock.json', ':!test/**/*.txt'];

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

const paths = process.argv.slice(2);
const files = execFileSync(
  'git',
  ['ls-files', '-z', '--', ...(paths.length > 0 ? paths : [...CHECKED, ...EXCLUDED])],
  {
    encoding: 'utf8',
  },
)
  .split('\0')
  .filter((file) => file !== '');

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
      process.stderr.write(`${file}:${i + 1}: '${word}' is not in the glossary: use '${term}'\n`);
    }
  }
}
if (files.length === 0) process.stderr.write('netpane: no file was checked\n');
process.exitCode = found > 0 || files.length === 0 ? 1 : 0;
