import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Files } from '../../../../src/source/linux/evidence/files.ts';
import { useFolders } from '../../../helpers/folder.ts';

const newFolder = useFolders();

describe.skipIf(process.platform !== 'linux')('the files of the evidence (skipped elsewhere: O_PATH)', () => {
  test('are read below a root, up to a limit', async () => {
    const root = newFolder();
    writeFileSync(join(root, 'a'), 'hello');
    const files = new Files(root);
    expect(await files.text('/a')).toBe('hello');
    expect(await files.text('/a', 2)).toBe('he');
    expect((await files.bytes('/a', 100))?.toString()).toBe('hello');
    expect(await files.text('/missing')).toBeUndefined();
  });

  test('files of /proc are read to their end', async () => {
    expect(await new Files('/').text('/proc/self/status')).toMatch(/^Name:.*\nSeccomp:/ms);
  });

  test('long files of a database are read whole', async () => {
    const root = newFolder();
    writeFileSync(join(root, 'a'), 'x'.repeat(200_000));
    const path = join(root, 'a');
    expect((await new Files('/').bytes(path, 2 ** 20))?.length).toBe(200_000);
  });

  test('a pipe, a device or a folder is not opened, nor one behind a link', async () => {
    const root = newFolder();
    execFileSync('mkfifo', [join(root, 'pipe')]);
    mkdirSync(join(root, 'folder'));
    symlinkSync('/dev/zero', join(root, 'device'));
    symlinkSync('pipe', join(root, 'link'));
    const files = new Files(root);
    for (const path of ['/pipe', '/folder', '/device', '/link']) {
      expect(await files.text(path), path).toBeUndefined();
      expect(await files.regular(path), path).toBeUndefined();
      expect(await files.bytes(path, 100), path).toBeUndefined();
    }
  });
});
