import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CommandRuns, MAX_RUNNING, MAX_WAITING, RUN_MS, TERM_MS } from '../../../src/cli/on/command-runs.ts';
import { FakePrograms } from './programs.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** Returns the runs, the programs that they start, and the results in the order of the ends. */
function setUp() {
  const programs = new FakePrograms();
  const runs = new CommandRuns(programs);
  const ends: (string | undefined)[] = [];
  const add = (...command: string[]): boolean =>
    runs.add({ command, input: '{}\n', env: { PATH: '/bin' }, onEnd: (failure) => ends.push(failure) });
  return { programs, runs, ends, add };
}

test('starts a program without a shell, in /, with its input and nothing else of netpane', () => {
  const { programs, add, ends } = setUp();
  add('alert', '$(reboot)', '; x');
  const { words, options, input } = programs.at(0);
  expect(words).toEqual(['alert', '$(reboot)', '; x']);
  expect(options).toMatchObject({
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { PATH: '/bin' },
  });
  expect(options.shell).toBeUndefined();
  expect(input()).toBe('{}\n');
  programs.at(0).exit(0);
  expect(ends).toEqual([undefined]);
});

test('runs only some programs at once, the next ones as others end, and refuses more than can wait', () => {
  const { programs, add } = setUp();
  const added = Array.from({ length: MAX_RUNNING + MAX_WAITING + 1 }, () => add('alert'));
  expect(programs.started).toHaveLength(MAX_RUNNING);
  expect(added.indexOf(false)).toBe(MAX_RUNNING + MAX_WAITING);
  programs.at(0).exit(0);
  programs.at(1).fail(new Error('spawn alert ENOENT'));
  expect(programs.started).toHaveLength(MAX_RUNNING + 2);
});

test('a program that runs too long gets SIGTERM, then SIGKILL, and its place is free again', () => {
  const { programs, add, ends } = setUp();
  add('hang');
  vi.advanceTimersByTime(RUN_MS - 1);
  expect(programs.at(0).signals).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(programs.at(0).signals).toEqual(['SIGTERM']);
  vi.advanceTimersByTime(TERM_MS);
  expect(programs.at(0).signals).toEqual(['SIGTERM', 'SIGKILL']);
  programs.at(0).exit(null, 'SIGKILL');
  expect(ends).toEqual(['ended after 30s']);
});

test('children of a program that ran too long do not outlive it', () => {
  const { programs, add } = setUp();
  add('hang');
  vi.advanceTimersByTime(RUN_MS);
  programs.at(0).exit(null, 'SIGTERM');
  expect(programs.at(0).signals).toEqual(['SIGTERM', 'SIGKILL']);
});

test('a program ends also while a child of it holds its stderr', () => {
  const { programs, add, ends } = setUp();
  add('daemonize');
  programs.at(0).exit(0, undefined, true);
  vi.advanceTimersByTime(1000);
  expect(ends).toEqual([undefined]);
});

test('a failure has the exit code or signal, and the first line of stderr, of which a bounded part is kept', () => {
  const { programs, add, ends } = setUp();
  add('bad');
  programs.at(0).complain('\ncannot connect\nusage: …');
  programs.at(0).exit(3);
  add('bad');
  programs.at(1).exit(null, 'SIGSEGV');
  add('noisy');
  for (let i = 0; i < 100; i++) programs.at(2).complain('x'.repeat(1000));
  programs.at(2).exit(1);
  expect(ends.slice(0, 2)).toEqual(['exit code 3: cannot connect', 'ended by SIGSEGV']);
  expect(ends[2]).toHaveLength('exit code 1: '.length + 4096);
});

test('a program that cannot be started is a failure', () => {
  const programs = new FakePrograms();
  const ends: (string | undefined)[] = [];
  const start = () => {
    throw new Error('spawn E2BIG');
  };
  const runs = new CommandRuns({ start, end: programs.end });
  expect(runs.add({ command: ['a'], input: '', env: {}, onEnd: (failure) => ends.push(failure) })).toBe(true);
  expect(ends).toEqual(['spawn E2BIG']);
});

test('at the end of netpane, running programs get SIGTERM and waiting ones are not started', () => {
  const { programs, runs, add } = setUp();
  for (let i = 0; i <= MAX_RUNNING; i++) add('alert');
  runs.stop();
  expect(programs.started.map(({ signals }) => signals)).toEqual(Array(MAX_RUNNING).fill(['SIGTERM']));
  programs.at(0).exit(null, 'SIGTERM');
  expect(programs.started).toHaveLength(MAX_RUNNING);
  expect(add('alert')).toBe(false);
});
