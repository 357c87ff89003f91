// Hundreds of sockets open and close: netpane leaks no descriptor and keeps no closed socket.
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Terminal } from '../helpers/terminal.ts';
import {
  isLinux,
  newHerd,
  startNetpane,
  tableRows,
  type PollControl,
  pollsByHand,
  uniqueName,
} from './netpane.ts';

/** Returns the number of open descriptors between two polls; a poll opens more. */
async function descriptorsAtRest(t: Terminal, polls: PollControl): Promise<number> {
  await t.until('netpane at rest', () => polls.areDone(), { timeoutMs: 60_000 });
  return readdirSync(`/proc/${t.pid}/fd`).length;
}

const why = isLinux ? '' : ' (skipped: the herd needs Linux)';

describe.skipIf(!isLinux)(`churn${why}`, () => {
  test('leaks no descriptor and shows no socket that has closed, with sock_diag and with proc', async () => {
    const herd = newHerd();
    const name = uniqueName();
    const [server, client] = await Promise.all([
      herd.spawn({ title: `${name}-s` }),
      herd.spawn({ title: `${name}-c` }),
    ]);
    const listener = await server.listen();
    const screens = ['sock_diag', 'proc'].map((source) => {
      const polls = pollsByHand();
      const args = ['--interval', '100ms', '--max-load', '100', '--linger', '0s', '--process', name];
      return { t: startNetpane({ ...polls.start, args: ['--source', source, ...args] }), polls };
    });
    const allow = (count: number) => {
      for (const { polls } of screens) polls.allow(count);
    };
    const shown = async (what: string, count: number) => {
      for (const { t } of screens) await t.until(what, () => tableRows(t).length === count);
    };
    const descriptors = () => Promise.all(screens.map(({ t, polls }) => descriptorsAtRest(t, polls)));

    await shown('the listener', 1);
    allow(2);
    const before = await descriptors();
    // A poll may fall between any two steps. A step is over when the kernel lists its sockets.
    for (let i = 0; i < 12; i++) {
      allow(2);
      const { near } = await client.connect(server, listener, { count: 300 });
      // A reset closes both ends at once.
      await client.close(near, { reset: true });
    }
    const { near } = await client.connect(server, listener, { count: 3 });
    allow(2);
    await shown('the open sockets', 7);
    await client.close(near, { reset: true });
    allow(2);
    await shown('the listener alone', 1);
    expect(await descriptors()).toEqual(before);
    for (const { t } of screens) {
      t.write('q');
      expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
    }
  });
});
