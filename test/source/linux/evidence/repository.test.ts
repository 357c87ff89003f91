import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { Files } from '../../../../src/source/linux/evidence/files.ts';
import { remoteIn, repositoryLines } from '../../../../src/source/linux/evidence/repository.ts';
import { useFolders } from '../../../helpers/folder.ts';

const newFolder = useFolders();

/** Makes a folder with these files. */
function folderWith(contents: Readonly<Record<string, string>>): string {
  const root = newFolder();
  for (const [name, text] of Object.entries(contents)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

const CONFIG = '[remote "origin"]\n\turl = https://ana:secret@git.example/app.git\n';

test.each<[string, Record<string, string>, string]>([
  ['a repository', { '.git/HEAD': 'ref: refs/heads/main\n', '.git/config': CONFIG }, ''],
  ['a folder below it', { '.git/HEAD': 'ref: refs/heads/main\n', '.git/config': CONFIG, 'a/b/c': '' }, 'a/b'],
])('finds %s', async (_, contents, below) => {
  const root = folderWith(contents);
  expect(await repositoryLines(join(root, below), new Files('/'))).toEqual([
    {
      label: 'repo',
      text: `${root}, branch main, from https://git.example/app.git`,
      from: join(root, '.git'),
    },
  ]);
});

test('finds the branch and the remote of a linked working tree', async () => {
  const root = folderWith({
    'main/.git/config': CONFIG,
    'main/.git/HEAD': 'ref: refs/heads/main\n',
    'main/.git/worktrees/fix/HEAD': 'ref: refs/heads/fix\n',
    'main/.git/worktrees/fix/commondir': '../..\n',
    'fix/.git': 'gitdir: ../main/.git/worktrees/fix\n',
  });
  const [line] = await repositoryLines(join(root, 'fix'), new Files('/'));
  expect(line?.text).toBe(`${root}/fix, branch fix, from https://git.example/app.git`);
});

test('finds the remote of a submodule', async () => {
  const root = folderWith({
    '.git/modules/lib/HEAD': '0123456789abcdef0123456789abcdef01234567\n',
    '.git/modules/lib/config': CONFIG,
    'lib/.git': 'gitdir: ../.git/modules/lib\n',
  });
  const [line] = await repositoryLines(join(root, 'lib'), new Files('/'));
  expect(line?.text).toBe(`${root}/lib, from https://git.example/app.git`);
});

test('a file .git that leads nowhere is no repository', async () => {
  const root = folderWith({ '.git': 'something else' });
  expect(await repositoryLines(root, new Files('/'))).toEqual([]);
});

test.each([
  ['[remote "origin"]\n\turl = git@git.example:app.git\n', 'git@git.example:app.git'],
  ['[remote "other"]\nurl = a\n[remote "origin"]\nurl = https://u:p@h/x\n', 'https://h/x'],
  ['[remote "origin"]\nurl = git+ssh://u:p@ss@h/x\n', 'git+ssh://h/x'],
  ['[core]\nurl = a\n', undefined],
  ['', undefined],
])('the remote of %j is %s', (config, remote) => {
  expect(remoteIn(config)).toBe(remote);
});
