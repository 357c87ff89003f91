import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LIMIT, Proc } from '../../../../src/source/linux/proc/proc.ts';
import { useFolders } from '../../../helpers/folder.ts';

const PAGE = 4096;

/** Makes each read return whole lines of up to a page, as the kernel reads files of /proc (fs/seq_file.c). */
const pages = vi.hoisted(() => ({ isOn: false, reads: 0, positions: new Map<number, number>() }));

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  const readPage = (fd: number, into: Buffer, offset: number, room: number): number => {
    pages.reads++;
    const position = pages.positions.get(fd) ?? 0;
    const rest = Buffer.alloc(16 * PAGE);
    const length = real.readSync(fd, rest, 0, rest.length, position);
    // A line that is longer than a page is returned alone.
    const end = rest.subarray(0, Math.min(length, PAGE)).lastIndexOf('\n') + 1 || rest.indexOf('\n') + 1;
    const count = Math.min(room, length <= PAGE ? length : end);
    rest.copy(into, offset, 0, count);
    pages.positions.set(fd, position + count);
    return count;
  };
  return {
    ...real,
    openSync: (path: string, flags: string) => {
      const fd = real.openSync(path, flags);
      pages.positions.delete(fd);
      return fd;
    },
    readSync: (fd: number, into: Buffer, offset: number, room: number, position: number | null) =>
      pages.isOn ? readPage(fd, into, offset, room) : real.readSync(fd, into, offset, room, position),
  };
});

const newFolder = useFolders();
let folder: string;
beforeEach(() => {
  folder = newFolder();
});
afterEach(() => {
  pages.isOn = false;
});

test('reads files of any size completely', () => {
  const proc = new Proc(folder);
  for (const size of [0, 1, 4096, 262_144, 1_000_000, 3]) {
    const text = Array.from({ length: size }, (_, i) => String(i % 10)).join('');
    writeFileSync(join(folder, 'file'), text);
    const read = proc.latin1('file', LIMIT.machine);
    expect('value' in read && read.value === text, `${size} bytes`).toBe(true);
  }
  writeFileSync(join(folder, 'file'), Buffer.from([0xc3, 0xa9, 0xff]));
  expect(proc.text('file')).toEqual({ value: 'é\ufffd' });
  expect(proc.text('nothing')).toMatchObject({ failed: 'gone' });
  expect(proc.text('file/below')).toMatchObject({ failed: 'gone' });
  expect(proc.link('file')).toMatchObject({ failed: 'broken' });
  expect(proc.text('.')).toMatchObject({ failed: 'broken' });
});

test('reads no more of a file than the limit, and reports that there is more', () => {
  const proc = new Proc(folder);
  writeFileSync(join(folder, 'file'), `é${'x'.repeat(2_000_000)}`);
  expect(proc.latin1('file', 10)).toEqual({ value: 'Ã©xxxxxxxx', isCut: true });
  for (const [read, length] of [
    [proc.text('file'), LIMIT.process - 1],
    [proc.latin1('file'), LIMIT.process],
    [proc.text('file', LIMIT.commandLine), LIMIT.commandLine - 1],
  ] as const)
    expect('value' in read && [read.value.length, read.isCut]).toEqual([length, true]);
  writeFileSync(join(folder, 'file'), 'abcdé');
  // A character that the limit cuts is dropped; a file as long as the limit is complete.
  expect(proc.text('file', 5)).toEqual({ value: 'abcd', isCut: true });
  expect(proc.text('file', 6)).toEqual({ value: 'abcdé' });
  expect(proc.text('file', 7)).toEqual({ value: 'abcdé' });
});

/** Returns lines of these lengths, with the newline. */
const linesOf = (...lengths: readonly number[]): string =>
  lengths.map((length) => `${'x'.repeat(length - 1)}\n`).join('');

describe('a file that the kernel returns line by line', () => {
  test.each([
    ['two lines that leave no room for a third', [1500, 1500, 1500, 20]],
    ['a line that is longer than a page', [20, 6000, 20]],
    ['a page that is full', [2048, 2048, 20]],
  ])('is read to its end after %s', (_, lengths) => {
    const text = linesOf(...lengths);
    writeFileSync(join(folder, 'file'), text);
    pages.isOn = true;
    expect(new Proc(folder).text('file')).toEqual({ value: text });
  });

  test('is read completely as a socket table, whose lines are short, without a last read of 0 bytes', () => {
    const text = linesOf(...Array.from({ length: 60 }, () => 150));
    writeFileSync(join(folder, 'file'), text);
    pages.isOn = true;
    pages.reads = 0;
    expect(new Proc(folder).table('file')).toEqual({ value: text });
    expect(pages.reads).toBe(3);
  });
});

const canMount =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['-m', 'true']).status === 0;

test.skipIf(!canMount)(
  'reads all mounts if their paths are long (skipped without root and unshare)',
  async () => {
    // In 4 folders of 250 characters each: a page has room for three such lines.
    const deep = Array.from({ length: 4 }, (_, i) => String(i).repeat(250)).join('/');
    const script = `
    for name in a b c d e f g h i j; do
      mkdir -p "$1/$name/$2" && mount -t tmpfs none "$1/$name/$2" || exit 1
    done
    echo mounted
    read end`;
    const child = spawn('unshare', ['-m', 'sh', '-c', script, 'sh', folder, deep], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    try {
      const [said] = (await once(child.stdout, 'data')) as [Buffer];
      expect(String(said)).toBe('mounted\n');
      const mounts = readFileSync(`/proc/${child.pid}/mountinfo`, 'utf8');
      expect(mounts.split('\n').filter((line) => line.includes(deep))).toHaveLength(10);
      expect(new Proc('/proc').text(`${child.pid}/mountinfo`, LIMIT.machine)).toEqual({ value: mounts });
    } finally {
      child.stdin.end('\n');
      await exited;
    }
  },
);
