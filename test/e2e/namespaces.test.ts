// Network namespaces: netpane shows the sockets of each with its name, and keeps no namespace alive.
import { statSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { Herd, type HerdProcess, type HerdSocket } from '../helpers/herd.ts';
import type { Terminal } from '../helpers/terminal.ts';
import type { Listed } from '../helpers/listed.ts';
import { addNamespace, ip, linksOf, type Named, noNamed, socketsIn } from './named-namespace.ts';
import {
  cleanUp,
  newHerd,
  type PollControl,
  pollsByHand,
  runNetpane,
  startNetpane,
  tableRows,
} from './netpane.ts';

const why = noNamed === undefined ? '' : ` (skipped: ${noNamed})`;

/** Ports that no other test uses. */
const PORT = 7272;
const FROM_PORT = 7373;

/** Opens a listener and a connection to it in a namespace: always with the same addresses and ports. */
async function sameSockets(herd: Herd, through: readonly string[]) {
  const server = await herd.spawn({ through });
  const listener = await server.listen({ port: PORT });
  const { near, far } = await server.connect(server, listener, { fromPort: FROM_PORT });
  return { server, sockets: [listener, ...near, ...far] as HerdSocket[] };
}
const inside = ({ name }: Named) => ['ip', 'netns', 'exec', name];

async function listed(...args: string[]): Promise<Listed[]> {
  const { stdout, code } = await runNetpane(['ls', '--json', '--port', String(PORT), ...args]);
  expect(code).toBe(0);
  return JSON.parse(stdout) as Listed[];
}

/** Returns the shown rows of the sockets of {@link sameSockets} by namespace. */
const rowsBy = (t: Terminal) => {
  const rows = new Map<string, string[]>();
  for (const { netns = '', mark, local, localPort, remotePort, state } of tableRows(t)) {
    const text = `${mark} ${local}:${localPort} ${remotePort} ${state}`;
    rows.set(netns, [...(rows.get(netns) ?? []), text].sort());
  }
  return rows;
};
const shownSockets = (mark: string) =>
  [
    `${mark} 127.0.0.1:${PORT} * LISTEN`,
    `${mark} 127.0.0.1:${PORT} ${FROM_PORT} ESTABLISHED`,
    `${mark} 127.0.0.1:${FROM_PORT} ${PORT} ESTABLISHED`,
  ].sort();

describe.skipIf(noNamed !== undefined)(`network namespaces${why}`, () => {
  test('lists sockets with equal endpoints in two namespaces with the name of each', async () => {
    const herd = newHerd();
    const namespaces = [addNamespace(), addNamespace()];
    const owners: HerdProcess[] = [];
    for (const namespace of namespaces) {
      owners.push((await sameSockets(herd, inside(namespace))).server);
    }
    const all = await listed();
    for (const [i, { name, inode }] of namespaces.entries()) {
      const its = all.filter(({ netns }) => netns?.inode === inode);
      expect(its).toHaveLength(3);
      for (const socket of its) {
        expect(socket).toMatchObject({
          netns: { inode, name },
          owners: [{ pid: owners[i]?.pid, knowledge: 'exact' }],
        });
      }
      // `--netns` takes a name or an inode.
      const ids = its.map(({ id }) => id).sort();
      const found = await Promise.all([name, String(inode)].map((filter) => listed('--netns', filter)));
      for (const sockets of found) expect(sockets.map(({ id }) => id).sort()).toEqual(ids);
    }
    expect(await listed('--netns', `${namespaces[0]?.name}x`)).toEqual([]);
  });

  test('finds a namespace without a name by its inode', async () => {
    const script = 'ip link set lo up && exec "$@"';
    const through = ['unshare', '--net', 'sh', '-c', script, 'sh'];
    const { server } = await sameSockets(newHerd(), through);
    const { ino } = statSync(`/proc/${server.pid}/ns/net`);
    const found = await listed('--netns', String(ino));
    expect(found.map(({ netns }) => netns?.inode)).toEqual([ino, ino, ino]);
  });

  describe('on a screen', () => {
    let polls: PollControl;
    let t: Terminal;
    beforeAll(async () => {
      polls = pollsByHand();
      t = startNetpane({
        ...polls.start,
        cols: 160,
        args: ['--port', String(PORT), '--linger', '60m', '--interval', '100ms'],
      });
      await t.until('the first poll', () => polls.areDone());
    });
    const poll = async () => {
      polls.allow(1);
      await t.until('a poll', () => polls.areDone());
    };

    test('shows the names of namespaces; when these are deleted, marks the rows as closed and closes descriptors', async () => {
      await t.until('no sockets', () => t.text().includes('nothing matches'));
      await poll();

      const herd = new Herd();
      cleanUp(() => herd.close());
      const namespaces = [addNamespace(), addNamespace()];
      const names = namespaces.map(({ name }) => name);
      for (const namespace of namespaces) await sameSockets(herd, inside(namespace));
      await poll();
      await t.until('six rows', () => tableRows(t).length === 6);
      expect(rowsBy(t)).toEqual(new Map(names.map((name) => [name, shownSockets('+')])));
      const sockets = namespaces.map((namespace) => socketsIn(t, namespace));
      for (const its of sockets) expect(its).not.toEqual([]);

      await herd.close();
      for (const name of names) expect(ip(`netns del ${name}`).status).toBe(0);
      await poll();
      await t.until('closed rows', () => {
        const rows = tableRows(t);
        return rows.length === 6 && rows.every(({ mark }) => mark === '-');
      });
      const closed = [...rowsBy(t)];
      expect(closed.map(([name]) => name).sort()).toEqual([...names].sort());
      for (const [, rows] of closed) expect(rows).toHaveLength(3);
      const links = new Set(linksOf(t));
      expect(sockets.flat().filter((it) => links.has(it))).toEqual([]);
    });

    test('does not keep a deleted namespace alive', async () => {
      const [inner, watcher] = [addNamespace(), addNamespace()];
      const link = ip(`-n ${watcher.name} link add seen type veth peer name inner netns ${inner.name}`);
      const hasLink = () => ip(`-n ${watcher.name} link show seen`).status === 0;
      await poll();
      expect(link.status === 0 && hasLink()).toBe(true);
      expect(socketsIn(t, inner)).not.toEqual([]);
      expect(ip(`netns del ${inner.name}`).status).toBe(0);
      await poll();
      // Without a holder the kernel frees the namespace and its end of the link, and so the whole link.
      await t.until('the end of the namespace', () => !hasLink());
      // The namespace of the test still exists, and netpane runs.
      expect(ip(`-n ${watcher.name} link show lo`).status).toBe(0);
      t.write('q');
      expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
    });
  });
});
