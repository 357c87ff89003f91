import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { type FoundNamespace, Namespaces } from '../../../../src/source/linux/namespaces/namespaces.ts';
import { type Outcome, Proc } from '../../../../src/source/linux/proc/proc.ts';
import { FakeProc } from '../../../helpers/proc.ts';

export const HOST = 4026531833;
export const FIRST_PID_NAMESPACE = 'pid:[4026531836]';
export const ID = '3f9a0c6be1d2'.padEnd(64, 'a');

/** Records reads, and refuses forbidden links, also if the test runs as root. */
export class CountingProc extends Proc {
  readonly forbidden = new Set<string>();
  readonly links: string[] = [];
  readonly texts: string[] = [];
  /** CPU time of processes, nanoseconds; unknown of all others. */
  readonly cpuNs = new Map<number, number>();

  override cpuNsOf(pid: number): number | undefined {
    return this.cpuNs.get(pid);
  }

  override link(path: string): Outcome<string> {
    this.links.push(path);
    return this.forbidden.has(path) ? { failed: 'forbidden', message: 'EACCES' } : super.link(path);
  }

  override text(path: string): Outcome<string> {
    this.texts.push(path);
    return super.text(path);
  }
}

/** Set before each test. */
export let fake: FakeProc;
export let proc: CountingProc;
/** The root of the file system, above /proc. */
export let root: string;
export let namespaces: Namespaces;

/** Makes a machine with one process and one namespace before each test of the file. */
export function useNamespaces(): void {
  beforeEach(() => {
    fake = new FakeProc();
    root = join(fake.root, '..');
    proc = new CountingProc(fake.root);
    fake.link('self/ns/pid', FIRST_PID_NAMESPACE);
    fake.link('self/ns/net', `net:[${HOST}]`);
    enter(1, HOST);
    mounted();
    namespaces = new Namespaces({ proc, root });
  });
  afterEach(() => fake.end());
}

/** Moves a process into a namespace. */
export const enter = (pid: number, inode: number): void => fake.link(`${pid}/ns/net`, `net:[${inode}]`);

export function start(pid: number, inode: number, cgroup = '0::/user.slice/session-1.scope'): void {
  fake.start(pid);
  enter(pid, inode);
  fake.write(`${pid}/cgroup`, `${cgroup}\n`);
}

/** Makes a file that represents a mounted namespace: its inode stands for that of the namespace. */
export function mountPoint(name: string): { path: string; inode: number } {
  const path = join(root, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, '');
  return { path, inode: statSync(path).ino };
}

/** Writes mountinfo with these mounts, a disk and a mount namespace. */
export function mounted(...mounts: { path: string; inode: number }[]): void {
  const lines = [
    '27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
    '40 27 0:4 mnt:[4026532999] /run/snapd/ns/x.mnt rw - nsfs nsfs rw',
    ...mounts.map(({ path, inode }, i) => {
      const escaped = path.replace(
        /[\\ \t\n]/g,
        (it) => `\\${it.charCodeAt(0).toString(8).padStart(3, '0')}`,
      );
      return `${50 + i} 42 0:4 net:[${inode}] ${escaped} rw shared:2 master:1 - nsfs nsfs rw`;
    }),
  ];
  fake.write('self/mountinfo', `${lines.join('\n')}\n`);
}

/** Returns inode and name of all namespaces except the host's. */
export const others = (found = namespaces.refresh()) =>
  found.filter((it) => it.inode !== HOST).map(({ inode, name }) => [inode, name]);

export const one = (inode: number, found = namespaces.refresh()): FoundNamespace | undefined =>
  found.find((it) => it.inode === inode);

export function refreshTimes(count: number): readonly FoundNamespace[] {
  let found = namespaces.refresh();
  for (let i = 1; i < count; i++) found = namespaces.refresh();
  return found;
}
