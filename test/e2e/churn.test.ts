// While hundreds of sockets come and go netpane neither breaks nor keeps a descriptor.
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Terminal } from '../helpers/terminal.ts';
import { isLinux, newHerd, startNetpane, tableRows, type Ticks, ticksByHand, uniqueName } from './netpane.ts';

/** Open descriptors of a netpane at rest: there are others besides during a poll. */
async function descriptorsAtRest(t: Terminal, ticks: Ticks): Promise<number> {
  await t.until('netpane at rest', () => ticks.over(), { timeoutMs: 60_000 });
  return readdirSync(`/proc/${t.pid}/fd`).length;
}

const why = isLinux ? '' : ' (skipped: the herd needs Linux)';

describe.skipIf(!isLinux)(`churn${why}`, () => {
  test.each(['sock_diag', 'proc'])(
    '%s: no descriptor is kept, and all that has gone is gone',
    async (source) => {
      const herd = newHerd();
      const name = uniqueName();
      const [server, client] = await Promise.all([
        herd.spawn({ title: `${name}-s` }),
        herd.spawn({ title: `${name}-c` }),
      ]);
      const listener = await server.listen();
      const ticks = ticksByHand();
      const t = startNetpane({
        ...ticks.start,
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
      ticks.allow(2);
      const before = await descriptorsAtRest(t, ticks);
      // The polls fall anywhere in a round, which is over when the kernel shows it.
      for (let round = 0; round < 12; round++) {
        ticks.allow(2);
        const { near } = await client.connect(server, listener, { count: 300 });
        // Both ends go at once.
        await client.close(near, { reset: true });
      }
      const { near } = await client.connect(server, listener, { count: 3 });
      ticks.allow(2);
      await t.until('what is left', () => tableRows(t).length === 7);
      await client.close(near, { reset: true });
      ticks.allow(2);
      await t.until('the listener alone', () => tableRows(t).length === 1);
      expect(await descriptorsAtRest(t, ticks)).toBe(before);
      t.write('q');
      expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
    },
  );
});
