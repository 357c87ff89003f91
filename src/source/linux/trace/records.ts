import type { SocketState } from '../../../model/socket.ts';
import { addressAt, AF_INET, AF_INET6, STATES } from '../netlink/inet.ts';
import { LITTLE_ENDIAN, type NetlinkBuffer, textAt } from '../netlink/wire.ts';
import { parseEventFormat, type Field } from './format.ts';

/**
 * Something that the kernel's trace told. Texts in it are whatever a program wrote, and are not cleaned here.
 */
interface Traced {
  /** Milliseconds of CLOCK_MONOTONIC, with a fraction down to the nanosecond: the zero of `process.hrtime()`. */
  readonly atMs: number;
  /** The thread that was running, as the machine's first pid namespace numbers it. */
  readonly tid: number;
  /** That thread did it itself; otherwise an interrupt that came while it ran. */
  readonly inProcess: boolean;
}

/** A TCP socket goes from one state to another; one that connects has no port of its own before SYN_SENT is over. */
export interface StateRecord extends Traced {
  readonly type: 'state';
  /** The low 48 bits of the socket's address in the kernel: its name until it is destroyed, and then another's. */
  readonly sk: number;
  readonly family: 'ipv4' | 'ipv6';
  readonly localPort: number;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly was: SocketState;
  readonly now: SocketState;
}

/** A TCP socket goes. */
export interface DestroyRecord extends Traced {
  readonly type: 'destroy';
  readonly sk: number;
  /** Its cookie, as `cookieId` writes it: `sk:…`. */
  readonly id: string;
}

/** The running thread makes another, of its own process or as a process. */
export interface TaskRecord extends Traced {
  readonly type: 'task';
  readonly child: number;
  readonly isThread: boolean;
  /** It is in a network namespace of its own from the start. */
  readonly hasOwnNetwork: boolean;
  readonly comm: string;
}

/** A process has become another program. */
export interface ExecRecord extends Traced {
  readonly type: 'exec';
  readonly pid: number;
  /** Number of the thread that did it, until then. */
  readonly oldPid: number;
  readonly filename: string;
}

/** A thread has another name; every exec gives one. The name of the first thread is that of the process. */
export interface RenameRecord extends Traced {
  readonly type: 'rename';
  /** The thread. */
  readonly pid: number;
  readonly was: string;
  readonly now: string;
}

/** A thread ends. */
export interface ExitRecord extends Traced {
  readonly type: 'exit';
  readonly pid: number;
  /**
   * It was the last of its process, whose number may be another: that of a thread that ended before. `undefined` where
   * the kernel does not tell.
   */
  readonly groupDead: boolean | undefined;
}

/** A route was looked up for UDP: what a socket does that sends or connects. Zeros stand for what is not known yet. */
export interface RouteRecord extends Traced {
  readonly type: 'route';
  readonly family: 'ipv4' | 'ipv6';
  readonly localPort: number;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly remoteAddress: string;
}

export type TraceRecord =
  StateRecord | DestroyRecord | TaskRecord | ExecRecord | RenameRecord | ExitRecord | RouteRecord;

/** Makes a record of an event that is long enough; `undefined` where it holds what this program does not know. */
type Decode = (buffer: NetlinkBuffer, start: number, end: number, atMs: number) => TraceRecord | undefined;

/** Hardware interrupt, software interrupt and NMI: TRACE_FLAG_*, include/linux/trace_events.h. */
const IN_INTERRUPT = 0x08 | 0x10 | 0x40;

/** Flags of clone(2), include/uapi/linux/sched.h. */
const CLONE_THREAD = 0x10000;
const CLONE_NEWNET = 0x40000000;

/** Finds the fields of an event; one that is not there, or of a length not known, makes it unusable. */
class Layout {
  isUsable = true;
  /** Bytes that an event has at least. */
  length = 0;
  readonly #fields: ReadonlyMap<string, Field>;

  constructor(fields: ReadonlyMap<string, Field>) {
    this.#fields = fields;
  }

  has(name: string): boolean {
    return this.#fields.has(name);
  }

  /** Where a field is. @param sizes the lengths that it may have, bytes */
  field(name: string, ...sizes: readonly number[]): Field {
    const field = this.#fields.get(name);
    if (field === undefined || !sizes.includes(field.size)) {
      this.isUsable = false;
      return { offset: 0, size: 0 };
    }
    this.length = Math.max(this.length, field.offset + field.size);
    return field;
  }

  at(name: string, ...sizes: readonly number[]): number {
    return this.field(name, ...sizes).offset;
  }

  /** Where the low 32 bits of a long are. */
  lowWord(name: string): number {
    const { offset, size } = this.field(name, 4, 8);
    return LITTLE_ENDIAN ? offset : offset + size - 4;
  }

  /** What reads a pointer. */
  pointer(name: string): (view: DataView, start: number) => number {
    const { size, offset } = this.field(name, 4, 8);
    const low = this.lowWord(name);
    if (size !== 8) return (view, start) => view.getUint32(start + low, LITTLE_ENDIAN);
    const high = LITTLE_ENDIAN ? offset + 4 : offset + 2;
    return (view, start) =>
      view.getUint32(start + low, LITTLE_ENDIAN) + view.getUint16(start + high, LITTLE_ENDIAN) * 2 ** 32;
  }

  /** What every event says of who was running. */
  runner(): { readonly flags: number; readonly tid: number } {
    return { flags: this.at('common_flags', 1), tid: this.at('common_pid', 4) };
  }
}

function state(layout: Layout): Decode {
  const { flags, tid } = layout.runner();
  const sk = layout.pointer('skaddr');
  const was = layout.at('oldstate', 4);
  const now = layout.at('newstate', 4);
  // Unlike everywhere else, in the byte order of the machine.
  const localPort = layout.at('sport', 2);
  const remotePort = layout.at('dport', 2);
  const family = layout.at('family', 2);
  const local4 = layout.at('saddr', 4);
  const remote4 = layout.at('daddr', 4);
  const local6 = layout.at('saddr_v6', 16);
  const remote6 = layout.at('daddr_v6', 16);
  return ({ bytes, view }, start, _end, atMs) => {
    const number = view.getUint16(start + family, LITTLE_ENDIAN);
    const before = STATES[view.getUint32(start + was, LITTLE_ENDIAN)];
    const after = STATES[view.getUint32(start + now, LITTLE_ENDIAN)];
    if (before === undefined || after === undefined || (number !== AF_INET && number !== AF_INET6))
      return undefined;
    const is4 = number === AF_INET;
    return {
      atMs,
      tid: view.getInt32(start + tid, LITTLE_ENDIAN),
      inProcess: ((bytes[start + flags] ?? 0) & IN_INTERRUPT) === 0,
      type: 'state',
      sk: sk(view, start),
      family: is4 ? 'ipv4' : 'ipv6',
      localPort: view.getUint16(start + localPort, LITTLE_ENDIAN),
      remotePort: view.getUint16(start + remotePort, LITTLE_ENDIAN),
      localAddress: is4 ? addressAt(view, start + local4, 'ipv4') : addressAt(view, start + local6, 'ipv6'),
      remoteAddress: is4
        ? addressAt(view, start + remote4, 'ipv4')
        : addressAt(view, start + remote6, 'ipv6'),
      was: before,
      now: after,
    };
  };
}

function destroy(layout: Layout): Decode {
  const { flags, tid } = layout.runner();
  const sk = layout.pointer('skaddr');
  const cookie = layout.at('sock_cookie', 8);
  return ({ bytes, view }, start, _end, atMs) => ({
    atMs,
    tid: view.getInt32(start + tid, LITTLE_ENDIAN),
    inProcess: ((bytes[start + flags] ?? 0) & IN_INTERRUPT) === 0,
    type: 'destroy',
    sk: sk(view, start),
    id: `sk:${view.getBigUint64(start + cookie, LITTLE_ENDIAN).toString(16)}`,
  });
}

function task(layout: Layout): Decode {
  const { flags, tid } = layout.runner();
  const child = layout.at('pid', 4);
  const comm = layout.field('comm', 16);
  const cloneFlags = layout.lowWord('clone_flags');
  return (buffer, start, _end, atMs) => ({
    atMs,
    tid: buffer.view.getInt32(start + tid, LITTLE_ENDIAN),
    inProcess: ((buffer.bytes[start + flags] ?? 0) & IN_INTERRUPT) === 0,
    type: 'task',
    child: buffer.view.getInt32(start + child, LITTLE_ENDIAN),
    isThread: (buffer.view.getUint32(start + cloneFlags, LITTLE_ENDIAN) & CLONE_THREAD) !== 0,
    hasOwnNetwork: (buffer.view.getUint32(start + cloneFlags, LITTLE_ENDIAN) & CLONE_NEWNET) !== 0,
    comm: textAt(buffer, start + comm.offset, start + comm.offset + comm.size),
  });
}

function exec(layout: Layout): Decode {
  const { flags, tid } = layout.runner();
  const pid = layout.at('pid', 4);
  const oldPid = layout.has('old_pid') ? layout.at('old_pid', 4) : pid;
  // __data_loc: where in the event the text begins, 16 bits, and how long it is, 16 bits above them.
  const place = layout.at('filename', 4);
  return (buffer, start, end, atMs) => {
    const { bytes, view } = buffer;
    const word = view.getUint32(start + place, LITTLE_ENDIAN);
    const from = start + (word & 0xffff);
    const to = from + (word >>> 16);
    if (to > end) return undefined;
    return {
      atMs,
      tid: view.getInt32(start + tid, LITTLE_ENDIAN),
      inProcess: ((bytes[start + flags] ?? 0) & IN_INTERRUPT) === 0,
      type: 'exec',
      pid: view.getInt32(start + pid, LITTLE_ENDIAN),
      oldPid: view.getInt32(start + oldPid, LITTLE_ENDIAN),
      filename: textAt(buffer, from, to),
    };
  };
}

function rename(layout: Layout): Decode {
  const { flags, tid } = layout.runner();
  const pid = layout.at('pid', 4);
  const was = layout.at('oldcomm', 16);
  const now = layout.at('newcomm', 16);
  return (buffer, start, _end, atMs) => ({
    atMs,
    tid: buffer.view.getInt32(start + tid, LITTLE_ENDIAN),
    inProcess: ((buffer.bytes[start + flags] ?? 0) & IN_INTERRUPT) === 0,
    type: 'rename',
    pid: buffer.view.getInt32(start + pid, LITTLE_ENDIAN),
    was: textAt(buffer, start + was, start + was + 16),
    now: textAt(buffer, start + now, start + now + 16),
  });
}

function exit(layout: Layout): Decode {
  const { flags, tid } = layout.runner();
  const pid = layout.at('pid', 4);
  const groupDead = layout.has('group_dead') ? layout.at('group_dead', 1) : undefined;
  return ({ bytes, view }, start, _end, atMs) => ({
    atMs,
    tid: view.getInt32(start + tid, LITTLE_ENDIAN),
    inProcess: ((bytes[start + flags] ?? 0) & IN_INTERRUPT) === 0,
    type: 'exit',
    pid: view.getInt32(start + pid, LITTLE_ENDIAN),
    groupDead: groupDead === undefined ? undefined : bytes[start + groupDead] !== 0,
  });
}

const route =
  (family: 'ipv4' | 'ipv6') =>
  (layout: Layout): Decode => {
    const { flags, tid } = layout.runner();
    const length = family === 'ipv4' ? 4 : 16;
    const localAddress = layout.at('src', length);
    const remoteAddress = layout.at('dst', length);
    const localPort = layout.at('sport', 2);
    const remotePort = layout.at('dport', 2);
    return ({ bytes, view }, start, _end, atMs) => ({
      atMs,
      tid: view.getInt32(start + tid, LITTLE_ENDIAN),
      inProcess: ((bytes[start + flags] ?? 0) & IN_INTERRUPT) === 0,
      type: 'route',
      family,
      localPort: view.getUint16(start + localPort, LITTLE_ENDIAN),
      remotePort: view.getUint16(start + remotePort, LITTLE_ENDIAN),
      localAddress: addressAt(view, start + localAddress, family),
      remoteAddress: addressAt(view, start + remoteAddress, family),
    });
  };

/** An event of the kernel, by its folder below `events`. */
interface EventKind {
  /** The kernel drops what does not match before it is written. */
  readonly filter?: string;
  /** Nothing works without it. */
  readonly isNeeded?: boolean;
  readonly decoder: (layout: Layout) => Decode;
}

/** Every event that is read: include/trace/events/*.h. */
export const EVENTS: ReadonlyMap<string, EventKind> = new Map<string, EventKind>([
  ['sock/inet_sock_set_state', { filter: 'protocol == 6', isNeeded: true, decoder: state }],
  // Otherwise nobody could tell when a socket's address in the kernel is another's.
  ['tcp/tcp_destroy_sock', { isNeeded: true, decoder: destroy }],
  ['task/task_newtask', { decoder: task }],
  ['task/task_rename', { decoder: rename }],
  ['sched/sched_process_exec', { decoder: exec }],
  ['sched/sched_process_exit', { decoder: exit }],
  ['fib/fib_table_lookup', { filter: 'proto == 17', decoder: route('ipv4') }],
  ['fib6/fib6_table_lookup', { filter: 'proto == 17', decoder: route('ipv6') }],
]);

/** Turns events into records, by the layouts that this kernel has. */
export class Decoder {
  /** Events that were cut, of a kind that was not asked for, or that hold what is not known. */
  problems = 0;
  readonly #kinds = new Map<number, { readonly length: number; readonly decode: Decode }>();

  /**
   * Learns an event.
   * @param name one of `EVENTS`
   * @param format what its file `format` holds
   * @returns false when it lacks what a record needs: it is no use then
   */
  learn(name: string, format: string): boolean {
    const parsed = parseEventFormat(format).format;
    const kind = EVENTS.get(name);
    if (parsed === undefined || kind === undefined) return false;
    const layout = new Layout(parsed.fields);
    const decode = kind.decoder(layout);
    // What tells events apart is read before it is known which one it is.
    if (layout.at('common_type', 2) !== 0 || !layout.isUsable) return false;
    this.#kinds.set(parsed.id, { length: layout.length, decode });
    return true;
  }

  /**
   * Decodes one event.
   * @param start where it begins, a multiple of 4
   * @param atMs its time
   * @returns undefined for one that makes no sense, which is counted
   */
  decode(buffer: NetlinkBuffer, start: number, end: number, atMs: number): TraceRecord | undefined {
    const kind = this.#kinds.get(buffer.u16[start >>> 1] ?? 0);
    const record =
      kind === undefined || start + kind.length > end ? undefined : kind.decode(buffer, start, end, atMs);
    if (record === undefined) this.problems++;
    return record;
  }
}
