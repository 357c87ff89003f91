import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../helpers/herd.ts';
import type { Listed } from '../helpers/ss.ts';
import type { PrivateNet } from './private-net.ts';

/** Whether two lists of the same sockets agree. */
export interface Agreement {
  readonly sockets: number;
  /** In the list of ss before and after that of netpane, and not in that. */
  readonly missing: number;
  /** In the list of netpane, and in neither of ss. */
  readonly invented: number;
}

function run(net: PrivateNet, words: readonly string[]): string {
  const { file, args } = net.command(words);
  const { stdout, status, stderr } = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${words[0]}: ${stderr}`);
  return stdout;
}

/** Protocol and both ports, as they name a socket on loopback, where each load has addresses of its own. */
const name = (protocol: string, local: string, remote: string): string => `${protocol} ${local} ${remote}`;

const portOf = (text = ''): string => text.slice(text.lastIndexOf(':') + 1);

function listedBySs(net: PrivateNet): string[] {
  const lines = run(net, ['ss', '-tuanH']).split('\n').filter(Boolean);
  return lines.map((line) => {
    const [protocol = '', , , , local, remote] = line.trim().split(/\s+/);
    return name(protocol, portOf(local), portOf(remote));
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
      name(protocol, String(local.port), remote ? String(remote.port) : '*'),
    );
}

/** How many more of each there are in the first list than in the second. */
function excess(these: readonly string[], those: readonly string[]): number {
  const left = new Map<string, number>();
  for (const it of those) left.set(it, (left.get(it) ?? 0) + 1);
  let count = 0;
  for (const it of these) {
    const there = left.get(it) ?? 0;
    if (there === 0) count++;
    else left.set(it, there - 1);
  }
  return count;
}

/** The names in both lists, as often as in the one that has them less often. */
function common(these: readonly string[], those: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const it of those) left.set(it, (left.get(it) ?? 0) + 1);
  return these.filter((it) => {
    const there = left.get(it) ?? 0;
    if (there > 0) left.set(it, there - 1);
    return there > 0;
  });
}

/** Compares `netpane ls` with ss, which is asked before and after: what is left of connections goes all the time. */
export function compareLists(net: PrivateNet): Agreement {
  const before = listedBySs(net);
  const ours = listedByNetpane(net);
  const after = listedBySs(net);
  return {
    sockets: ours.length,
    missing: excess(common(before, after), ours),
    invented: excess(ours, [...before, ...after]),
  };
}
