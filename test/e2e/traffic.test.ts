// Byte counters are exact, and rates are within a few percent.
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { eventually, type HerdProcess, type HerdSocket } from '../helpers/herd.ts';
import type { Listed } from '../helpers/listed.ts';
import { hasNetlink, newHerd, rowOf, runNetpane, startNetpane, pollsByHand, uniqueName } from './netpane.ts';

const why = hasNetlink ? '' : ' (skipped: netlink cannot be used here)';

/** Bytes that the sender sends in a second. */
const RATE = 200_000;

/** Returns both ends of a connection as netpane lists them. */
async function listed(near: HerdSocket): Promise<{ near: Listed; far: Listed }> {
  const port = String(near.remote?.port);
  const { stdout, code } = await runNetpane(['ls', '--json', '--tcp', '--port', port]);
  expect(code).toBe(0);
  const sockets = JSON.parse(stdout) as Listed[];
  const of = (local: number | undefined, remote: number | undefined) => {
    const found = sockets.find((it) => it.local.port === local && it.remote?.port === remote);
    if (found === undefined) throw new Error(`netpane does not list ${local} → ${remote}`);
    return found;
  };
  return {
    near: of(near.local.port, near.remote?.port),
    far: of(near.remote?.port, near.local.port),
  };
}

/** Lists both ends until all bytes are received. */
async function listedWhenReceived(near: HerdSocket, up: number, down: number) {
  for (;;) {
    const both = await listed(near);
    const isThere = (both.far.rxBytes ?? 0) >= up && (both.near.rxBytes ?? 0) >= down;
    if (isThere) return both;
  }
}

// Side by side: the sender takes some seconds.
describe.skipIf(!hasNetlink)(`traffic${why}`, { concurrent: true }, () => {
  let server: HerdProcess;
  let client: HerdProcess;
  beforeAll(async () => {
    const herd = newHerd();
    [server, client] = await Promise.all([
      herd.spawn({ title: `${uniqueName()}-s` }),
      herd.spawn({ title: `${uniqueName()}-c` }),
    ]);
  });

  test.each([
    ['127.0.0.1', 2 ** 20 + 3, 70_001],
    ['::1', 1, 0],
    ['127.0.0.1', 0, 123_457],
  ])('%s: counts %d bytes sent and %d received, also when half closed', async (host, up, down) => {
    const listener = await server.listen({ host });
    const { near, far } = await client.connect(server, listener);
    const [one, other] = [...near, ...far] as [HerdSocket, HerdSocket];
    const counters = [
      { rxBytes: down, txBytes: up },
      { rxBytes: up, txBytes: down },
    ];
    const check = async (nearState: string, farState: string) => {
      const both = await listedWhenReceived(one, up, down);
      expect(both.near).toMatchObject({ ...counters[0], state: nearState });
      expect(both.far).toMatchObject({ ...counters[1], state: farState });
    };
    if (up > 0) await client.send([one], up);
    if (down > 0) await server.send([other], down);
    await check('ESTABLISHED', 'ESTABLISHED');
    // A FIN takes a sequence number like a byte, and is not counted.
    await client.halfClose([one]);
    await check('FIN_WAIT2', 'CLOSE_WAIT');
  });

  test('counts nothing on an unused connection', async () => {
    const listener = await server.listen();
    const { near } = await client.connect(server, listener);
    const both = await listed(near[0] as HerdSocket);
    for (const socket of [both.near, both.far]) {
      expect(socket).toMatchObject({ rxBytes: 0, txBytes: 0, retransmits: 0 });
      expect([socket.lastSentAtMs, socket.lastReceivedAtMs]).toEqual([undefined, undefined]);
    }
  });

  test('shows the rates of a sender, over ten polls half a second apart', async () => {
    const listener = await server.listen();
    const { near, far } = await client.connect(server, listener);
    const [one, other] = [...near, ...far] as [HerdSocket, HerdSocket];
    const polls = pollsByHand();
    const t = startNetpane({
      ...polls.start,
      cols: 160,
      args: ['--port', String(listener.local.port), '--interval', '100ms'],
    });
    await t.until('the first poll', () => polls.areDone() && rowOf(t, one) && rowOf(t, other));
    await client.pace(one, RATE);

    /** Allows a poll. Returns time and sent bytes before and after it. */
    const poll = async () => {
      const earliest = { ms: performance.now(), bytes: await client.sent(one) };
      polls.allow(1);
      await t.until('a poll', () => polls.areDone());
      return { earliest, latest: { ms: performance.now(), bytes: await client.sent(one) } };
    };
    const bytesOf = (text = '') => {
      const [, number = '', unit = ''] = /^([\d.]+)([kMG]?)$/.exec(text) ?? [];
      return number === '' ? NaN : Number(number) * { '': 1, k: 1e3, M: 1e6, G: 1e9 }[unit as 'k'];
    };
    const first = await poll();
    let last = first;
    const rates = { tx: 0, rx: 0 };
    const pollCount = 10;
    for (let i = 0; i < pollCount; i++) {
      // Until the bytes of half a second are sent: the next poll sees them.
      const wanted = last.latest.bytes + RATE / 2;
      while ((await client.sent(one)) < wanted) await delay(10);
      const before = t.bytesWritten;
      last = await poll();
      await eventually(
        () => 'the screen to be painted',
        () => t.bytesWritten > before,
      );
      await t.until('rates', () => bytesOf(rowOf(t, one)?.txRate) > 0);
      rates.tx += bytesOf(rowOf(t, one)?.txRate) / pollCount;
      rates.rx += bytesOf(rowOf(t, other)?.rxRate) / pollCount;
    }
    // Bounds of the rate over all ten polls: from the least bytes in the most time, and the reverse.
    const least = (last.earliest.bytes - first.latest.bytes) / (last.latest.ms - first.earliest.ms);
    const most = (last.latest.bytes - first.earliest.bytes) / (last.earliest.ms - first.latest.ms);
    for (const rate of [rates.tx, rates.rx]) {
      expect(rate).toBeGreaterThan(least * 1000 * 0.95);
      expect(rate).toBeLessThan(most * 1000 * 1.05);
    }
    // No bytes go the other way.
    expect([rowOf(t, one)?.rxRate, rowOf(t, other)?.txRate]).toEqual(['0', '0']);
  });
});
