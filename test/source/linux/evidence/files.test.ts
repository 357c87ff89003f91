import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Files } from '../../../../src/source/linux/evidence/files.ts';
import { useFolders } from '../../../helpers/folder.ts';

const newFolder = useFolders();

describe.skipIf(process.platform !== 'linux')('Files (skipped elsewhere: O_PATH)', () => {
  test('reads a file below its root, up to a limit', async () => {
    const root = newFolder();
    writeFileSync(join(root, 'a'), 'hello');
    const files = new Files(root);
    expect(await files.text('/a')).toBe('hello');
    expect(await files.text('/a', 2)).toBe('he');
    expect((await files.bytes('/a', 100))?.toString()).toBe('hello');
    expect(await files.text('/missing')).toBeUndefined();
  });

  test('reads a file of /proc to its end', async () => {
    expect(await new Files('/').text('/proc/self/status')).toMatch(/^Name:.*\nSeccomp:/ms);
  });

  test('reads a long file of a database to its end, or up to the limit', async () => {
    const root = newFolder();
    writeFileSync(join(root, 'a'), 'x'.repeat(200_000));
    const path = join(root, 'a');
    expect((await new Files('/').bytes(path, 2 ** 20))?.length).toBe(200_000);
    expect((await new Files('/').bytes(path, 100))?.length).toBe(100);
  });

  test('does not open a pipe, a device or a folder, also not behind a link', async () => {
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
