import { existsSync, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { removeLeftovers } from '../../../../src/source/leftovers.ts';
import { NativeError } from '../../../../src/source/linux/netlink/native.ts';
import {
  findTracefs,
  makeInstance,
  TraceUnavailable,
  unavailable,
} from '../../../../src/source/linux/trace/tracefs.ts';
import { FakeTracefs, openFiles } from './fake.ts';

let fake: FakeTracefs;
vi.mock('node:fs', async () => (await import('./fake.ts')).playing(() => fake));

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
      throw new Error('it is there already');
    },
  };
  const failing = (errno: number) => ({
    mountDetached: (): number => {
      throw new NativeError('fsopen', errno, 'E');
    },
  });

  test('the first place that has it', () => {
    expect(findTracefs(never, ['/nowhere', fake.root])).toEqual({ root: fake.root, mount: undefined });
  });

  test('nowhere: a mount of our own, by its descriptor', () => {
    const mounted: string[] = [];
    const native = { mountDetached: (filesystem: string) => mounted.push(filesystem) + 40 };
    expect(findTracefs(native, ['/nowhere'])).toEqual({ root: '/proc/self/fd/41', mount: 41 });
    expect(mounted).toEqual(['tracefs']);
  });

  test.each([
    [19, 'this kernel has no tracefs'],
    [38, 'tracefs is not mounted'],
    [12, 'tracefs does not work (fsopen: E)'],
  ])('a kernel that refuses with error %i', (errno, text) => {
    expect(() => findTracefs(failing(errno), [])).toThrow(new TraceUnavailable(text));
  });

  test('not allowed: who is root is not told to be it', () => {
    vi.spyOn(process, 'geteuid').mockReturnValue(1000);
    expect(() => findTracefs(failing(1), [])).toThrow(
      new TraceUnavailable('the trace of every state change takes root'),
    );
    vi.spyOn(process, 'geteuid').mockReturnValue(0);
    expect(() => findTracefs(failing(13), [])).toThrow(new TraceUnavailable('tracefs may not be read'));
  });

  test('what else can go wrong has the name of its error', () => {
    const error = Object.assign(new Error('ENOMEM: cannot allocate, mkdir /x'), { code: 'ENOMEM' });
    expect(unavailable(error).message).toBe('tracefs does not work (ENOMEM)');
    expect(unavailable('a text').message).toBe('tracefs does not work (a text)');
    const known = new TraceUnavailable('known');
    expect(unavailable(known)).toBe(known);
  });
});

describe('an instance', () => {
  test('has a pipe of every processor, open, and is gone when it is removed', () => {
    fake.processors = 3;
    const { path, cpus, descriptors } = makeInstance(fake.root);
    expect(path).toBe(pathOf(`${OWN}1`));
    expect(cpus.map((cpu) => cpu.path)).toEqual([0, 1, 2].map((i) => `${path}/per_cpu/cpu${i}`));
    expect(openFiles().filter((file) => file.startsWith(path))).toEqual([
      `${path}/free_buffer`,
      ...cpus.map((cpu) => `${cpu.path}/trace_pipe_raw`),
    ]);

    removeLeftovers({ path, descriptors });
    expect(openFiles().filter((file) => file.startsWith(path))).toEqual([]);
    expect(fake.instances()).toEqual([]);
  });

  test('removes those of the dead; those in use, and those of others, stay', () => {
    for (const name of ['netpane-1-1', 'netpane-2-1', 'perf', 'my-netpane-1']) fake.make(pathOf(name));
    fake.held.add('netpane-2-1');
    makeInstance(fake.root);
    expect(fake.instances().sort()).toEqual(['my-netpane-1', 'netpane-2-1', `${OWN}1`, 'perf'].sort());
  });

  test('a second one of this program has another name, and both stay', () => {
    const one = makeInstance(fake.root);
    const other = makeInstance(fake.root);
    expect([one.path, other.path]).toEqual([pathOf(`${OWN}1`), pathOf(`${OWN}2`)]);
    expect(fake.instances()).toHaveLength(2);
  });

  test('one that another netpane took for a dead one is made again', () => {
    let made = 0;
    fake.onMade = (path) => {
      if (++made < 5) fake.remove(path);
    };
    const { path } = makeInstance(fake.root);
    expect(made).toBe(5);
    expect(existsSync(`${path}/per_cpu/cpu1`)).toBe(true);
  });

  test('but not for ever', () => {
    let made = 0;
    fake.onMade = (path) => {
      made++;
      fake.remove(path);
    };
    expect(() => makeInstance(fake.root)).toThrow('ENOENT');
    expect(made).toBe(5);
  });

  test('of one that cannot be opened nothing is left', () => {
    fake.onMade = (path) => fake.breakFile(`${path}/per_cpu/cpu1/trace_pipe_raw`);
    expect(() => makeInstance(fake.root)).toThrow('ELOOP');
    expect(fake.instances()).toEqual([]);
    expect(openFiles().filter((file) => file.startsWith(fake.root))).toEqual([]);
  });
});

describe('removing at the end of the program', () => {
  test('once more does no harm', () => {
    const leftovers = makeInstance(fake.root);
    removeLeftovers(leftovers);
    removeLeftovers(leftovers);
    expect(fake.instances()).toEqual([]);
  });

  test('a descriptor that is another file by now stays open', () => {
    const leftovers = makeInstance(fake.root);
    removeLeftovers(leftovers);
    const others = leftovers.descriptors.map(() => openSync('/dev/null', 'r'));
    expect(others.sort()).toEqual([...leftovers.descriptors].sort());
    removeLeftovers(leftovers);
    for (const fd of others) expect(fstatSync(fd).isCharacterDevice()).toBe(true);
  });

  test('one that is held by somebody else stays, without a word', () => {
    const { path, cpus } = makeInstance(fake.root);
    fake.held.add(`${OWN}1`);
    removeLeftovers({ path, descriptors: cpus.map(({ pipe }) => pipe) });
    expect(fake.instances()).toEqual([`${OWN}1`]);
  });
});
