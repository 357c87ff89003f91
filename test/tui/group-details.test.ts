import { expect, test, vi } from 'vitest';
import { RowOrder } from '../../src/view/table/order.ts';
import { FakeApp } from '../helpers/app.ts';
import { baseline, batch, emptyState, socket } from '../helpers/fakes.ts';

const HOME = '\x1b[H';
const END = '\x1b[F';
const DOWN = 'j';

test('the details of a group header show its sockets and remote addresses', async () => {
  const app = new FakeApp(100, 40, emptyState());
  const all = [1, 2, 3].map((i) =>
    socket({ process: 'curl', pid: i, local: `10.0.0.1:${i}`, remote: `192.0.2.${i % 2}:443` }),
  );
  await app.take(
    baseline([...all, socket({ process: 'sshd', local: '0.0.0.0:22', remote: null, state: 'LISTEN' })]),
  );
  await app.press('o', HOME);
  app.app.dispatch({ type: 'pane', pane: 'details', open: true });
  await app.shown();
  expect(app.text).toMatch(/group +curl/);
  expect(app.text).toMatch(/sockets +3 sockets {2}3 established/);
  expect(app.text).toMatch(/remotes +192\.0\.2\.1 ×2 {2}192\.0\.2\.0/);
});

test('the details of the folded line count the sockets in TIME_WAIT and say what that means', async () => {
  const app = new FakeApp(100, 40, emptyState());
  const all = Array.from({ length: 20 }, (_, i) =>
    socket({ local: `10.0.0.1:${i + 1}`, remote: '192.0.2.1:443', state: 'TIME_WAIT', owners: [] }),
  );
  await app.take(baseline(all));
  await app.press(END);
  app.app.dispatch({ type: 'pane', pane: 'details', open: true });
  await app.shown();
  expect(app.text).toMatch(/sockets +20 connections in TIME_WAIT/);
  expect(app.text).toContain('closed by both ends;');
});

test('the rows of a group are read again only when they change', async () => {
  const reads = vi.spyOn(RowOrder.prototype, 'rowsIn');
  const app = new FakeApp(100, 40, emptyState());
  const sockets = [1, 2].map((i) =>
    socket({ id: `${i}`, process: 'curl', pid: i, local: `10.0.0.1:${i}`, remote: `192.0.2.${i}:443` }),
  );
  await app.take(baseline([...sockets, socket({ id: 'ssh', process: 'sshd', local: '0.0.0.0:22' })]));
  await app.press('o', HOME);
  app.app.dispatch({ type: 'pane', pane: 'details', open: true });
  await app.shown();
  const before = reads.mock.calls.length;
  expect(before).toBeGreaterThan(0);
  app.app.dispatch({ type: 'message', message: { text: 'painted', isError: false } });
  await app.shown();
  await app.take(batch({ monotonicMs: 1000 }));
  expect(app.text).toContain('painted');
  expect(reads.mock.calls).toHaveLength(before);
  await app.take(batch({ monotonicMs: 2000, closed: ['1'] }));
  expect(app.text).toMatch(/sockets +1 socket {2}1 established/);
  await app.press(DOWN, DOWN, DOWN);
  expect(app.text).toMatch(/group +sshd/);
  reads.mockRestore();
});

test('the most frequent remote addresses come first, in the order of their first rows, and the rest is counted', async () => {
  const app = new FakeApp(150, 40, emptyState());
  const times = [1, 1, 2, 1, 1, 3, 1, 1, 1, 2, 1];
  const all = times.flatMap((count, i) =>
    Array.from({ length: count }, (_, k) =>
      socket({ process: 'curl', pid: 1, local: `10.0.0.${i}:${k + 1}`, remote: `192.0.2.${i}:443` }),
    ),
  );
  await app.take(baseline(all));
  await app.press('o', HOME);
  app.app.dispatch({ type: 'pane', pane: 'details', open: true });
  await app.shown();
  expect(app.text).toMatch(/remotes +192\.0\.2\.5 ×3 {2}192\.0\.2\.2 ×2 {2}192\.0\.2\.9 ×2/);
  expect(app.text).toContain('and 3 more');
});
