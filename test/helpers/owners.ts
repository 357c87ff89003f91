import { afterEach, beforeEach } from 'vitest';
import type { Owner } from '../../src/model/socket.ts';
import { Owners } from '../../src/source/linux/owners/owners.ts';
import { type Outcome, Proc } from '../../src/source/linux/proc/proc.ts';
import { BOOT_SECONDS, FakeProc } from './proc.ts';

/** A fake /proc with the permissions and folder sizes of a real one, which may deny access even to root. */
class StrictProc extends Proc {
  readonly forbidden = new Set<string>();
  readonly reads: string[] = [];
  /** Listed folders. */
  readonly listed: string[] = [];
  /** CPU time of processes, nanoseconds; unknown of all others. */
  readonly cpuNs = new Map<number, number>();

  override cpuNsOf(pid: number): number | undefined {
    return this.cpuNs.get(pid);
  }

  #unlessForbidden<T>(path: string, read: () => Outcome<T>): Outcome<T> {
    this.reads.push(path);
    return this.forbidden.has(path) ? { failed: 'forbidden', message: `EACCES ${path}` } : read();
  }

  override text(path: string) {
    return this.#unlessForbidden(path, () => super.text(path));
  }

  override names(path: string) {
    this.listed.push(path);
    return this.#unlessForbidden(path, () => super.names(path));
  }

  override link(path: string) {
    return this.#unlessForbidden(path, () => super.link(path));
  }

  override stat(path: string): ReturnType<Proc['stat']> {
    return this.#unlessForbidden(path, () => {
      const stat = super.stat(path);
      // The number of descriptors, as in Linux 6.2.
      const names = super.names(path);
      if (!('value' in stat) || !('value' in names) || !path.endsWith('/fd')) return stat;
      return { value: { ino: stat.value.ino, uid: stat.value.uid, size: names.value.length } };
    });
  }
}

/** Set before each test. */
export let fake: FakeProc;
export let proc: StrictProc;
export let owners: Owners;
export let present: Set<number>;
/** Makes a /proc and an `Owners` before each test of the file. */
export function useOwners(): void {
  beforeEach(() => {
    fake = new FakeProc();
    proc = new StrictProc(fake.root);
    owners = new Owners({ proc, userOf: () => 'ana', bootTimeMs: () => BOOT_SECONDS * 1000, nowMs: () => 0 });
    present = new Set();
  });
  afterEach(() => fake.end());
}

/** Replaces `owners`. */
export function openOwners(options: Partial<ConstructorParameters<typeof Owners>[0]>): void {
  owners = new Owners({ proc, userOf: () => 'ana', bootTimeMs: () => undefined, nowMs: () => 0, ...options });
}

/** Refreshes with these inodes; those of the last call that are missing are removed. */
export const refresh = (...inodes: number[]): void => refreshWithin(Infinity, ...inodes);

/** Refreshes within a budget, milliseconds. */
export function refreshWithin(budgetMs: number, ...inodes: number[]): void {
  const before = present;
  present = new Set(inodes);
  const added = inodes.filter((inode) => !before.has(inode));
  const removed = [...before].filter((inode) => !present.has(inode));
  owners.refresh(added, removed, budgetMs);
}

/** A process without sockets is checked once in this many polls. */
export const IDLE_POLLS = 16;

/** Returns true when a search through all processes found no holder of the socket. */
export const isSearched = (inode: number): boolean => owners.triedFor(inode) !== undefined;

export const names = (inode: number) => owners.of(inode)?.map((owner: Owner) => owner.process);
