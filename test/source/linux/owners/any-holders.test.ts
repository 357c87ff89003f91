import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Owners } from '../../../../src/source/linux/owners/owners.ts';
import { type Outcome, Proc } from '../../../../src/source/linux/proc/proc.ts';
import { IDLE_POLLS } from '../../../helpers/owners.ts';

/** A /proc in memory: processes with their descriptors, 0 for a file that is no socket. */
class ModelProc extends Proc {
  readonly processes = new Map<number, { readonly ino: number; readonly fds: Map<number, number> }>();
  #made = 0;

  constructor() {
    super('/nowhere');
    this.start(1, new Map());
  }

  start(pid: number, fds: ReadonlyMap<number, number>): void {
    this.processes.set(pid, { ino: ++this.#made, fds: new Map(fds) });
  }

  /** Opens the lowest free descriptor, as the kernel does. */
  open(pid: number, inode: number): void {
    const fds = this.processes.get(pid)?.fds;
    let fd = 0;
    while (fds?.has(fd)) fd++;
    fds?.set(fd, inode);
  }

  #of<T>(path: string, read: (ino: number, fds: Map<number, number>) => T | undefined): Outcome<T> {
    const process = this.processes.get(parseInt(path));
    const value = process && read(process.ino, process.fds);
    return value === undefined ? { failed: 'gone', message: 'ENOENT' } : { value };
  }

  override names(path: string): Outcome<string[]> {
    if (path === '') return { value: ['net', ...[...this.processes.keys()].map(String)] };
    return this.#of(path, (_, fds) => [...fds.keys()].map(String));
  }

  override stat(path: string): ReturnType<Proc['stat']> {
    return this.#of(path, (ino, fds) => ({ ino, size: fds.size, uid: 0 }));
  }

  override link(path: string): Outcome<string> {
    if (path.endsWith('/exe')) return { failed: 'gone', message: 'ENOENT' };
    return this.#of(path, (_, fds) => {
      const inode = fds.get(Number(path.split('/')[2]));
      return inode === undefined ? undefined : inode === 0 ? 'pipe:[1]' : `socket:[${inode}]`;
    });
  }

  override text(path: string): Outcome<string> {
    const [pid, file] = path.split('/');
    return this.#of(path, (ino) =>
      file === 'stat' ? `${pid} (prog-${pid}-${ino}) S 1 1 1 0 -1 0 ${'0 '.repeat(12)}${ino} 0 0\n` : '',
    );
  }

  /** Returns the expected holders of a socket: pid 1 last. */
  holders(inode: number): string[] | undefined {
    const pids = [...this.processes].flatMap(([pid, { fds }]) =>
      [...fds.values()].includes(inode) ? pid : [],
    );
    pids.sort((a, b) => Number(a === 1) - Number(b === 1) || a - b);
    return pids.length === 0 ? undefined : pids.map((pid) => `prog-${pid}-${this.processes.get(pid)?.ino}`);
  }
}

describe('any sequence of actions of processes', () => {
  const pid = fc.constantFrom(1, 50, 51, 52, 66);
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('open' as const), pid }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('close' as const), pid, which: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('dup' as const), pid, which: fc.nat(9) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), pid, which: fc.nat(9), to: pid }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('fork' as const), pid, to: pid }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('start' as const), pid }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('exit' as const), pid }) },
    // A socket of a kind that is not read.
    { weight: 1, arbitrary: fc.record({ do: fc.constant('other' as const), pid }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('refresh' as const) }) },
  );
  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

  /** Runs a sequence of steps, some of which refresh `Owners`. */
  class Model {
    readonly proc = new ModelProc();
    readonly owners = new Owners({
      proc: this.proc,
      userOf: () => undefined,
      bootTimeMs: () => undefined,
      nowMs: () => 0,
    });
    #inode = 100;
    #known = new Set<number>();
    readonly #results = new Map<number, string>();

    do(step: Step): void {
      if (step.do === 'refresh') {
        this.refresh();
        return;
      }
      const { processes } = this.proc;
      const process = processes.get(step.pid);
      if (step.do === 'start') this.proc.start(step.pid, new Map());
      else if (process === undefined) return;
      else if (step.do === 'open') this.proc.open(step.pid, ++this.#inode);
      else if (step.do === 'other') this.proc.open(step.pid, 1_000_000 + ++this.#inode);
      else if (step.do === 'exit') {
        if (step.pid !== 1) processes.delete(step.pid);
      } else if (step.do === 'fork') {
        if (step.to !== step.pid && step.to !== 1) this.proc.start(step.to, process.fds);
      } else {
        const fds = [...process.fds];
        const [fd, inode] = fds[step.which % Math.max(1, fds.length)] ?? [];
        if (fd === undefined || inode === undefined) return;
        if (step.do === 'close') process.fds.delete(fd);
        else this.proc.open(step.do === 'pass' ? step.to : step.pid, inode);
      }
    }

    get sockets(): Set<number> {
      const all = [...this.proc.processes.values()].flatMap(({ fds }) => [...fds.values()]);
      return new Set(all.filter((inode) => inode < 1_000_000));
    }

    refresh(): void {
      const now = this.sockets;
      const added = [...now].filter((inode) => !this.#known.has(inode));
      const removed = [...this.#known].filter((inode) => !now.has(inode));
      this.owners.refresh(added, removed, Infinity);
      for (const inode of removed) this.#results.delete(inode);
      // A different result of a known socket must be a change.
      for (const inode of now) {
        const result = this.resultOf(inode);
        if (this.#known.has(inode) && result !== this.#results.get(inode))
          expect(this.owners.changed).toContain(inode);
        this.#results.set(inode, result);
      }
      for (const inode of this.owners.changed) expect(now).toContain(inode);
      this.#known = now;
    }

    resultOf(inode: number): string {
      const { owners } = this;
      const names = owners.of(inode)?.map((owner) => owner.process);
      return `${names?.join()} ${owners.isPending(inode)} ${owners.triedFor(inode)}`;
    }
  }

  test('gives the right holders after two idle periods', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const model = new Model();
        for (const each of steps) model.do(each);
        for (let i = 0; i < 2 * IDLE_POLLS; i++) model.refresh();
        for (const inode of model.sockets) {
          expect(model.owners.of(inode)?.map((owner) => owner.process)).toEqual(model.proc.holders(inode));
        }
        expect(model.owners.of(99)).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });
});
