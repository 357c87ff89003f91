// A trace of a fake tracefs, with the mocks of the test file: `withFake(() => fake)` as `node:fs`, and two processors in
// `node:os`.
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { TraceRecord } from '../../../../src/source/linux/trace/records.ts';
import { Trace, type TraceOptions } from '../../../../src/source/linux/trace/trace.ts';
import { event, exitEvent, FakeNative, FakeTracefs, openFiles, pageOf } from './fake.ts';

export let fake: FakeTracefs;
export let native: FakeNative;
/** Current time, milliseconds. */
let nowMs: number;
let namespace: string;

/** Makes the fakes before each test. */
export function useTraceScene(): void {
  beforeEach(() => {
    fake = new FakeTracefs();
    native = new FakeNative();
    nowMs = 1000;
    namespace = join(fake.root, 'pid');
    symlinkSync('pid:[4026531836]', namespace);
  });
  afterEach(() => fake.close());
}

export const setNow = (ms: number): void => {
  nowMs = ms;
};

export const open = (options: TraceOptions = {}) =>
  Trace.open(native, {
    mountPoints: [fake.root],
    pidNamespacePath: namespace,
    nowMs: () => nowMs,
    ...options,
  });

/** Returns a page with exits of threads at these times, milliseconds; each pid is its time. */
export function exits(...timesMs: number[]): Uint8Array {
  const [first = 0] = timesMs;
  return pageOf(
    BigInt(first * 1e6),
    timesMs.map((ms, i) => event(exitEvent(ms), (ms - (timesMs[i - 1] ?? first)) * 1e6)),
  );
}

/** Adds pages to those that the trace reads of a processor; a number is the error of the read in its place. */
export const put = (processor: number, ...pages: (Uint8Array | number)[]) =>
  native.pipes.set(processor, [...(native.pipes.get(processor) ?? []), ...pages]);

export const pids = (records: readonly TraceRecord[]) =>
  records.map((it) => ('pid' in it ? it.pid : undefined));

/** Returns the open files of this test's tracefs. */
export const openedFiles = () => openFiles().filter((file) => file.startsWith(fake.root));
