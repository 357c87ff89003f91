import { readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { TraceRecord } from '../../../../src/source/linux/trace/records.ts';
import { parseLost, Trace, type TraceOptions } from '../../../../src/source/linux/trace/trace.ts';
import { TraceUnavailable } from '../../../../src/source/linux/trace/tracefs.ts';
import {
  descriptorOf,
  event,
  exitEvent,
  FakeNative,
  FakeTracefs,
  fixture,
  openFiles,
  pageOf,
} from './fake.ts';

let fake: FakeTracefs;
vi.mock('node:fs', async () => (await import('./fake.ts')).withFake(() => fake));

const cpus = vi.hoisted(() => ({ count: 2 }));
vi.mock('node:os', async (original) => ({
  ...(await original<typeof import('node:os')>()),
  cpus: () => Array.from({ length: cpus.count }),
}));

let native: FakeNative;
/** Current time, milliseconds. */
let nowMs: number;
let namespace: string;
beforeEach(() => {
  fake = new FakeTracefs();
  native = new FakeNative();
  nowMs = 1000;
  cpus.count = 2;
  namespace = join(fake.root, 'pid');
  symlinkSync('pid:[4026531836]', namespace);
});
afterEach(() => fake.close());

const open = (options: TraceOptions = {}) =>
  Trace.open(native, {
    mountPoints: [fake.root],
    pidNamespacePath: namespace,
    nowMs: () => nowMs,
    ...options,
  });

/** Returns a page with exits of threads at these times, milliseconds; each pid is its time. */
function exits(...timesMs: number[]): Uint8Array {
  const [first = 0] = timesMs;
  return pageOf(
    BigInt(first * 1e6),
    timesMs.map((ms, i) => event(exitEvent(ms), (ms - (timesMs[i - 1] ?? first)) * 1e6)),
  );
}

const put = (processor: number, ...pages: (Uint8Array | number)[]) =>
  native.pipes.set(processor, [...(native.pipes.get(processor) ?? []), ...pages]);

const pids = (records: readonly TraceRecord[]) => records.map((it) => ('pid' in it ? it.pid : undefined));

/** Returns the open files of this test's tracefs. */
const openedFiles = () => openFiles().filter((file) => file.startsWith(fake.root));

describe('opening', () => {
  test('writes all settings before it enables events', () => {
    open();
    expect(fake.written).toEqual([
      'trace_options: disable_on_free',
      'trace_clock: mono',
      'trace_options: overwrite',
      'trace_options: norecord-cmd',
      'buffer_percent: 0',
      'buffer_size_kb: 2048',
      'events/sock/inet_sock_set_state/filter: protocol == 6',
      'events/sock/inet_sock_set_state/enable: 1',
      'events/tcp/tcp_destroy_sock/enable: 1',
      'events/task/task_newtask/enable: 1',
      'events/task/task_rename/enable: 1',
      'events/sched/sched_process_exec/enable: 1',
      'events/sched/sched_process_exit/enable: 1',
      'events/fib/fib_table_lookup/filter: proto == 17',
      'events/fib/fib_table_lookup/enable: 1',
      'events/fib6/fib6_table_lookup/filter: proto == 17',
      'events/fib6/fib6_table_lookup/enable: 1',
    ]);
  });

  test.each([
    [1, {}, 2048],
    [32, {}, 2048],
    [64, {}, 1024],
    [512, {}, 256],
    [4, { bufferKiB: 64 }, 64],
    // A quarter of the memory in all, and at most 1 GiB.
    [4, { bufferKiB: 65_536, memoryKiB: 1_048_576 }, 65_536],
    [4, { bufferKiB: 65_537, memoryKiB: 1_048_576 }, 65_536],
    [256, { bufferKiB: 1_048_576, memoryKiB: 2 ** 30 }, 4096],
    [512, { bufferKiB: 1024, memoryKiB: 1024 }, 1],
    // Without /proc the number of processors is unknown.
    [0, { bufferKiB: 1_048_576, memoryKiB: 2 ** 30 }, 1_048_576],
  ])('with %i processors and %o, gives each %i KiB', (count, options, expected) => {
    cpus.count = count;
    open(options);
    expect(fake.written).toContain(`buffer_size_kb: ${expected}`);
  });

  test('has a notice if the buffer is smaller than requested', () => {
    cpus.count = 256;
    expect(open({ bufferKiB: 1_048_576, memoryKiB: 2 ** 30 }).notice).toMatch(
      /^the trace buffer is 4096 KiB per processor, not 1048576: at most a quarter of the memory/,
    );
    expect(open({ bufferKiB: 64 }).notice).toBeUndefined();
    expect(open().notice).toBeUndefined();
  });

  test.each(['free_buffer', 'trace_options'])(
    'works without %s, which only matters after SIGKILL',
    (file) => {
      if (file === 'trace_options') fake.refused.set('trace_options: disable_on_free', 'EINVAL');
      else fake.onCreated = (path) => fake.breakFile(`${path}/free_buffer`);
      put(0, exits(900));
      expect(pids(open().drain())).toEqual([900]);
    },
  );

  test('works without the features that an older kernel lacks', () => {
    fake.events.delete('fib6/fib6_table_lookup');
    fake.refused.set('buffer_percent', 'ENOENT');
    fake.refused.set('fib_table_lookup/filter', 'EINVAL');
    const trace = open();
    const enabled = fake.written.filter((it) => it.endsWith('enable: 1'));
    expect(enabled).toHaveLength(6);
    expect(enabled.join()).not.toMatch(/fib/);
    put(0, exits(900));
    expect(pids(trace.drain())).toEqual([900]);
  });

  /** Opens a trace that fails, and returns the reason; nothing of it remains. */
  function refusal(options: TraceOptions = {}): string {
    try {
      open(options);
    } catch (error) {
      expect(error).toBeInstanceOf(TraceUnavailable);
      expect(openedFiles()).toEqual([]);
      expect(fake.instances()).toEqual([]);
      return (error as Error).message;
    }
    throw new Error('it opened');
  }

  test.each(['sock/inet_sock_set_state', 'tcp/tcp_destroy_sock'])('fails without the event %s', (name) => {
    fake.events.delete(name);
    expect(refusal()).toBe('this kernel cannot trace socket states');
  });

  test('fails if the filter is rejected, which excludes other protocols', () => {
    fake.refused.set('inet_sock_set_state/filter', 'EINVAL');
    expect(refusal()).toBe('this kernel cannot trace socket states');
  });

  test('fails without the monotonic clock, which sorts the events', () => {
    fake.refused.set('trace_clock', 'EINVAL');
    expect(refusal()).toBe('this kernel has no monotonic trace clock');
  });

  test('fails for an unknown page format', () => {
    fake.headerPage = '\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n';
    expect(refusal()).toBe('unknown format of trace pages');
  });

  test('fails without permission or memory', () => {
    fake.refused.set('trace_options', 'EACCES');
    expect(refusal()).toMatch(/^access to tracefs denied/);
    fake.refused.clear();
    fake.refused.set('buffer_size_kb', 'ENOMEM');
    expect(refusal()).toBe('tracefs error: ENOMEM');
  });

  test('fails in a pid namespace, where the pids of the trace are unknown', () => {
    const other = join(fake.root, 'other');
    symlinkSync('pid:[4026532000]', other);
    expect(refusal({ pidNamespacePath: other })).toBe('no tracing inside a container');
    expect(refusal({ pidNamespacePath: join(fake.root, 'none') })).toBe('tracefs error: ENOENT');
  });

  test('closes its own mount once', () => {
    native.mount = () => descriptorOf(fake.root);
    const trace = open({ mountPoints: [] });
    expect(trace.leftovers.path).toMatch(/^\/proc\/self\/fd\/\d+\/instances\/netpane-/);
    const [, mount] = /fd\/(\d+)/.exec(trace.leftovers.path) ?? [];
    expect(readlinkSync(`/proc/self/fd/${mount}`)).toBe(fake.root);
    trace.close();
    trace.close();
    expect(native.closed).toEqual([Number(mount)]);
    expect(fake.instances()).toEqual([]);
  });

  test('closes its own mount if opening fails later', () => {
    native.mount = () => descriptorOf(fake.root);
    fake.events.clear();
    refusal({ mountPoints: [] });
    expect(native.closed).toHaveLength(1);
  });
});

describe('draining', () => {
  test('merges processors by time', () => {
    const trace = open();
    put(0, exits(901, 905), exits(906));
    put(1, exits(900, 902, 907));
    expect(pids(trace.drain())).toEqual([900, 901, 902, 905, 906, 907]);
    expect(trace.drain()).toEqual([]);
  });

  test('keeps records newer than the call for the next one, in order', () => {
    const trace = open();
    put(0, exits(999, 1001, 1003));
    expect(pids(trace.drain())).toEqual([999]);
    nowMs = 1002;
    put(1, exits(1000, 1002));
    expect(pids(trace.drain())).toEqual([1000, 1001, 1002]);
    nowMs = 1003;
    expect(pids(trace.drain())).toEqual([1003]);
  });

  test('keeps the order of records with the same time', () => {
    const trace = open();
    put(0, pageOf(900_000_000n, [event(exitEvent(1)), event(exitEvent(2)), event(exitEvent(3))]));
    expect(pids(trace.drain())).toEqual([1, 2, 3]);
  });

  test('ends although a buffer is written faster than read', () => {
    const trace = open();
    put(0, exits(999), exits(1001), exits(1002));
    trace.drain();
    expect(native.pipes.get(0)).toHaveLength(1);
  });

  test('reads only pipes with data', () => {
    const trace = open();
    trace.drain();
    expect([native.polls, native.reads]).toEqual([1, 0]);
    put(1, exits(900));
    trace.drain();
    // The page, and a read that returns nothing.
    expect([native.polls, native.reads]).toEqual([2, 2]);
  });

  test('does not wait for a processor that has never been online', () => {
    const trace = open();
    const pipes = trace.waitable();
    expect(pipes.map((pipe) => readlinkSync(`/proc/self/fd/${pipe}`).slice(-19))).toEqual([
      'cpu0/trace_pipe_raw',
      'cpu1/trace_pipe_raw',
    ]);
    native.offline.add(0);
    expect(trace.waitable()).toEqual(pipes.slice(1));
  });

  test('is pending while it keeps a record for the next drain', () => {
    const trace = open();
    put(0, exits(999, 1001));
    trace.drain();
    expect(trace.isPending).toBe(true);
    nowMs = 1002;
    trace.drain();
    expect(trace.isPending).toBe(false);
  });

  test('accepts an empty pipe that returns 0', () => {
    const trace = open();
    put(0, 0, exits(900));
    expect(trace.drain()).toEqual([]);
    expect(pids(trace.drain())).toEqual([900]);
    expect(trace.failure).toBeUndefined();
  });

  test('counts invalid events and pages, and continues', () => {
    const trace = open();
    put(0, pageOf(0n, [event(exitEvent(1, { id: 1 })), event(exitEvent(2))]), pageOf(0n, [], 4081), exits(3));
    expect(pids(trace.drain())).toEqual([2, 3]);
    expect(trace.problems).toBe(2);
  });
});

describe('lost events', () => {
  const stats = (overrun: number) => fixture('stats.txt').replace('\noverrun: 0', `\noverrun: ${overrun}`);
  const setStats = (trace: Trace, processor: number, text: string) =>
    fake.put(`${trace.leftovers.path}/per_cpu/cpu${processor}/stats`, text);

  test('are the sum of all counters', () => {
    expect(parseLost(fixture('stats.txt'))).toBe(0);
    const text = fixture('stats.txt')
      .replace('\noverrun: 0', '\noverrun: 5')
      .replace('commit overrun: 0', 'commit overrun: 70')
      .replace('dropped events: 0', 'dropped events: 900');
    expect(parseLost(text)).toBe(975);
    expect(parseLost('')).toBe(0);
  });

  test('are reported once and summed over processors', () => {
    const trace = open({ bufferKiB: 4 });
    setStats(trace, 0, stats(7));
    setStats(trace, 1, stats(100));
    put(0, exits(900));
    put(1, exits(900));
    trace.drain();
    expect([trace.takeLost(), trace.takeLost()]).toEqual([107, 0]);
    setStats(trace, 0, stats(9));
    put(0, exits(901));
    put(0, exits(902));
    trace.drain();
    trace.drain();
    expect(trace.takeLost()).toBe(2);
  });

  test('are read only of a buffer that may have been full, after half of it was read', () => {
    const trace = open({ bufferKiB: 64 });
    setStats(trace, 0, stats(7));
    put(0, ...Array.from({ length: 7 }, (_, i) => exits(900 + i)));
    trace.drain();
    expect(trace.takeLost()).toBe(0);
    put(0, exits(910));
    trace.drain();
    expect(trace.takeLost()).toBe(7);
    setStats(trace, 0, stats(9));
    put(0, exits(911));
    trace.drain();
    expect(trace.takeLost()).toBe(0);
  });
});

describe('the end', () => {
  test('is a failed read, after the records before it', () => {
    const trace = open();
    put(0, exits(900), -5);
    put(1, exits(901));
    expect(pids(trace.drain())).toEqual([900]);
    expect(trace.failure).toBe('reading the trace failed with error 5');
    expect(trace.drain()).toEqual([]);
    trace.close();
    expect(trace.failure).toBe('reading the trace failed with error 5');
    expect(fake.instances()).toEqual([]);
  });

  test('is a failed poll, or counters that cannot be read', () => {
    const one = open();
    native.pollResult = -12;
    expect(one.drain()).toEqual([]);
    expect(one.failure).toBe('polling the trace failed with error 12');
    native.pollResult = undefined;
    const other = open({ bufferKiB: 4 });
    fake.breakFile(`${other.leftovers.path}/per_cpu/cpu0/stats`);
    put(0, exits(900));
    expect(pids(other.drain())).toEqual([900]);
    expect(other.failure).toMatch(/^ELOOP/);
  });

  test('closes all descriptors and removes the instance', () => {
    const trace = open();
    expect(openedFiles()).toHaveLength(3);
    expect(trace.leftovers.descriptors).toHaveLength(3);
    trace.close();
    expect(openedFiles()).toEqual([]);
    expect(fake.instances()).toEqual([]);
    expect(trace.drain()).toEqual([]);
    expect(trace.failure).toBe('closed');
  });
});
