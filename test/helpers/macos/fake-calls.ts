import {
  CLOCK,
  type ControlChannel,
  ERRNO,
  FLAVOR,
  KERN_PROC,
  type MacCalls,
} from '../../../src/source/macos/native/calls.ts';
import { pcbTable, type PcbRow, type TableShape } from './tables.ts';

/** A process of a fake macOS. */
export interface FakeProcess {
  readonly name: string;
  readonly path?: string;
  readonly uid?: number;
  /** Seconds since 1970. */
  readonly startedAt?: number;
  /** Handle of the socket of each descriptor; undefined if they may not be read. */
  readonly sockets?: Readonly<Record<number, bigint>>;
  readonly arguments?: readonly string[];
  readonly parent?: number;
  readonly group?: number;
  /** True once it has ended and its parent has not noticed. */
  readonly isZombie?: boolean;
}

/** A macOS for unit tests: its tables and processes can be replaced between two polls. */
export class FakeMac implements MacCalls {
  tcp: readonly PcbRow[] = [];
  udp: readonly PcbRow[] = [];
  shape: TableShape = {};
  processes: Readonly<Record<number, FakeProcess>> = {};
  /** Errno of each table; 0 for none. */
  tableErrno = 0;
  /** Errno of single tables, by name. */
  tableErrnos: Readonly<Record<string, number>> = {};
  awakeMs = 60_000;
  /** Messages about interfaces. */
  interfaces = new Uint8Array(0);
  /** The kernel control of closes; undefined if it is refused. */
  control: ControlChannel | undefined;
  /** Names of the calls about processes, with the pid. */
  readonly asked: string[] = [];

  sysctlByName(name: string, into: Uint8Array | undefined, size: BigUint64Array): number {
    const errno = this.tableErrnos[name] ?? this.tableErrno;
    if (errno !== 0) return -errno;
    const rows = { 'net.inet.tcp.pcblist_n': this.tcp, 'net.inet.udp.pcblist_n': this.udp }[name];
    if (rows === undefined) {
      const number = { 'net.inet.tcp.now_init': 0, 'net.inet.tcp.microuptime_init': 0, 'kern.argmax': 4096 }[
        name
      ];
      if (number === undefined) return -ERRNO.ENOENT;
      into?.set(new Uint8Array(Uint32Array.of(number).buffer));
      size[0] = 4n;
      return 0;
    }
    const table = pcbTable(rows, this.shape);
    const room = Number(size[0]);
    size[0] = BigInt(table.length);
    if (into === undefined) return 0;
    if (room < table.length) return -ERRNO.ENOMEM;
    into.set(table);
    return 0;
  }

  sysctl(numbers: Int32Array, into: Uint8Array, size: BigUint64Array): number {
    if (numbers[1] === 17) {
      const room = Number(size[0]);
      size[0] = BigInt(this.interfaces.length);
      if (room < this.interfaces.length) return -ERRNO.ENOMEM;
      into.set(this.interfaces);
      return 0;
    }
    const pid = numbers.at(-1) ?? 0;
    const process = this.processes[pid];
    if (numbers[1] === KERN_PROC) {
      size[0] = process?.startedAt === undefined ? 0n : 648n;
      const view = new DataView(into.buffer);
      view.setBigInt64(0, BigInt(process?.startedAt ?? 0), true);
      view.setInt32(40, pid, true);
      return 0;
    }
    if (process?.arguments === undefined) return -ERRNO.EINVAL;
    this.asked.push(`arguments ${pid}`);
    const text = Buffer.from(`....${process.path ?? ''}\0\0\0${process.arguments.join('\0')}\0HOME=/\0`);
    text.writeInt32LE(process.arguments.length, 0);
    into.set(text);
    size[0] = BigInt(text.length);
    return 0;
  }

  listPids(into: Int32Array): number {
    const pids = Object.keys(this.processes).map(Number).slice(0, into.length);
    into.set(pids);
    return pids.length === 0 ? -ERRNO.EPERM : pids.length * 4;
  }

  pidInfo(pid: number, flavor: number, into: Uint8Array): number {
    const process = this.processes[pid];
    if (process === undefined) return -ERRNO.ESRCH;
    if (process.isZombie) return -ERRNO.ESRCH;
    const view = new DataView(into.buffer);
    if (flavor === FLAVOR.shortInfo) {
      into.fill(0);
      view.setUint32(4, process.parent ?? 1, true);
      view.setUint32(8, process.group ?? pid, true);
      into.set(Buffer.from(process.name.slice(0, 15)), 16);
      view.setUint32(36, process.uid ?? 501, true);
      return 64;
    }
    if (process.sockets === undefined) return -ERRNO.EPERM;
    const descriptors = Object.keys(process.sockets)
      .map(Number)
      .slice(0, into.length >> 3);
    descriptors.forEach((descriptor, i) => {
      view.setInt32(i * 8, descriptor, true);
      view.setUint32(i * 8 + 4, 2, true);
    });
    return descriptors.length * 8;
  }

  socketInfo(pid: number, descriptor: number, into: Uint8Array): number {
    this.asked.push(`socket ${pid} ${descriptor}`);
    const handle = this.processes[pid]?.sockets?.[descriptor];
    if (handle === undefined) return -ERRNO.EBADF;
    new DataView(into.buffer).setBigUint64(160, handle, true);
    return 792;
  }

  pidPath(pid: number, into: Uint8Array): number {
    const path = Buffer.from(this.processes[pid]?.path ?? '');
    into.set(path);
    return path.length === 0 ? -ERRNO.ESRCH : path.length;
  }

  clockNs(clock: number): number {
    return clock === CLOCK.awake || clock === CLOCK.continuous ? this.awakeMs * 1e6 : 0;
  }

  userName(uid: number): string | undefined {
    return { 0: 'root', 501: 'ada' }[uid];
  }

  tickNs(): number {
    return 125 / 3;
  }

  openControl(): ControlChannel | number {
    return this.control ?? -ERRNO.EPERM;
  }

  interfaceName(index: number): string | undefined {
    return `en${index}`;
  }
}
