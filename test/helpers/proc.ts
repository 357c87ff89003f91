import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { endianness, tmpdir } from 'node:os';
import { join } from 'node:path';

/** A line of /proc/net/tcp or udp, IPv4 only; the other tables are captured in fixtures/linux. */
export interface TableLine {
  /** `127.0.0.1:80` */
  readonly local: string;
  readonly remote?: string;
  /** Two hex digits, as the kernel prints it. */
  readonly state: '01' | '02' | '03' | '05' | '06' | '07' | '08' | '0A';
  readonly inode?: number;
  readonly uid?: number;
  /** Unread and unacknowledged bytes. */
  readonly recvQueue?: number;
  readonly sendQueue?: number;
}

const hex = (endpoint: string): string => {
  const [address = '', port = ''] = endpoint.split(':');
  const bytes = address.split('.').map(Number);
  const ordered = endianness() === 'LE' ? bytes.toReversed() : bytes;
  const digits = ordered.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${digits}:${Number(port).toString(16).padStart(4, '0')}`.toUpperCase();
};

const word = (n: number): string => n.toString(16).padStart(8, '0').toUpperCase();

/** Returns a table as the kernel prints it. */
export const tableText = (lines: readonly TableLine[]): string =>
  [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    ...lines.map(
      ({ local, remote = '0.0.0.0:0', state, inode = 0, uid = 0, recvQueue = 0, sendQueue = 0 }, i) =>
        `${String(i).padStart(4)}: ${hex(local)} ${hex(remote)} ${state} ` +
        `${word(sendQueue)}:${word(recvQueue)} 00:00000000 00000000 ` +
        `${String(uid).padStart(5)}        0 ${inode} 1 0000000000000000 100 0 0 10 0`,
    ),
    '',
  ].join('\n');

/** A process of a fake /proc. */
export interface FakeProcess {
  readonly comm?: string;
  /** Socket inode by descriptor, or the link target of any other file. */
  readonly fds?: Readonly<Record<string, number | string>>;
  readonly args?: readonly string[];
  readonly exe?: string;
  /** Start time, hundredths of a second after boot. */
  readonly startTicks?: number;
  readonly flags?: number;
}

const statText = (pid: number, comm: string, flags: number, startTicks: number, state = 'S'): string =>
  `${pid} (${comm}) ${state} 1 1 1 0 -1 ${flags} ${'0 '.repeat(10)}2 0 ${startTicks} 0 0\n`;

/** Boot time of the fake machine, seconds since 1970. */
export const BOOT_SECONDS = 1_700_000_000;

/** A file system in memory, where Linux has one: some tests write thousands of files. */
const TEMPORARY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A /proc in a temporary folder, with an /etc/passwd next to it. */
export class FakeProc {
  readonly #folder = mkdtempSync(join(TEMPORARY, 'netpane-proc-'));
  readonly root = join(this.#folder, 'proc');
  readonly #pids = new Set<number>();
  #made = 0;

  constructor() {
    this.write('stat', `cpu  1 2 3\nbtime ${BOOT_SECONDS}\nprocesses 5\n`);
    this.write('../etc/passwd', 'root:x:0:0::/:/bin/sh\nana:x:1000:1000::/:/bin/sh\n');
    this.tables({});
    // netpane itself, in the initial namespaces; its capabilities are unknown.
    this.write('self/net/tcp', '');
    this.link('self/ns/user', 'user:[4026531837]');
    this.link('self/ns/pid', 'pid:[4026531836]');
    this.start(1, { comm: 'init' });
  }

  write(path: string, text: string | Buffer): void {
    const file = join(this.root, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
  }

  link(path: string, target: string): void {
    const file = join(this.root, path);
    mkdirSync(join(file, '..'), { recursive: true });
    rmSync(file, { force: true });
    symlinkSync(target, file);
  }

  tables({ tcp = [], udp = [] }: { tcp?: readonly TableLine[]; udp?: readonly TableLine[] }): void {
    this.write('net/tcp', tableText(tcp));
    this.write('net/udp', tableText(udp));
  }

  /** Starts a process; a process with the same pid ends and loses its folders. */
  start(
    pid: number,
    { comm = `prog-${pid}`, fds = {}, args, exe, startTicks = 100, flags = 0 }: FakeProcess = {},
  ): void {
    // Created before the old folder is removed, so that it gets another inode.
    const fresh = `new-${++this.#made}`;
    mkdirSync(join(this.root, fresh, 'fd'), { recursive: true });
    this.write(`${fresh}/stat`, statText(pid, comm, flags, startTicks));
    this.write(`${fresh}/status`, `Name:\t${comm}\nTgid:\t${pid}\nPid:\t${pid}\n`);
    this.write(`${fresh}/cmdline`, (args ?? []).map((arg) => `${arg}\0`).join(''));
    if (exe !== undefined) this.link(`${fresh}/exe`, exe);
    for (const [fd, target] of Object.entries(fds)) {
      this.link(`${fresh}/fd/${fd}`, typeof target === 'number' ? `socket:[${target}]` : target);
    }
    const old = `old-${this.#made}`;
    if (this.#pids.has(pid)) renameSync(join(this.root, String(pid)), join(this.root, old));
    renameSync(join(this.root, fresh), join(this.root, String(pid)));
    this.#pids.add(pid);
    rmSync(join(this.root, old), { recursive: true, force: true });
  }

  /** Adds /proc/TID of a thread, which is not listed (proc(5)). */
  thread(tid: number, pid: number, comm: string): void {
    this.write(`${tid}/stat`, statText(tid, comm, 0, 100));
    this.write(`${tid}/status`, `Name:\t${comm}\nTgid:\t${pid}\nPid:\t${tid}\n`);
  }

  /** Adds /proc/PID/task/TID of a thread, with its descriptors. */
  task(pid: number, tid: number, { fds = {}, exe = `/bin/prog-${pid}`, args = [] }: FakeProcess = {}): void {
    const folder = `${pid}/task/${tid}`;
    mkdirSync(join(this.root, folder, 'fd'), { recursive: true });
    if (tid !== pid) this.link(`${folder}/exe`, exe);
    this.write(`${folder}/cmdline`, args.map((arg) => `${arg}\0`).join(''));
    for (const [fd, target] of Object.entries(fds)) {
      this.link(`${folder}/fd/${fd}`, typeof target === 'number' ? `socket:[${target}]` : target);
    }
  }

  /** Changes the program of a process. */
  exec(pid: number, comm: string): void {
    this.write(`${pid}/stat`, statText(pid, comm, 0, 100));
  }

  /** Ends the first thread of a process; its descriptors are shown only by other threads. */
  endLeader(pid: number, comm = `prog-${pid}`): void {
    this.write(`${pid}/stat`, statText(pid, comm, 0, 100, 'Z'));
    this.write(`${pid}/cmdline`, '');
    for (const path of ['fd', 'exe', 'task/' + String(pid)])
      rmSync(join(this.root, String(pid), path), { recursive: true, force: true });
    mkdirSync(join(this.root, String(pid), 'fd'));
  }

  remove(path: string): void {
    rmSync(join(this.root, path), { recursive: true, force: true });
    if (/^\d+$/.test(path)) this.#pids.delete(Number(path));
  }

  end(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
