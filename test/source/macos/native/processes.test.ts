import { describe, expect, test } from 'vitest';
import { MacProcesses, parseArguments } from '../../../../src/source/macos/native/processes.ts';
import { fullName } from '../../../../src/source/macos/owners/process-cache.ts';
import { FakeMac } from '../../../helpers/macos/fake-calls.ts';

const processesOf = (processes: FakeMac['processes']) =>
  new MacProcesses(Object.assign(new FakeMac(), { processes }));

describe('MacProcesses', () => {
  test('lists more processes and descriptors than the first buffer has room for', () => {
    const sockets = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [i, BigInt(i)]));
    const many = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [i + 1, { name: 'x', sockets }]));
    const processes = processesOf(many);
    expect(processes.pids()).toHaveLength(3000);
    expect(processes.socketDescriptors(1)).toHaveLength(5000);
  });

  test('returns undefined for a process that has ended, and a negative errno for hidden descriptors', () => {
    const processes = processesOf({ 1: { name: 'launchd' } });
    expect(processes.shortInfo(7)).toBeUndefined();
    expect(processes.startedAtMs(7)).toBeUndefined();
    expect(processes.path(7)).toBeUndefined();
    expect(processes.command(7)).toBeUndefined();
    expect(processes.socketDescriptors(1)).toBeLessThan(0);
    expect(processes.socketHandle(1, 3)).toBeUndefined();
  });
});

describe('parseArguments', () => {
  const bytes = (count: number, text: string): Uint8Array => {
    const all = Buffer.from(`....${text}`);
    all.writeInt32LE(count, 0);
    return all;
  };

  test.each([
    ['the arguments without the environment', 2, '/bin/sh\0\0\0sh\0-c\0HOME=/\0', 'sh -c'],
    ['an empty argument', 3, '/bin/sh\0sh\0\0x\0', 'sh  x'],
    ['text without its last NUL', 2, '/bin/sh\0sh\0-c', 'sh -c'],
    ['more arguments than there are', 9, '/bin/sh\0sh\0', 'sh'],
    ['no arguments', 0, '/bin/sh\0', undefined],
    ['a negative number', -5, '/bin/sh\0sh\0', undefined],
    ['a path without an end', 2, '/bin/sh', undefined],
  ])('reads %s', (_, count, text, expected) => {
    expect(parseArguments(bytes(count, text))).toBe(expected);
  });

  test('reads nothing from less than a number', () => {
    expect(parseArguments(new Uint8Array(3))).toBeUndefined();
  });

  test('cuts a long command line', () => {
    expect(parseArguments(bytes(3, `/bin/x\0x\0${'a'.repeat(50_000)}\0b\0`))).toBe(`x ${'a'.repeat(8190)}…`);
  });
});

test.each([
  ['a-name-that-is-', '/opt/a-name-that-is-too-long', 'a-name-that-is-too-long'],
  ['renamed', '/usr/bin/node', 'renamed'],
  ['', '/usr/bin/node', 'node'],
  ['kernel_task', undefined, 'kernel_task'],
])('the name of a process %j with the file %j is %j', (name, exe, expected) => {
  expect(fullName(name, exe)).toBe(expected);
});
