import { expect, test } from 'vitest';
import { FakeApp } from '../helpers/app.ts';
import { baseline, emptyState, socket } from '../helpers/fakes.ts';

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
    /verdict +program was deleted · program is from tool 1\.0 · listens: all interfaces/,
  );
  expect(app.text).toMatch(/why +scheduled job \(cron 1\).* \(\/proc\/7\/stat\)/);
  await app.pass(3000);
  expect(app.processes.asked).toHaveLength(1);
});

test('the verdict says that more is being read', async () => {
  const app = new FakeApp(100, 44, emptyState());
  app.processes.evidence = { verdict: [], lines: [], isComplete: false };
  await app.take(baseline([listener]));
  await app.press(ENTER);
  await app.pass(200);
  expect(app.text).toMatch(/verdict +listens: all interfaces · reading …/);
});
