import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { isUtf8, writeLocalText } from '../../src/cli/locale.ts';

test.each([
  ['LANG=C.UTF-8', true],
  ['LANG=de_DE.utf8', true],
  ['LANG=de_DE.UTF-8@euro', true],
  ['LC_CTYPE=UTF-8', true],
  ['LANG=C', false],
  ['LANG=POSIX', false],
  ['LANG=en_US', false],
  ['LANG=de_DE@euro', false],
  ['LANG=ja_JP.eucJP', false],
  ['LANG=de_DE.ISO-8859-1', false],
  // Not a codeset, but part of the name of the locale.
  ['LANG=utf8_XX.ISO-8859-1', false],
  ['', false],
  // The first variable that is not empty counts.
  ['LC_ALL=C LC_CTYPE=C.UTF-8 LANG=C.UTF-8', false],
  ['LC_ALL=C.UTF-8 LC_CTYPE=C LANG=C', true],
  ['LC_CTYPE=C LANG=C.UTF-8', false],
  ['LC_ALL= LC_CTYPE= LANG=C.UTF-8', true],
  // Sets the language of messages, not the characters.
  ['LC_MESSAGES=C.UTF-8', false],
])('%s: %s on Linux', (variables, expected) => {
  const environment: Record<string, string | undefined> = {};
  for (const it of variables.split(' ')) {
    const [name = '', value] = it.split('=');
    environment[name] = value;
  }
  expect(isUtf8(environment, 'linux')).toBe(expected);
});

test('Windows ignores the environment; macOS uses UTF-8 unless the environment says otherwise', () => {
  expect(isUtf8({ LC_ALL: 'C' }, 'win32')).toBe(true);
  expect(isUtf8({}, 'darwin')).toBe(true);
  expect(isUtf8({ LC_ALL: 'C' }, 'darwin')).toBe(false);
});

test.each([
  ['C', 't?? ~'],
  ['C.UTF-8', 'töö …'],
])(
  '%s: a stream writes text as %s, calls back when written, and keeps bytes unchanged',
  async (LC_ALL, expected) => {
    const chunks: Buffer[] = [];
    const out = new Writable({
      write: (chunk: Buffer, _, done) => {
        chunks.push(chunk);
        done();
      },
    });
    const stream = writeLocalText(out, { LC_ALL });
    await new Promise<void>((resolve) => void stream.write('töö …', () => resolve()));
    stream.write(Buffer.of(0xff));
    expect(chunks).toEqual([Buffer.from(expected), Buffer.of(0xff)]);
  },
);
