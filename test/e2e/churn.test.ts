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
  test.each(['sock_diag', 'proc'])(
    '%s leaks no descriptor and shows no socket that has closed',
    async (source) => {
      const herd = newHerd();
      const name = uniqueName();
      const [server, client] = await Promise.all([
        herd.spawn({ title: `${name}-s` }),
        herd.spawn({ title: `${name}-c` }),
      ]);
      const listener = await server.listen();
      const polls = pollsByHand();
      const t = startNetpane({
        ...polls.start,
        args: [
          '--source',
          source,
          '--interval',
          '100ms',
          '--max-load',
          '100',
          '--linger',
          '0s',
          '--process',
          name,
        ],
      });
      await t.until('the listener', () => tableRows(t).length === 1);
      polls.allow(2);
      const before = await descriptorsAtRest(t, polls);
      // A poll may fall between any two steps. A step is over when the kernel lists its sockets.
      for (let i = 0; i < 12; i++) {
        polls.allow(2);
        const { near } = await client.connect(server, listener, { count: 300 });
        // A reset closes both ends at once.
        await client.close(near, { reset: true });
      }
      const { near } = await client.connect(server, listener, { count: 3 });
      polls.allow(2);
      await t.until('the open sockets', () => tableRows(t).length === 7);
      await client.close(near, { reset: true });
      polls.allow(2);
      await t.until('the listener alone', () => tableRows(t).length === 1);
      expect(await descriptorsAtRest(t, polls)).toBe(before);
      t.write('q');
      expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
    },
  );
});
