import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { saveSockets } from '../../src/cli/save.ts';
import { socketsCsv, socketsJson } from '../helpers/export.ts';
import { SCENE } from '../helpers/scene.ts';
import { useFolders } from '../helpers/folder.ts';

const ALL = Object.values(SCENE);

const newFolder = useFolders();
let directory: string;
beforeEach(() => {
  directory = newFolder();
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const at = (name: string) => join(directory, name);
const read = (name: string) => readFileSync(at(name), 'utf8');
/** Returns the message of the error when saving to this file. */
const complaint = async (name: string): Promise<string> => {
  const error: unknown = await saveSockets(name, ALL).catch((it: unknown) => it);
  return error instanceof Error ? error.message : `saved to ${String(error)}`;
};

test('writes CSV or JSON by the extension, readable only by the user', async () => {
  expect(await saveSockets(at('a.csv'), ALL)).toBe(at('a.csv'));
  expect(await saveSockets(at('b.JSON'), ALL)).toBe(at('b.JSON'));
  expect(read('a.csv')).toBe(socketsCsv(ALL));
  expect(read('b.JSON')).toBe(socketsJson(ALL));
  expect(statSync(at('a.csv')).mode & 0o777).toBe(0o600);
  // No temporary file is left.
  expect(readdirSync(directory)).toEqual(['a.csv', 'b.JSON']);
});

test('expands ~/ only at the start', async () => {
  vi.stubEnv('HOME', directory);
  expect(homedir()).toBe(directory);
  mkdirSync(at('~'));
  expect(await saveSockets('~/a.csv', [])).toBe(at('a.csv'));
  expect(await saveSockets(`${directory}/~/a.csv`, [])).toBe(at('~/a.csv'));
});

describe('an existing file', () => {
  test('is not replaced without !', async () => {
    writeFileSync(at('a.csv'), 'mine');
    expect(await complaint(at('a.csv'))).toBe(
      `file exists: ${at('a.csv')}; use another name, or put ! before it to replace the file`,
    );
    expect(read('a.csv')).toBe('mine');
    expect(readdirSync(directory)).toEqual(['a.csv']);
  });

  test('may be a dangling symbolic link, whose target is not created', async () => {
    symlinkSync(at('elsewhere'), at('a.csv'));
    expect(await complaint(at('a.csv'))).toContain('file exists');
    expect(readdirSync(directory)).toEqual(['a.csv']);
  });

  test('is replaced with !, if it is a regular file', async () => {
    writeFileSync(at('a.csv'), 'old', { mode: 0o644 });
    expect(await saveSockets(`!${at('a.csv')}`, ALL)).toBe(at('a.csv'));
    expect(read('a.csv')).toBe(socketsCsv(ALL));
    expect(statSync(at('a.csv')).mode & 0o777).toBe(0o600);
    expect(await saveSockets(`! ${at('new.csv')}`, [])).toBe(at('new.csv'));
    mkdirSync(at('d.csv'));
    symlinkSync(at('a.csv'), at('l.csv'));
    for (const name of ['d.csv', 'l.csv'])
      expect(await complaint(`!${at(name)}`)).toBe(`not saved: not a regular file (${at(name)})`);
    expect(readdirSync(directory)).toEqual(['a.csv', 'd.csv', 'l.csv', 'new.csv']);
  });

  test('is not replaced on a file system without hard links either', async () => {
    // Takes the place of link(2).
    const noLinks = () => {
      throw Object.assign(new Error('no links here'), { code: 'EPERM' });
    };
    expect(await saveSockets(at('a.csv'), ALL, undefined, noLinks)).toBe(at('a.csv'));
    expect(read('a.csv')).toBe(socketsCsv(ALL));
    expect(statSync(at('a.csv')).mode & 0o777).toBe(0o600);
    await expect(saveSockets(at('a.csv'), [], undefined, noLinks)).rejects.toThrow('file exists');
    expect(read('a.csv')).toBe(socketsCsv(ALL));
    expect(readdirSync(directory)).toEqual(['a.csv']);
  });
});

describe('reports a mistake', () => {
  test.each([
    ['', 'the file name must end in .csv or .json'],
    ['!', 'the file name must end in .csv or .json'],
    ['sockets', "the file name must end in .csv or .json, not 'sockets'"],
    ['sockets.txt', "the file name must end in .csv or .json, not 'sockets.txt'"],
  ])('%j', async (name, message) => {
    expect(await complaint(name)).toBe(message);
  });

  test('a path that cannot be written', async () => {
    writeFileSync(at('file'), '');
    expect(await complaint(at('none/a.csv'))).toBe(
      `not saved: no such directory: ${at('none')} (${at('none/a.csv')})`,
    );
    expect(await complaint(at('file/a.csv'))).toBe(
      `not saved: ${at('file')} is not a directory (${at('file/a.csv')})`,
    );
    expect(await complaint(at(`${'x'.repeat(300)}.csv`))).toContain('not saved: the file name is too long (');
    expect(await complaint(at('a\0.csv'))).toContain('not saved');
    expect(readdirSync(directory)).toEqual(['file']);
  });

  test.skipIf(process.getuid?.() === 0)(
    'a directory without write permission (skipped as root, who may write anywhere)',
    async () => {
      chmodSync(directory, 0o500);
      expect(await complaint(at('a.csv'))).toContain(`no permission to write to ${directory}`);
      chmodSync(directory, 0o700);
    },
  );
});
