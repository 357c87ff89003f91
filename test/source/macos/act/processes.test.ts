import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { openMacProcess } from '../../../../src/source/macos/act/processes.ts';
import { MacProcesses } from '../../../../src/source/macos/native/processes.ts';
import { ProcessCache } from '../../../../src/source/macos/owners/process-cache.ts';
import { FakeMac, type FakeProcess } from '../../../helpers/macos/fake-calls.ts';

const START = 1_600_000_000;
const OWN_PID = 50;

const WEB: FakeProcess = { name: 'web', path: '/opt/web', startedAt: START, parent: 1, group: 99 };

/** Opens process 99 of a machine. @returns it, and the signals that were sent */
function open(
  processes: Readonly<Record<number, FakeProcess>> = { 99: WEB },
  { startedAtMs = START * 1000, onKill }: { startedAtMs?: number; onKill?: (pid: number) => void } = {},
) {
  const mac = Object.assign(new FakeMac(), { processes });
  const calls = new MacProcesses(mac);
  const cache = new ProcessCache({
    processes: calls,
    userName: (uid) => mac.userName(uid),
    ownUid: 501,
    isRoot: false,
  });
  const sent: [pid: number, signal: number][] = [];
  const kill = (pid: number, signal: number): void => {
    onKill?.(pid);
    sent.push([pid, signal]);
  };
  const handle = openMacProcess({ pid: 99, startedAtMs }, { processes: calls, cache, ownPid: OWN_PID, kill });
  return { mac, handle, sent };
}

const failWith = (code: string) => (): never => {
  throw Object.assign(new Error(`kill ${code}`), { code });
};

const { SIGTERM, SIGKILL } = constants.signals;

describe('an open process', () => {
  test('has the facts of the prompt', () => {
    const { handle } = open({
      1: { name: 'launchd', uid: 0, startedAt: 1 },
      99: WEB,
      100: { ...WEB, name: 'worker', parent: 99 },
      101: { ...WEB, name: 'shell', parent: 99, group: 101 },
    });
    expect(handle.facts).toEqual({
      pid: 99,
      name: 'web',
      user: 'ada',
      children: 2,
      group: { id: 99, members: 2 },
    });
  });

  test('gets the signal', () => {
    const { handle, sent } = open();
    expect(handle.hasEnded).toBe(false);
    expect(handle.signal('TERM', 'process')).toEqual({ reached: 1 });
    expect(sent).toEqual([[99, SIGTERM]]);
  });

  test('is not opened if it has ended, or another one has its pid', () => {
    expect(() => open({})).toThrow('process 99 has ended');
    expect(() => open({ 99: WEB }, { startedAtMs: (START - 60) * 1000 })).toThrow(
      'process 99 has ended, and another one has its pid now: nothing was sent',
    );
  });

  test('is opened if its start is that of a source with whole seconds', () => {
    expect(open({ 99: WEB }, { startedAtMs: START * 1000 + 999 }).handle.facts.pid).toBe(99);
  });

  test('gets no signal once another process has its pid, once it is a zombie, and once it is released', () => {
    const { mac, handle, sent } = open();
    mac.processes = { 99: { ...WEB, startedAt: START + 5 } };
    expect(handle.hasEnded).toBe(true);
    expect(handle.signal('KILL', 'process')).toEqual({ reached: 0, refused: 'process 99 has ended' });
    mac.processes = { 99: { ...WEB, isZombie: true } };
    expect(handle.hasEnded).toBe(true);
    mac.processes = { 99: WEB };
    expect(handle.hasEnded).toBe(false);
    handle.close();
    expect(handle.signal('KILL', 'process').reached).toBe(0);
    expect(handle.signal('KILL', 'group')).toEqual({ reached: 0 });
    expect(sent).toEqual([]);
  });

  test.each([
    ['EPERM', 'not permitted: it belongs to ada; run netpane with sudo'],
    ['ESRCH', 'it has ended'],
    ['EINVAL', 'kill: EINVAL'],
  ])('reports a refused signal: %s', (code, refused) => {
    const { handle } = open({ 99: WEB }, { onKill: failWith(code) });
    expect(handle.signal('TERM', 'process')).toEqual({ reached: 0, refused });
  });

  test('has no service, so a signal to the service reaches no process', () => {
    const { handle, sent } = open();
    expect(handle.signal('TERM', 'unit')).toEqual({ reached: 0 });
    expect(sent).toEqual([]);
  });
});

describe('a process group', () => {
  const member = (pid: number): [number, FakeProcess] => [pid, { ...WEB, name: `w${pid}` }];

  test('gets the signal, also members that were started meanwhile, but neither netpane nor process 1', () => {
    const group = Object.fromEntries([1, OWN_PID, 99, 100].map(member));
    const { mac, handle, sent } = open(group, {
      onKill: (pid) => {
        if (pid === 99) mac.processes = { ...mac.processes, ...Object.fromEntries([member(102)]) };
      },
    });
    expect(handle.signal('KILL', 'group')).toEqual({ reached: 3 });
    expect(sent).toEqual([99, 100, 102].map((pid) => [pid, SIGKILL]));
  });

  test('that starts members for ever is given up, and those are counted', () => {
    let next = 200;
    const { mac, handle } = open(Object.fromEntries([member(99)]), {
      onKill: () => {
        mac.processes = Object.fromEntries([member(next++)]);
      },
    });
    expect(handle.signal('TERM', 'group')).toEqual({
      reached: 4,
      refused: '1 not: they were started meanwhile',
    });
  });

  test('with members of another user says how many did not get it', () => {
    const { handle } = open(Object.fromEntries([99, 100].map(member)), {
      onKill: (pid) => {
        if (pid === 100) failWith('EPERM')();
      },
    });
    expect(handle.signal('TERM', 'group')).toEqual({
      reached: 1,
      refused: '1 not: not permitted: it belongs to another user; run netpane with sudo',
    });
  });
});

test('process 0 is not opened: a signal to it would reach the process group of netpane', () => {
  const mac = Object.assign(new FakeMac(), { processes: { 0: { ...WEB, name: 'kernel_task' } } });
  const processes = new MacProcesses(mac);
  const cache = new ProcessCache({ processes, userName: () => undefined, ownUid: 501, isRoot: false });
  const access = { processes, cache, ownPid: OWN_PID, kill: () => {} };
  expect(() => openMacProcess({ pid: 0 }, access)).toThrow('process 0 is the kernel: it gets no signals');
});

test.each([
  [1, 'init'],
  [OWN_PID, 'netpane'],
] as const)('process %i has the guard %s', (pid, guard) => {
  const mac = Object.assign(new FakeMac(), { processes: { [pid]: WEB } });
  const processes = new MacProcesses(mac);
  const cache = new ProcessCache({ processes, userName: () => undefined, ownUid: 501, isRoot: false });
  const handle = openMacProcess({ pid }, { processes, cache, ownPid: OWN_PID, kill: () => {} });
  expect(handle.facts.guard).toBe(guard);
});
