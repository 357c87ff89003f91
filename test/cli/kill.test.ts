import { afterEach, expect, test, vi } from 'vitest';
import { invocationOf, parseCommandLine } from '../../src/cli/command-line.ts';
import type { ProcessFacts } from '../../src/model/process.ts';
import type { Socket } from '../../src/model/socket.ts';
import { OpenProcesses } from '../../src/cli/open-processes.ts';
import { socket } from '../helpers/fakes.ts';

afterEach(() => {
  vi.doUnmock('../../src/cli/snapshot.ts');
  vi.doUnmock('../../src/cli/say.ts');
  vi.resetModules();
});

/** Runs `netpane kill :3000 --yes` on these sockets. @returns its result, what it says, and the pids that get the signal */
async function killOf(sockets: readonly Socket[]) {
  const said: string[] = [];
  const sent: number[] = [];
  vi.doMock('../../src/cli/say.ts', () => ({ say: (text: string) => said.push(text) }));
  vi.doMock('../../src/cli/snapshot.ts', () => ({
    matchingSockets: () =>
      Promise.resolve({ order: { rows: () => sockets.map((it) => ({ socket: it })) }, notices: () => [] }),
  }));
  const { kill } = await import('../../src/cli/kill.ts');
  const processes = new OpenProcesses(({ pid }) => {
    const facts: ProcessFacts = { pid, name: 'node', children: 0 };
    const signal = () => ({ reached: sent.push(pid) && 1 });
    return Promise.resolve({ facts, hasEnded: false, signal, close: () => {} });
  });
  const invocation = invocationOf(parseCommandLine(['kill', ':3000', '--yes']), {});
  return { isDone: await kill(invocation, {}, processes), said, sent };
}

const listener = (id: string, pid: number) =>
  socket({ id, process: 'node', pid, local: '0.0.0.0:3000', remote: null, state: 'LISTEN' });

test('kill sends the signal to the program of each listener, and not to clients', async () => {
  const client = socket({ id: 'c', process: 'curl', pid: 9, remote: '10.0.0.1:3000' });
  const { isDone, said, sent } = await killOf([listener('a', 1001), listener('b', 1002), client]);
  expect(isDone).toBe(true);
  expect(sent).toEqual([1001, 1002]);
  expect(said[0]).toBe('1 other program only connects to it: left alone');
});

test('kill fails if the program of a matching socket is hidden, after the signal to the others', async () => {
  const hidden = { ...listener('b', 1002), owners: [{ knowledge: 'hidden' as const }] };
  const { isDone, said, sent } = await killOf([listener('a', 1001), hidden]);
  expect(isDone).toBe(false);
  expect(sent).toEqual([1001]);
  expect(said[0]).toBe('1 matching socket of hidden programs: left alone, run netpane with sudo');
});

test.each([
  [1, '1 socket found, but no process that holds it (gone)'],
  [2, '2 sockets found, but no process that holds them (gone)'],
])('kill fails if %i sockets have no known process, and says so', async (count, text) => {
  const sockets = Array.from({ length: count }, (_, i) => ({
    ...listener(`${i}`, 1),
    owners: [{ knowledge: 'gone' as const }],
  }));
  expect(await killOf(sockets)).toEqual({ isDone: false, said: [text], sent: [] });
});
