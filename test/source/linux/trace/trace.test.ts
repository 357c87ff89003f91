import { readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { TraceOptions } from '../../../../src/source/linux/trace/trace.ts';
import { TraceUnavailable } from '../../../../src/source/linux/trace/tracefs.ts';
import { descriptorOf } from './fake.ts';
import { exits, fake, native, open, openedFiles, pids, put, useTraceScene } from './trace-scene.ts';

vi.mock('node:fs', async () => (await import('./fake.ts')).withFake(() => fake));
const cpus = vi.hoisted(() => ({ count: 2 }));
vi.mock('node:os', async (original) => ({
  ...(await original<typeof import('node:os')>()),
  cpus: () => Array.from({ length: cpus.count }),
}));

useTraceScene();
beforeEach(() => {
  cpus.count = 2;
});

describe('opening', () => {
  test('writes the settings before it enables events, and the filter of an event before that event', () => {
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

  test('fails if the kernel rejects the filter that excludes other protocols', () => {
    fake.refused.set('inet_sock_set_state/filter', 'EINVAL');
    expect(refusal()).toBe('this kernel cannot trace socket states');
  });

  test('fails without the monotonic clock, by which events are sorted', () => {
    fake.refused.set('trace_clock', 'EINVAL');
    expect(refusal()).toBe('this kernel has no monotonic trace clock');
  });

  test('fails for an unknown page format', () => {
    fake.headerPage = '\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n';
    expect(refusal()).toBe('unknown format of trace pages');
  });

  test('fails without permission or memory', () => {
    fake.refused.set('trace_options', 'EACCES');
    expect(refusal()).toMatch(/^(?:access to tracefs denied|tracing needs root)/);
    fake.refused.clear();
    fake.refused.set('buffer_size_kb', 'ENOMEM');
    expect(refusal()).toBe('tracefs error: ENOMEM');
  });

  test('fails in a pid namespace, whose processes have other pids in the trace', () => {
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

describe('the end', () => {
  test('comes with a read that fails; the records before it are still returned', () => {
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

  test('comes with a poll that fails, or counters that cannot be read', () => {
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
