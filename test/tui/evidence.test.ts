import { expect, test } from 'vitest';
import { FakeApp } from '../helpers/app.ts';
import { baseline, batch, emptyState, socket } from '../helpers/fakes.ts';

const ENTER = '\r';

const listener = socket({ process: 'tool', pid: 7, local: '0.0.0.0:4000', remote: null, state: 'LISTEN' });

test('the details ask for the evidence about a process once, and show its verdict and each line with its source', async () => {
  const app = new FakeApp(100, 44, emptyState());
  app.processes.evidence = {
    verdict: [
      { text: 'program is from tool 1.0', isUnusual: false },
      { text: 'program was deleted', isUnusual: true },
    ],
    lines: [{ label: 'why', text: 'scheduled job (cron 1)\x1b[2J', from: '/proc/7/stat' }],
    isComplete: true,
  };
  await app.take(baseline([listener]));
  expect(app.processes.asked).toEqual([]);
  await app.press(ENTER);
  await app.pass(200);
  expect(app.processes.asked).toEqual([{ pid: 7 }]);
  expect(app.text).toMatch(
    /verdict +listens: all interfaces · program was deleted · program is from tool 1\.0/,
  );
  expect(app.text).toMatch(/why +scheduled job \(cron 1\).* \(\/proc\/7\/stat\)/);
  await app.pass(3000);
  expect(app.processes.asked).toHaveLength(1);
});

test('the first lines of the details on the lowest screen say who can reach a socket, its program and the verdict', async () => {
  for (const shown of [listener, socket({ process: 'tool', pid: 7 })]) {
    const app = new FakeApp(40, 10, emptyState());
    app.processes.evidence = {
      verdict: [{ text: 'program was deleted', isUnusual: true }],
      lines: [],
      isComplete: true,
    };
    await app.take(baseline([shown]));
    await app.press(ENTER);
    await app.pass(200);
    expect(app.text).toMatch(/^socket +tcp/m);
    expect(app.text).toMatch(/^program +tool {2}pid 7$/m);
    expect(app.text).toMatch(/^verdict +(listens: all interfaces ·\n +)?program was deleted$/m);
  }
});

test('the verdict says that more is being read', async () => {
  const app = new FakeApp(100, 44, emptyState());
  app.processes.evidence = { verdict: [], lines: [], isComplete: false };
  await app.take(baseline([listener]));
  await app.press(ENTER);
  await app.pass(200);
  expect(app.text).toMatch(/verdict +listens: all interfaces · reading …/);
});

test('a listener that closed and opened again has the evidence about its program, which still runs', async () => {
  const app = new FakeApp(100, 44, emptyState());
  app.processes.evidence = {
    verdict: [],
    lines: [{ label: 'why', text: 'scheduled job', from: '/proc/7/stat' }],
    isComplete: true,
  };
  const closing = { ...listener, owners: listener.owners.map((it) => ({ ...it, startedAtMs: 5000 })) };
  await app.take(baseline([closing]), batch({ monotonicMs: 1000, closed: [closing.id] }));
  await app.press(ENTER);
  await app.pass(200);
  expect(app.processes.asked).toEqual([{ pid: 7, startedAtMs: 5000 }]);
  expect(app.text).toMatch(/why +scheduled job/);
});

test('details keep the evidence when the wall clock is set, and read it again for another process with the pid', async () => {
  const app = new FakeApp(100, 44, emptyState());
  app.processes.evidence = {
    verdict: [{ text: 'program was deleted', isUnusual: true }],
    lines: [],
    isComplete: true,
  };
  const startedAt = (startedAtMs: number, startTicks: number) => ({
    ...listener,
    owners: listener.owners.map((it) => ({ ...it, startedAtMs, startTicks })),
  });
  await app.take(baseline([startedAt(5000, 7)]));
  await app.press(ENTER);
  await app.pass(200);
  await app.take(batch({ monotonicMs: 1000, changed: [startedAt(3_605_000, 7)] }));
  await app.pass(200);
  expect(app.processes.asked).toEqual([{ pid: 7, startedAtMs: 5000, startTicks: 7 }]);
  expect(app.text).toContain('program was deleted');
  await app.take(batch({ monotonicMs: 2000, changed: [startedAt(3_605_000, 8)] }));
  await app.pass(200);
  expect(app.processes.asked).toHaveLength(2);
});

test('a closed socket without the start of its process has no evidence: another process may have its pid now', async () => {
  const app = new FakeApp(100, 44, emptyState());
  await app.take(baseline([listener]), batch({ monotonicMs: 1000, closed: [listener.id] }));
  await app.press(ENTER);
  await app.pass(200);
  expect(app.text).toContain('closed, was LISTEN');
  expect(app.processes.asked).toEqual([]);
});

test('details that open again read the evidence and the rules again: files and rules change', async () => {
  const app = new FakeApp(100, 44, emptyState());
  app.processes.evidence = { verdict: [], lines: [], isComplete: true };
  await app.take(baseline([listener]));
  await app.press(ENTER, ENTER, ENTER);
  await app.pass(200);
  expect(app.processes.asked).toEqual([{ pid: 7 }, { pid: 7 }]);
  expect(app.processes.askedFirewall).toHaveLength(2);
});

test('a verdict without a fact has no line', async () => {
  const app = new FakeApp(100, 44, emptyState());
  app.processes.evidence = { verdict: [], lines: [], isComplete: true };
  await app.take(baseline([socket({ process: 'tool', pid: 7 })]));
  await app.press(ENTER);
  await app.pass(200);
  expect(app.processes.asked).toHaveLength(1);
  expect(app.text).not.toContain('verdict');
});
