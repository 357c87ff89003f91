import { existsSync, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { removeLeftovers } from '../../../../src/source/leftovers.ts';
import { NativeError } from '../../../../src/source/linux/netlink/errno.ts';
import {
  findTracefs,
  makeInstance,
  TraceUnavailable,
  unavailable,
} from '../../../../src/source/linux/trace/tracefs.ts';
import { FakeTracefs, openFiles } from './fake.ts';

let fake: FakeTracefs;
vi.mock('node:fs', async () => (await import('./fake.ts')).withFake(() => fake));

beforeEach(() => {
  fake = new FakeTracefs();
});
afterEach(() => {
  vi.restoreAllMocks();
  fake.close();
});

const OWN = `netpane-${process.pid}-`;
const pathOf = (name: string) => join(fake.root, 'instances', name);

describe('finding tracefs', () => {
  const never = {
    mountDetached: (): number => {
      throw new Error('it is already mounted');
    },
  };
  const failing = (errno: number) => ({
    mountDetached: (): number => {
      throw new NativeError('fsopen', errno, 'E');
    },
  });

  test('returns the first mount point that has it', () => {
    expect(findTracefs(never, ['/nowhere', fake.root])).toEqual({ root: fake.root, mount: undefined });
  });

  test('mounts it and returns the path of the descriptor if there is none', () => {
    const mounted: string[] = [];
    const native = { mountDetached: (filesystem: string) => mounted.push(filesystem) + 40 };
    expect(findTracefs(native, ['/nowhere'])).toEqual({ root: '/proc/self/fd/41', mount: 41 });
    expect(mounted).toEqual(['tracefs']);
  });

  test.each([
    [19, 'this kernel has no tracefs'],
    [38, 'tracefs is not mounted'],
    [12, 'tracefs error: fsopen: E'],
  ])('fails with a reason for error %i', (errno, text) => {
    expect(() => findTracefs(failing(errno), [])).toThrow(new TraceUnavailable(text));
  });

  test('fails without permission; only an ordinary user is referred to root', () => {
    vi.spyOn(process, 'geteuid').mockReturnValue(1000);
    expect(() => findTracefs(failing(1), [])).toThrow(new TraceUnavailable('tracing needs root'));
    vi.spyOn(process, 'geteuid').mockReturnValue(0);
    expect(() => findTracefs(failing(13), [])).toThrow(new TraceUnavailable('access to tracefs denied'));
  });

  test('gives the code of any other error', () => {
    const error = Object.assign(new Error('ENOMEM: cannot allocate, mkdir /x'), { code: 'ENOMEM' });
    expect(unavailable(error).message).toBe('tracefs error: ENOMEM');
    expect(unavailable('a text').message).toBe('tracefs error: a text');
    const known = new TraceUnavailable('known');
    expect(unavailable(known)).toBe(known);
  });
});

describe('an instance', () => {
  test('opens a pipe per processor, and closes them when it is removed', () => {
    fake.processors = 3;
    const { path, cpus, descriptors } = makeInstance(fake.root);
    expect(path).toBe(pathOf(`${OWN}1`));
    expect(cpus.map((cpu) => cpu.path)).toEqual([0, 1, 2].map((i) => `${path}/per_cpu/cpu${i}`));
    const files = openFiles().filter((file) => file.startsWith(path));
    // In the order of /proc/self/fd, in which a descriptor of an earlier file may be used again.
    expect(files.toSorted()).toEqual([
      `${path}/free_buffer`,
      ...cpus.map((cpu) => `${cpu.path}/trace_pipe_raw`),
    ]);

    removeLeftovers({ path, descriptors });
    expect(openFiles().filter((file) => file.startsWith(path))).toEqual([]);
    expect(fake.instances()).toEqual([]);
  });

  test('removes instances of dead netpanes, but none in use or of other programs', () => {
    for (const name of ['netpane-1-1', 'netpane-2-1', 'perf', 'my-netpane-1']) fake.make(pathOf(name));
    fake.held.add('netpane-2-1');
    makeInstance(fake.root);
    expect(fake.instances().sort()).toEqual(['my-netpane-1', 'netpane-2-1', `${OWN}1`, 'perf'].sort());
  });

  test('gets another name than the first one of the same process', () => {
    const one = makeInstance(fake.root);
    const other = makeInstance(fake.root);
    expect([one.path, other.path]).toEqual([pathOf(`${OWN}1`), pathOf(`${OWN}2`)]);
    expect(fake.instances()).toHaveLength(2);
  });

  test('is created again if another netpane removed it', () => {
    let made = 0;
    fake.onCreated = (path) => {
      if (++made < 5) fake.remove(path);
    };
    const { path } = makeInstance(fake.root);
    expect(made).toBe(5);
    expect(existsSync(`${path}/per_cpu/cpu1`)).toBe(true);
  });

  test('fails after five attempts', () => {
    let made = 0;
    fake.onCreated = (path) => {
      made++;
      fake.remove(path);
    };
    expect(() => makeInstance(fake.root)).toThrow('ENOENT');
    expect(made).toBe(5);
  });

  test('leaves nothing if it cannot be opened', () => {
    fake.onCreated = (path) => fake.breakFile(`${path}/per_cpu/cpu1/trace_pipe_raw`);
    expect(() => makeInstance(fake.root)).toThrow('ELOOP');
    expect(fake.instances()).toEqual([]);
    expect(openFiles().filter((file) => file.startsWith(fake.root))).toEqual([]);
  });
});

describe('removing an instance', () => {
  test('may be repeated', () => {
    const leftovers = makeInstance(fake.root);
    removeLeftovers(leftovers);
    removeLeftovers(leftovers);
    expect(fake.instances()).toEqual([]);
  });

  test('keeps a descriptor that belongs to another file now', () => {
    const leftovers = makeInstance(fake.root);
    removeLeftovers(leftovers);
    const others = leftovers.descriptors.map(() => openSync('/dev/null', 'r'));
    expect(others.sort()).toEqual([...leftovers.descriptors].sort());
    removeLeftovers(leftovers);
    for (const fd of others) expect(fstatSync(fd).isCharacterDevice()).toBe(true);
  });

  test('does not throw if another process has it open', () => {
    const { path, cpus } = makeInstance(fake.root);
    fake.held.add(`${OWN}1`);
    removeLeftovers({ path, descriptors: cpus.map(({ pipe }) => pipe) });
    expect(fake.instances()).toEqual([`${OWN}1`]);
  });
});
