// While hundreds of sockets come and go netpane neither breaks nor keeps a descriptor.
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Terminal } from '../helpers/terminal.ts';
import { isLinux, newHerd, startNetpane, tableRows, uniqueName } from './netpane.ts';

const descriptorsOf = ({ pid }: Terminal) => readdirSync(`/proc/${pid}/fd`).length;

/** The fewest descriptors that are open over some looks: in a reading there are others besides. */
async function leastDescriptors(t: Terminal): Promise<number> {
  const seen: number[] = [];
  await t.until('several looks', () => seen.push(descriptorsOf(t)) >= 40);
  return Math.min(...seen);
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
      const t = startNetpane({
        args: ['--source', source, '--interval', '100ms', '--linger', '0s', '--process', name],
      });
      await t.until('the listener', () => tableRows(t).length === 1);
      const before = await leastDescriptors(t);
      // Every round is over when the kernel shows it: the readings fall anywhere in between.
      for (let round = 0; round < 12; round++) {
        const { near } = await client.connect(server, listener, { count: 300 });
        // Both ends go at once.
        await client.close(near, { reset: true });
      }
      const { near } = await client.connect(server, listener, { count: 3 });
      await t.until('what is left', () => tableRows(t).length === 7);
      await client.close(near, { reset: true });
      await t.until('the listener alone', () => tableRows(t).length === 1);
      expect(await leastDescriptors(t)).toBe(before);
      t.write('q');
      expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
    },
  );
});
