import { describe, expect, test } from 'vitest';
import type { ProcessFacts } from '../../src/model/process.ts';
import type { State } from '../../src/store/state.ts';
import { FakeApp } from '../helpers/app.ts';
import { after, baseline, batch, emptyState, socket } from '../helpers/fakes.ts';

const ENTER = '\r';
const TAB = '\t';
const ESC = '\x1b';
const HOME = '\x1b[H';
const DOWN = '\x1b[B';
const CTRL_U = '\x15';

const NODE: ProcessFacts = {
  pid: 4711,
  name: 'node',
  user: 'ana',
  directory: '/srv/app',
  children: 3,
  group: { id: 4711, members: 4 },
  unit: { name: 'app.service', members: 5 },
};

const listener = socket({
  id: 's1',
  process: 'node',
  pid: 4711,
  local: '0.0.0.0:3000',
  remote: null,
  state: 'LISTEN',
});
const client = socket({
  id: 's2',
  process: 'curl',
  pid: 12,
  local: '10.0.0.1:5000',
  remote: '192.0.2.1:443',
});

async function open(changes: Partial<State> = {}): Promise<FakeApp> {
  const state = { ...emptyState(), user: 'root', ...changes };
  const app = new FakeApp(100, 30, state);
  app.processes.process = NODE;
  return app.take(baseline([listener, client]));
}

/** Selects the row with a text. */
async function select(app: FakeApp, process: string): Promise<void> {
  await app.press(HOME);
  if (process === 'node') await app.press(DOWN);
}

describe('K', () => {
  test('shows the process and its signals; enter sends TERM, and its end closes the list', async () => {
    const app = await open();
    await select(app, 'node');
    await app.press('K');
    expect(app.processes.opened).toEqual([{ pid: 4711 }]);
    expect(app.text).toMatch(
      /SIGNAL TO node \(4711\) +1 socket · 3 children · user ana · app.service · \/srv\/app/,
    );
    await app.press(ENTER);
    await app.shown();
    expect(app.processes.signals).toEqual([{ name: 'TERM', scope: 'process' }]);
    expect(app.text).toContain('node (4711) ended 0.3s after TERM');
    expect(app.text).not.toContain('SIGNAL TO');
    expect(app.processes.released).toEqual([NODE]);
    await app.press('e');
    expect(app.text).toMatch(/> root: TERM sent to node \(4711\)/);
    expect(app.text).toMatch(/> root: node \(4711\) ended 0.3s after TERM/);
  });

  test('opens the process that made a socket only with its start: another process may have its pid', async () => {
    const app = await open();
    const made = { ...client, owners: client.owners.map((it) => ({ ...it, knowledge: 'creator' as const })) };
    await app.take(batch({ changed: [made] }));
    await select(app, 'curl');
    await app.press('K');
    expect(app.processes.opened).toEqual([]);
    expect(app.text).toContain('process 12 has ended, or its start is unknown');
  });

  test('opens the process of a closed row only with its start: another process may have its pid', async () => {
    const app = await open();
    await app.take(batch({ closed: ['s2'] }));
    await select(app, 'curl');
    await app.press('K');
    expect(app.processes.opened).toEqual([]);
    expect(app.text).toContain(
      'process 12 has ended, or its start is unknown: another one may have its pid now',
    );
    const started = { ...client, owners: client.owners.map((it) => ({ ...it, startTicks: 7 })) };
    const other = await open();
    await other.take(batch({ changed: [started] }), batch({ closed: ['s2'] }));
    await select(other, 'curl');
    await other.press('K');
    expect(other.processes.opened).toEqual([{ pid: 12, startTicks: 7 }]);
  });

  test('tab chooses the process group, then the service', async () => {
    const app = await open();
    await select(app, 'node');
    await app.press('K', TAB);
    expect(app.text).toContain('SIGNAL TO process group 4711 of node (4 processes)');
    await app.press(TAB);
    expect(app.text).toContain('SIGNAL TO app.service (5 processes)');
    await app.press(DOWN, ENTER);
    expect(app.processes.signals).toEqual([{ name: 'KILL', scope: 'unit' }]);
  });

  test('says why a signal was refused, and the list stays open', async () => {
    const app = await open();
    app.processes.signalResult = { reached: 0, refused: 'not permitted: it belongs to ana' };
    await select(app, 'node');
    await app.press('K', ENTER);
    expect(app.text).toContain('SIGNAL TO node (4711)  TERM not sent to node (4711): not permitted');
  });

  test('sends no signal to a guarded process until its name is typed', async () => {
    const app = await open();
    app.processes.process = { pid: 1, name: 'systemd', children: 9, guard: 'init' };
    await select(app, 'node');
    await app.press('K', ENTER);
    expect(app.processes.signals).toEqual([]);
    await app.type('nod');
    await app.press(ENTER);
    expect(app.text).toContain('type systemd to send it');
    await app.press(ESC);
    expect(app.processes.signals).toEqual([]);
    expect(app.text).toContain('no signal sent');
    await app.press(ENTER);
    await app.type('nod');
    await app.press(CTRL_U);
    expect(app.text).not.toContain('no signal sent');
    await app.type('systemd');
    await app.press(ENTER);
    expect(app.processes.signals).toEqual([{ name: 'TERM', scope: 'process' }]);
  });

  test('says why the process cannot be opened', async () => {
    const app = await open();
    app.processes.process = 'process 4711 has ended';
    await select(app, 'node');
    await app.press('K');
    expect(app.text).toContain('process 4711 has ended');
  });

  test('opens no process with --read-only, and X asks nothing: both say so', async () => {
    const app = await open({ readOnly: true });
    await select(app, 'node');
    await app.press('K');
    expect(app.processes.opened).toEqual([]);
    expect(app.text).toContain('netpane runs with --read-only');
    await app.press('X');
    expect(app.text).toContain('netpane runs with --read-only');
  });

  test('esc releases the process', async () => {
    const app = await open();
    await select(app, 'node');
    await app.press('K', ESC);
    expect(app.processes.released).toEqual([NODE]);
    expect(app.processes.signals).toEqual([]);
  });
});

describe('X', () => {
  test('closes the selected socket after a question', async () => {
    const app = await open();
    await select(app, 'curl');
    await app.press('X');
    expect(app.text).toContain('close curl → 192.0.2.1:443? y closes, its program gets an error');
    await app.press('n');
    expect(app.processes.closedSockets).toEqual([]);
    expect(app.text).toContain('nothing closed');
    await app.press('X', ENTER);
    expect(app.processes.closedSockets).toEqual([]);
    expect(app.text).toContain('nothing closed');
    await app.press('X', 'y');
    await app.shown();
    expect(app.processes.closedSockets.map(({ id }) => id)).toEqual(['s2']);
    expect(app.text).toContain('closed curl → 192.0.2.1:443');
  });

  test('names a connection that the peer opened by an arrow from the peer', async () => {
    const accepted = socket({
      id: 's3',
      process: 'node',
      pid: 4711,
      local: '10.0.0.1:3000',
      remote: '192.0.2.7:50022',
    });
    const app = await new FakeApp(100, 30, { ...emptyState(), user: 'root' }).take(
      baseline([listener, accepted]),
    );
    await app.press('/', ...Array.from('rport:50022'), ENTER, HOME, 'X');
    expect(app.text).toContain('close node ← 192.0.2.7:50022? y closes');
  });

  test('closes the marked sockets, and removes their marks', async () => {
    const app = await open();
    await app.press(HOME, 'm', DOWN, 'm');
    expect(app.text).toContain('2 marked');
    expect(app.text).toMatch(/^ \*curl/m);
    await app.press('X');
    expect(app.text).toContain('close 2 marked sockets? y closes, their programs get an error');
    await app.press('y');
    await app.shown();
    expect(app.processes.closedSockets.map(({ id }) => id).toSorted()).toEqual(['s1', 's2']);
    expect(app.text).not.toMatch(/^ \*/m);
  });

  test('closes all sockets of a group', async () => {
    const app = await open();
    await app.press('o', HOME, 'X');
    expect(app.text).toContain('close curl → 192.0.2.1:443?');
  });
});

test('the result of a signal is logged also if the process is not open any more', () => {
  const state = after(emptyState(), {
    type: 'signalled',
    facts: NODE,
    scope: 'process',
    signal: 'TERM',
    result: { reached: 1 },
    wallMs: 0,
  });
  expect(state.process).toBeNull();
  expect(state.log.end).toBe(1);
});
