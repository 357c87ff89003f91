// Network namespaces with a name, made with ip(8), and the sockets of netpane in one.
import { spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import type { Terminal } from '../helpers/terminal.ts';
import { cleanUp, hasNetlink, isRoot, uniqueName } from './netpane.ts';

export const ip = (words: string) => spawnSync('ip', words.split(' '), { encoding: 'utf8' });

/** Why no namespace with a name can be made here; undefined if one can. */
export const noNamed = (() => {
  if (!hasNetlink) return 'netlink cannot be used here';
  if (!isRoot) return 'only root can make a network namespace';
  if (ip('-V').status !== 0) return 'there is no ip';
  const name = uniqueName();
  if (ip(`netns add ${name}`).status !== 0) return 'no network namespace can be made here';
  ip(`netns del ${name}`);
  return undefined;
})();

/** A namespace of `ip netns`. */
export interface Named {
  name: string;
  inode: number;
}

/** Makes a namespace with a loopback interface. It ends with the test. */
export function addNamespace(): Named {
  const name = uniqueName();
  const made = ip(`netns add ${name}`);
  if (made.status !== 0) throw new Error(made.stderr);
  cleanUp(() => ip(`netns del ${name}`));
  ip(`-n ${name} link set lo up`);
  return { name, inode: statSync(`/run/netns/${name}`).ino };
}

/**
 * Returns the netlink and packet sockets of a program in a namespace, as links of its descriptors: `socket:[4711]`. Those
 * in namespaces of other tests do not count.
 */
export function socketsIn(program: Pick<Terminal, 'pid'>, { name }: Named): string[] {
  const { stdout } = ip(`netns exec ${name} cat /proc/net/netlink /proc/net/packet`);
  // The last column is the inode.
  const inside = new Set(Array.from(stdout.matchAll(/(\d+) *$/gm), ([, inode]) => `socket:[${inode}]`));
  return linksOf(program).filter((link) => inside.has(link));
}

/** Returns where the open descriptors of a program lead. */
export const linksOf = ({ pid }: Pick<Terminal, 'pid'>): string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
