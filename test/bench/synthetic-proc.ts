import { type Outcome, Proc } from '../../src/source/linux/proc/proc.ts';

export const OWN_NAMESPACE = 4026531840;
const PID_NAMESPACE = 'pid:[4026531836]';
/** Inode of /proc/self; the folders of processes have lower ones. */
const OWN_FOLDER = 4_000_000_000;

const GONE: Outcome<never> = { failed: 'gone', message: 'ENOENT' };

/** The entries of /proc for a process. */
interface ListedProcess {
  readonly pid: number;
  /** Inode of its folder `fd`. */
  readonly folder: number;
  readonly namespace: { readonly inode: number };
  readonly comm: string;
  /** Sockets by descriptor. */
  readonly sockets: ReadonlyMap<number, { readonly inode: number }>;
}

/** The /proc of a synthetic machine, with only what a poll reads. */
export class SyntheticProc extends Proc {
  readonly #processes: ReadonlyMap<number, ListedProcess>;

  /** @param processes by pid */
  constructor(processes: ReadonlyMap<number, ListedProcess>) {
    super('/nowhere');
    this.#processes = processes;
  }

  #process(path: string): ListedProcess | undefined {
    return this.#processes.get(Number.parseInt(path, 10));
  }

  override canOpen(): boolean {
    return true;
  }

  override latin1(path: string): Outcome<string> {
    return path === 'stat' ? { value: 'btime 1700000000\n' } : GONE;
  }

  override table(): Outcome<string> {
    return GONE;
  }

  override text(path: string): Outcome<string> {
    if (path === 'self/mountinfo') return { value: '' };
    if (path === '../etc/passwd') return { value: 'root:x:0:0::/:/bin/sh\n' };
    const process = this.#process(path);
    if (process === undefined) return GONE;
    const { pid, comm, folder } = process;
    if (path.endsWith('/stat'))
      return { value: `${pid} (${comm}) S 1 1 1 0 -1 0 ${'0 '.repeat(12)}${folder} 0 0\n` };
    if (path.endsWith('/cmdline')) return { value: `/usr/bin/${comm}\0--number\0${folder}\0` };
    return path.endsWith('/cgroup') ? { value: `0::/system.slice/${comm}.service\n` } : GONE;
  }

  override link(path: string): Outcome<string> {
    if (path === 'self/ns/net') return { value: `net:[${OWN_NAMESPACE}]` };
    if (path === 'self/ns/pid') return { value: PID_NAMESPACE };
    const process = this.#process(path);
    if (process === undefined) return GONE;
    if (path.endsWith('/ns/net')) return { value: `net:[${process.namespace.inode}]` };
    if (path.endsWith('/exe')) return { value: `/usr/bin/${process.comm}` };
    const socket = process.sockets.get(Number(path.slice(path.lastIndexOf('/') + 1)));
    return socket ? { value: `socket:[${socket.inode}]` } : GONE;
  }

  override names(path: string): Outcome<string[]> {
    if (path === '') return { value: ['self', 'net', ...[...this.#processes.keys()].map(String)] };
    const process = this.#process(path);
    return process ? { value: [...process.sockets.keys()].map(String) } : GONE;
  }

  override stat(path: string): Outcome<{ ino: number; size: number; uid: number }> {
    if (path === 'self') return { value: { ino: OWN_FOLDER, size: 0, uid: 0 } };
    const process = this.#process(path);
    return process ? { value: { ino: process.folder, size: process.sockets.size, uid: 0 } } : GONE;
  }
}
