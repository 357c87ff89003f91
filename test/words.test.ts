import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, test } from 'vitest';
import { useFolders } from './helpers/folder.ts';

const CHECK = fileURLToPath(new URL('../.config/check-words.mjs', import.meta.url));

const newFolder = useFolders();
let folder: string;
beforeEach(() => {
  folder = newFolder();
});

/** Returns what the check says about files. */
function checkFiles(...files: string[]) {
  const { status, stderr } = spawnSync(process.execPath, [CHECK, ...files], { encoding: 'utf8' });
  return { status, lines: stderr.split('\n').filter((line) => line !== '') };
}

/** Returns what the check says about a file with this text. */
function check(text: string, name = 'planted.ts') {
  const file = join(folder, name);
  writeFileSync(file, text);
  return checkFiles(file);
}

test('rejects a replaced word with its place and the word to use', () => {
  const word = ['no', 'body'].join('');
  const { status, lines } = check(`// The kernel says so.\n// The socket of ${word}.\n`);
  expect(status).toBe(1);
  expect(lines).toEqual([
    `${join(folder, 'planted.ts')}:2: '${word}' is replaced in the glossary: use 'owner'`,
  ]);
});

test('finds a replaced word inside a name', () => {
  expect(check(`const ${['last', 'Word'].join('')}OfSocket = 1;\n`).status).toBe(1);
});

test('accepts the words of the glossary, and phrases that it allows', () => {
  expect(check('// The poll looks up the owner: Math.round(1.5).\n')).toEqual({ status: 0, lines: [] });
});

test('finds a replaced word in the name of a file or of a folder', () => {
  const word = ['last', 'word'].join('-');
  const { status, lines } = check('', `${word}.ts`);
  expect(status).toBe(1);
  expect(lines).toEqual([
    `${join(folder, `${word}.ts`)}: '${word.replace('-', ' ')}' is replaced in the glossary: use 'kernel event'`,
  ]);
  mkdirSync(join(folder, word, 'inner'), { recursive: true });
  expect(check('', join(word, 'inner', 'planted.ts')).status).toBe(1);
});

test('reports a file that does not exist, and checks the others', () => {
  const missing = join(folder, 'missing.ts');
  const present = join(folder, 'present.ts');
  writeFileSync(present, '');
  const report = `netpane: ${missing} does not exist: not checked`;
  expect(checkFiles(missing, present)).toEqual({ status: 0, lines: [report] });
  expect(checkFiles(missing)).toEqual({ status: 1, lines: [report, 'netpane: no file was checked'] });
});
