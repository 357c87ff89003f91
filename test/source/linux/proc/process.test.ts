import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  fullName,
  parseBootTimeMs,
  parseCommandLine,
  parsePasswd,
  parseStat,
  parseUptimeMs,
  startedAtMs,
} from '../../../../src/source/linux/proc/process.ts';
import { wholeLength } from '../../../../src/source/linux/proc/utf8.ts';

describe('/proc/PID/stat', () => {
  const stat = (comm: string, flags = 4194304) =>
    `71 (${comm}) S 1 71 71 0 -1 ${flags} 276 0 0 0 0 0 0 0 20 0 1 0 308303 17072128 2303 18446744073709551615\n`;

  test.each(['bash', 'web (main) 1', ') S 1 (', '', '((', 'a\nb', 'naïve'])(
    "parses the name '%s'",
    (comm) => {
      expect(parseStat(stat(comm))).toMatchObject({ comm, startTicks: 308303, isKernelThread: false });
    },
  );

  test('recognizes a kernel thread', () => {
    expect(parseStat(stat('kworker/0:1', 0x04208060))?.isKernelThread).toBe(true);
  });

  test.each(['', '71', '71 (bash', '71 bash) S', '71 (bash) S 1 2 3', ')('])("rejects '%s'", (text) => {
    expect(parseStat(text)).toBeUndefined();
  });

  test('throws for no text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('() 1S-')) }), (text) => {
        const parsed = parseStat(text);
        if (parsed) expect(Number.isFinite(parsed.startTicks)).toBe(true);
      }),
    );
  });
});

describe('the command line', () => {
  test.each([
    ['node\0server.js\0', 'node server.js'],
    ['a title of its own', 'a title of its own'],
    ['sshd: ana [priv]\0\0\0\0', 'sshd: ana [priv]'],
    ['a\0\0b\0', 'a  b'],
    ['', undefined],
    ['\0\0', undefined],
    ['  \0', undefined],
  ])('%j', (text, command) => {
    expect(parseCommandLine(text)?.text).toBe(command);
  });

  test('is absent for 600,000 empty arguments, and is the word after them', () => {
    expect(parseCommandLine('\0'.repeat(600_000))).toBeUndefined();
    expect(parseCommandLine(`sh${'\0'.repeat(600_000)}`)?.text).toBe('sh');
    expect(parseCommandLine(`sh${'\0'.repeat(600_000)}x\0`)?.text).toMatch(/^sh {8190}…$/);
  });

  test('ends with … if it was cut, even if its start is empty', () => {
    expect(parseCommandLine('sh\0-c', true)).toEqual({ text: 'sh -c…', words: ['sh', '-c'] });
    expect(parseCommandLine('\0'.repeat(100), true)?.text).toBe('…');
  });

  test('is cut after 8,192 characters', () => {
    const command = parseCommandLine('x'.repeat(100_000))?.text;
    expect(command).toHaveLength(8193);
    expect(command?.endsWith('…')).toBe(true);
  });
});

describe('the full name', () => {
  test.each<[string, string | undefined, string | undefined, string]>([
    ['bash', '/usr/bin/python3', 'python3 x', 'bash'],
    ['systemd-resolve', '/lib/systemd/systemd-resolved', undefined, 'systemd-resolved'],
    ['systemd-resolve', undefined, '/lib/systemd/systemd-resolved --x', 'systemd-resolved'],
    ['systemd-resolve', '/lib/systemd/systemd-resolved (deleted)', undefined, 'systemd-resolved'],
    ['gnome-terminal-', '/usr/libexec/gnome-terminal-server', 'x', 'gnome-terminal-server'],
    // A name that the program chose itself and that happens to fill comm.
    ['postgres: worke', '/usr/bin/postgres', 'postgres: worker', 'postgres: worke'],
    ['exactly15chars_', '/usr/bin/other', 'other', 'exactly15chars_'],
    ['systemd-resolve', undefined, undefined, 'systemd-resolve'],
    ['node-MainThread', '/usr/bin/node', 'node server.mjs', 'node'],
    ['node-MainThread', undefined, undefined, 'node'],
  ])('%s of %s, %s', (comm, exe, command, name) => {
    expect(fullName(comm, exe, command?.split(' '))).toBe(name);
  });
});

describe('a name that the kernel cuts in the middle of a character', () => {
  const cut = (name: string) => Buffer.from(name).subarray(0, 15).toString();

  test.each([
    ['töötukassa-tööline', '/opt/töötukassa-tööline', []],
    ['a世蓮サーバー本体', '/usr/bin/python3', ['python3', '/srv/a世蓮サーバー本体']],
    ['abcdefghijklm😀x', undefined, ['node', '--inspect', 'lib/abcdefghijklm😀x']],
    ['abcdefghijklmn😀', '/opt/abcdefghijklmn😀 (deleted)', []],
  ])('is complete if the file or an argument has it: %s', (name, exe, words) => {
    expect(cut(name)).toContain('\ufffd');
    expect(fullName(cut(name), exe, words)).toBe(name);
  });

  test('ends before the character if neither file nor argument has it', () => {
    expect(fullName(cut('a世蓮サーバー本体'), '/usr/bin/python3', ['python3', 'x'])).toBe('a世蓮サー');
    expect(fullName(cut('abcdefghijklm😀x'), undefined)).toBe('abcdefghijklm');
  });

  test('stays if it is not UTF-8 and too short to be cut', () => {
    expect(fullName('abc\ufffd', '/bin/abcd', ['abcd'])).toBe('abc\ufffd');
  });
});

test('replaces the name of the main thread of Node 24 by its first argument or file', () => {
  expect(fullName('MainThread', '/usr/bin/node', ['node', 'server.js'])).toBe('node');
  expect(fullName('MainThread', undefined, ['/opt/app/server', '--port'])).toBe('server');
  expect(fullName('MainThread', '/usr/bin/node', ['/opt/app/server', '--port'])).toBe('server');
  expect(fullName('MainThread', '/usr/bin/node', [''])).toBe('node');
  expect(fullName('MainThread', undefined, undefined)).toBe('MainThread');
});

test('computes the start time of a process from the boot time', () => {
  expect(parseBootTimeMs('cpu 1\nbtime 1700000000\nprocesses 1\n')).toBe(1_700_000_000_000);
  expect([parseBootTimeMs(''), parseBootTimeMs('xbtime 5\n')]).toEqual([undefined, undefined]);
  expect(startedAtMs(1000, 250)).toBe(3500);
});

test('reads the time since the boot', () => {
  expect(parseUptimeMs('12345.67 98765.43\n')).toBeCloseTo(12_345_670);
  expect([parseUptimeMs(''), parseUptimeMs('x 1.00')]).toEqual([undefined, undefined]);
});

test('skips malformed lines of users and takes the first name of a uid', () => {
  const text =
    'root:x:0:0::/:/bin/sh\nbroken\n:x:5:5\nx:x:-1:1\nx:x:1e3:1\nana:x:1000:1000\nsecond:x:1000:1000\n+::::::\n';
  expect([...parsePasswd(text)]).toEqual([
    [0, 'root'],
    [1000, 'ana'],
  ]);
});

test('drops a character that is cut by the end of the bytes at any place', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 8 }), fc.nat(32), (text, at) => {
      const bytes = Buffer.from(text);
      const length = Math.min(at, bytes.length);
      const whole = bytes.toString('utf8', 0, wholeLength(bytes, length));
      expect(Buffer.from(text).toString().startsWith(whole)).toBe(true);
      expect(length - Buffer.byteLength(whole)).toBeLessThan(4);
    }),
  );
  // Invalid UTF-8 bytes are not dropped.
  expect(wholeLength(Uint8Array.of(0x80, 0x80, 0x80, 0x80), 4)).toBe(4);
});
