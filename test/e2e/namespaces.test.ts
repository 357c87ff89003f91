// Network namespaces: netpane shows the sockets of each with its name, and keeps no namespace alive.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Herd, type HerdProcess, type HerdSocket } from '../helpers/herd.ts';
import type { Terminal } from '../helpers/terminal.ts';
import type { Listed } from '../helpers/listed.ts';
import {
  cleanUp,
  hasNetlink,
  isRoot,
  newHerd,
  runNetpane,
  startNetpane,
  tableRows,
  pollsByHand,
  uniqueName,
} from './netpane.ts';

const ip = (words: string) => spawnSync('ip', words.split(' '), { encoding: 'utf8' });

const impossible = (() => {
  if (!hasNetlink) return 'netlink cannot be used here';
  if (!isRoot) return 'only root can make a network namespace';
  if (ip('-V').status !== 0) return 'there is no ip';
  const name = uniqueName();
  if (ip(`netns add ${name}`).status !== 0) return 'no network namespace can be made here';
  ip(`netns del ${name}`);
  return undefined;
})();
const why = impossible === undefined ? '' : ` (skipped: ${impossible})`;

const PORT = 7171;
const FROM_PORT = 7272;

/** A namespace of `ip netns`. */
interface Named {
  name: string;
  inode: number;
}

function addNamespace(): Named {
  const name = uniqueName();
  const made = ip(`netns add ${name}`);
  if (made.status !== 0) throw new Error(made.stderr);
  cleanUp(() => ip(`netns del ${name}`));
  ip(`-n ${name} link set lo up`);
  return { name, inode: statSync(`/run/netns/${name}`).ino };
}

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

const descriptorsOf = ({ pid }: { pid: number }) => readdirSync(`/proc/${pid}/fd`).length;

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

describe.skipIf(impossible !== undefined)(`network namespaces${why}`, () => {
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
      for (const filter of [name, String(inode)]) {
        expect((await listed('--netns', filter)).map(({ id }) => id).sort()).toEqual(ids);
      }
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

  test('shows the names of namespaces; when these are deleted, marks the rows as closed and closes descriptors', async () => {
    const polls = pollsByHand();
    const t = startNetpane({
      ...polls.start,
      cols: 160,
      args: ['--port', String(PORT), '--linger', '60m', '--interval', '100ms'],
    });
    const poll = async () => {
      polls.allow(1);
      await t.until('a poll', () => polls.areDone());
    };
    await t.until('the first poll', () => polls.areDone() && t.text().includes('nothing matches'));
    await poll();
    const descriptors = descriptorsOf(t);

    const herd = new Herd();
    cleanUp(() => herd.close());
    const namespaces = [addNamespace(), addNamespace()];
    const names = namespaces.map(({ name }) => name);
    for (const namespace of namespaces) await sameSockets(herd, inside(namespace));
    await poll();
    await t.until('six rows', () => tableRows(t).length === 6);
    expect(rowsBy(t)).toEqual(new Map(names.map((name) => [name, shownSockets('+')])));
    expect(descriptorsOf(t)).toBeGreaterThan(descriptors);

    await herd.close();
    for (const name of names) expect(ip(`netns del ${name}`).status).toBe(0);
    await poll();
    await t.until('closed rows', () => tableRows(t).every(({ mark }) => mark === '-'));
    const closed = [...rowsBy(t)];
    expect(closed.map(([name]) => name).sort()).toEqual([...names].sort());
    for (const [, rows] of closed) expect(rows).toHaveLength(3);
    // There are fewer if a namespace of another program was deleted meanwhile.
    expect(descriptorsOf(t)).toBeLessThanOrEqual(descriptors);
  });

  test('does not keep a deleted namespace alive', async () => {
    const polls = pollsByHand();
    const [inner, watcher] = [addNamespace(), addNamespace()];
    const link = ip(`-n ${watcher.name} link add seen type veth peer name inner netns ${inner.name}`);
    const hasLink = () => ip(`-n ${watcher.name} link show seen`).status === 0;
    const t = startNetpane({ ...polls.start, args: ['--interval', '100ms'] });
    const poll = async () => {
      polls.allow(1);
      await t.until('a poll', () => polls.areDone());
    };
    await t.until('the first poll', () => polls.areDone());
    await poll();
    expect(link.status === 0 && hasLink()).toBe(true);
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
