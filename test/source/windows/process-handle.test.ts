import { beforeEach, describe, expect, test } from 'vitest';
import type { EndingApi } from '../../../src/source/windows/api.ts';
import { openWindowsProcess } from '../../../src/source/windows/process-handle.ts';
import { type FakeProcess, FakeWindows, fileTime, STARTED_MS } from '../../helpers/windows.ts';

const WEB: FakeProcess = { pid: 100, name: 'web.exe', details: { user: 'anna' } };

/** Windows with processes that can end; the handle of a process is its pid plus 1000. */
class EndingWindows extends FakeWindows implements EndingApi {
  readonly ended = new Set<number>();
  readonly open = new Set<number>();
  isRefused = false;
  hasCritical = false;
  /** Start of the process behind a handle. */
  createdAtMs = STARTED_MS;

  openForEnd(pid: number): number {
    if (this.isRefused) return 0;
    this.open.add(pid + 1000);
    return pid + 1000;
  }

  closeHandle(handle: number): void {
    this.open.delete(handle);
  }

  createdOf(): number {
    return Number(fileTime(this.createdAtMs));
  }

  hasEnded(handle: number): boolean {
    return this.ended.has(handle);
  }

  isCritical(): boolean {
    return this.hasCritical;
  }

  terminate(handle: number): boolean {
    this.ended.add(handle);
    return true;
  }
}

let windows: EndingWindows;
beforeEach(() => {
  windows = new EndingWindows();
  windows.processes = [WEB, { pid: 101, name: 'child.exe', parent: 100 }, { pid: 7, name: 'netpane.exe' }];
});

const open = (pid = 100) => openWindowsProcess({ pid, startedAtMs: STARTED_MS }, windows, 7);

test('an open process has its name, user and number of children; netpane itself is guarded', () => {
  expect(open().facts).toEqual({ pid: 100, name: 'web.exe', user: 'anna', children: 1 });
  expect(open(7).facts).toMatchObject({ guard: 'netpane' });
});

test('a process that started earlier is no child: its parent had the same pid', () => {
  windows.processes = [WEB, { pid: 101, parent: 100, startedAtMs: STARTED_MS - 60_000 }];
  expect(open().facts.children).toBe(0);
});

test.each(['TERM', 'KILL'] as const)('%s ends it', (name) => {
  const handle = open();
  expect(handle.hasEnded).toBe(false);
  expect(handle.signal(name, 'process')).toEqual({ reached: 1 });
  expect(handle.hasEnded).toBe(true);
  expect(handle.signal(name, 'process')).toEqual({ reached: 0, refused: 'process 100 has ended' });
});

test('other signals, groups and services do not exist on Windows', () => {
  const handle = open();
  expect(handle.signal('HUP', 'process')).toEqual({
    reached: 0,
    refused: 'Windows has no signal HUP: TERM and KILL end a process at once',
  });
  expect(handle.signal('TERM', 'group')).toEqual({ reached: 0 });
  expect(handle.hasEnded).toBe(false);
});

test('after close the handle is released and no signal reaches the process', () => {
  const handle = open();
  expect(windows.open.size).toBe(1);
  handle.close();
  handle.close();
  expect(windows.open.size).toBe(0);
  expect(handle.signal('KILL', 'process')).toMatchObject({ reached: 0 });
  expect(windows.ended.size).toBe(0);
});

describe('is refused, without an open handle', () => {
  const REUSED = 'process 100 has ended, and another one has its pid now: nothing was sent';
  test.each<[what: string, prepare: () => void, pid: number, why: string]>([
    ['a process that has ended', () => (windows.processes = [{ pid: 8 }]), 100, 'process 100 has ended'],
    [
      'another process with its pid',
      () => (windows.processes = [{ ...WEB, startedAtMs: STARTED_MS + 10_000 }]),
      100,
      REUSED,
    ],
    ['a process that got its pid before it was opened', () => (windows.createdAtMs += 1), 100, REUSED],
    [
      'a process of another account',
      () => (windows.isRefused = true),
      100,
      'Windows does not let netpane end process 100 (web.exe): run netpane as administrator',
    ],
    [
      'a process that Windows protects from administrators',
      () => (windows.isRefused = windows.isElevated = true),
      100,
      'Windows does not let netpane end process 100 (web.exe)',
    ],
    [
      'a process that Windows cannot do without',
      () => (windows.hasCritical = true),
      100,
      'Windows stops if process 100 (web.exe) ends: netpane does not end it',
    ],
    ['Windows itself', () => {}, 4, 'process 4 is Windows itself: it cannot be ended'],
  ])('%s', (_, prepare, pid, why) => {
    prepare();
    expect(() => open(pid)).toThrow(new Error(why));
    expect(windows.open.size).toBe(0);
  });
});
