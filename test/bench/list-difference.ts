import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../helpers/herd.ts';
import type { Listed } from '../helpers/listed.ts';
import type { PrivateNet } from './private-net.ts';

/** Difference between the lists of `netpane ls` and ss. */
export interface ListDifference {
  /** Number of sockets that netpane lists. */
  readonly sockets: number;
  /** Sockets that ss lists both before and after netpane ran, and netpane does not. */
  readonly missing: number;
  /** Sockets that netpane lists and ss lists neither before nor after. */
  readonly extra: number;
}

function run(net: PrivateNet, words: readonly string[]): string {
  const { file, args } = net.command(words);
  const { stdout, status, stderr } = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${words[0]}: ${stderr}`);
  return stdout;
}

/** Returns a key of a socket, without the addresses, which ss prints in another form. Keys may repeat: see `common`. */
const keyOf = (protocol: string, local: string, remote: string): string => `${protocol} ${local} ${remote}`;

const portOf = (text = ''): string => text.slice(text.lastIndexOf(':') + 1);

function listedBySs(net: PrivateNet): string[] {
  const lines = run(net, ['ss', '-tuanH']).split('\n').filter(Boolean);
  return lines.map((line) => {
    const [protocol = '', , , , local, remote] = line.trim().split(/\s+/);
    return keyOf(protocol, portOf(local), portOf(remote));
  });
}

function listedByNetpane(net: PrivateNet): string[] {
  const words = [
    process.execPath,
    join(root, 'dist', 'netpane.js'),
    'ls',
    '--json',
    '-q',
    'proto:tcp or proto:udp',
  ];
  const all = JSON.parse(run(net, words)) as Listed[];
  const inode = Number(/\d+/.exec(run(net, ['readlink', '/proc/self/ns/net']))?.[0]);
  return all
    .filter(({ netns }) => netns === undefined || netns.inode === inode)
    .map(({ protocol, local, remote }) =>
      keyOf(protocol, String(local.port), remote ? String(remote.port) : '*'),
    );
}

function countKeys(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** Returns the keys of `keys` that are in `others` too, each at most as often as there. */
function common(keys: readonly string[], others: readonly string[]): string[] {
  const left = countKeys(others);
  return keys.filter((key) => {
    const count = left.get(key) ?? 0;
    if (count > 0) left.set(key, count - 1);
    return count > 0;
  });
}

/** Returns how many of `keys` are not in `others`. */
const excess = (keys: readonly string[], others: readonly string[]): number =>
  keys.length - common(keys, others).length;

/** Compares `netpane ls` with ss, which runs before and after it: remnants expire all the time. */
export function compareWithSs(net: PrivateNet): ListDifference {
  const before = listedBySs(net);
  const listed = listedByNetpane(net);
  const after = listedBySs(net);
  return {
    sockets: listed.length,
    missing: excess(common(before, after), listed),
    extra: excess(listed, [...before, ...after]),
  };
}
