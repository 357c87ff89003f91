import { afterEach, beforeEach, expect, test, vi } from 'vitest';

/** Results of successive calls of the C library, by function; a negative one is the errno of a failure. */
let results: Record<string, number[]>;
let calls: string[];
beforeEach(() => {
  calls = [];
  vi.resetModules();
  let errno = 0;
  const func = (prototype: string) => {
    const name = /^\w+ (\w+)\(/.exec(prototype)?.[1] ?? '';
    return (...args: unknown[]) => {
      const shown = args.map((it) => (it instanceof Buffer ? JSON.stringify(it.toString()) : String(it)));
      calls.push(`${name} ${shown.join(' ')}`);
      const result = results[name]?.shift() ?? 0;
      if (result < 0) errno = -result;
      return Math.max(result, -1);
    };
  };
  const os = { errno: { EPERM: 1, ENODEV: 19 } };
  vi.doMock('koffi', () => ({ default: { load: () => ({ func }), errno: () => errno, os } }));
});
afterEach(() => vi.doUnmock('koffi'));

const load = async () => (await import('../../../../src/source/linux/netlink/native.ts')).Native.load();

test('mounts a file system without a mount point', async () => {
  results = { syscall: [7, 0, 8] };
  expect((await load()).mountDetached('tracefs')).toBe(8);
  // fsopen and FSOPEN_CLOEXEC; fsconfig and FSCONFIG_CMD_CREATE; fsmount and FSMOUNT_CLOEXEC.
  expect(calls).toEqual([
    String.raw`syscall 430 "tracefs\u0000" 1`,
    'syscall 431 7 6 null null 0',
    'syscall 432 7 1 null null 0',
    'close 7',
  ]);
});

test.each([
  [[-19], 'fsopen: ENODEV', 0],
  [[7, -1], 'fsconfig: EPERM', 1],
  [[7, 0, -1], 'fsmount: EPERM', 1],
])('closes all descriptors if the kernel fails: %j', async (syscall, message, closed) => {
  results = { syscall };
  const native = await load();
  expect(() => native.mountDetached('tracefs')).toThrow(message);
  expect(calls.filter((call) => call === 'close 7')).toHaveLength(closed);
});

test('returns the negative errno of read(2) and poll(2)', async () => {
  results = { read: [5, 0, -11], poll: [2, -12] };
  const native = await load();
  const bytes = new Uint8Array(8);
  expect([native.read(3, bytes), native.read(3, bytes), native.read(3, bytes)]).toEqual([5, 0, -11]);
  const set = new Int32Array(4);
  expect([native.poll(set, 2), native.poll(set, 2)]).toEqual([2, -12]);
  expect(calls.slice(-1)).toEqual(['poll 0,0,0,0 2 0']);
});
