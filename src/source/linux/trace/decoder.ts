import { addressAt, AF_INET, AF_INET6, STATES } from '../netlink/inet.ts';
import { LITTLE_ENDIAN, type NetlinkBuffer, textAt } from '../netlink/wire.ts';
import { parseEventFormat } from './format.ts';
import { Layout } from './layout.ts';
import type { TraceRecord } from './records.ts';

/** Returns the record of an event that is long enough; undefined if the event has unknown values. */
type Decode = (buffer: NetlinkBuffer, start: number, end: number, atMs: number) => TraceRecord | undefined;

/** Hardware interrupt, software interrupt and NMI: TRACE_FLAG_*, include/linux/trace_events.h. */
const IN_INTERRUPT = 0x08 | 0x10 | 0x40;

/** Flags of clone(2), include/uapi/linux/sched.h. */
const CLONE_THREAD = 0x10000;
const CLONE_NEWNET = 0x40000000;

function stateDecoder(layout: Layout): Decode {
  const { flags, tid } = layout.runnerOffsets();
  const sk = layout.pointerReader('skaddr');
  const was = layout.offsetOf('oldstate', 4);
  const now = layout.offsetOf('newstate', 4);
  // In the byte order of the machine, unlike in other kernel interfaces.
  const localPort = layout.offsetOf('sport', 2);
  const remotePort = layout.offsetOf('dport', 2);
  const family = layout.offsetOf('family', 2);
  const local4 = layout.offsetOf('saddr', 4);
  const remote4 = layout.offsetOf('daddr', 4);
  const local6 = layout.offsetOf('saddr_v6', 16);
  const remote6 = layout.offsetOf('daddr_v6', 16);
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

function destroyDecoder(layout: Layout): Decode {
  const { flags, tid } = layout.runnerOffsets();
  const sk = layout.pointerReader('skaddr');
  const cookie = layout.offsetOf('sock_cookie', 8);
  return ({ bytes, view }, start, _end, atMs) => ({
    atMs,
    tid: view.getInt32(start + tid, LITTLE_ENDIAN),
    inProcess: ((bytes[start + flags] ?? 0) & IN_INTERRUPT) === 0,
    type: 'destroy',
    sk: sk(view, start),
    id: `sk:${view.getBigUint64(start + cookie, LITTLE_ENDIAN).toString(16)}`,
  });
}

function taskDecoder(layout: Layout): Decode {
  const { flags, tid } = layout.runnerOffsets();
  const child = layout.offsetOf('pid', 4);
  const comm = layout.field('comm', 16);
  const cloneFlags = layout.lowWordOffset('clone_flags');
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

function execDecoder(layout: Layout): Decode {
  const { flags, tid } = layout.runnerOffsets();
  const pid = layout.offsetOf('pid', 4);
  const oldPid = layout.has('old_pid') ? layout.offsetOf('old_pid', 4) : pid;
  // __data_loc: offset of the text in the event in the low 16 bits, its length in the high 16 bits.
  const place = layout.offsetOf('filename', 4);
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

function renameDecoder(layout: Layout): Decode {
  const { flags, tid } = layout.runnerOffsets();
  const pid = layout.offsetOf('pid', 4);
  const was = layout.offsetOf('oldcomm', 16);
  const now = layout.offsetOf('newcomm', 16);
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

function exitDecoder(layout: Layout): Decode {
  const { flags, tid } = layout.runnerOffsets();
  const pid = layout.offsetOf('pid', 4);
  const groupDead = layout.has('group_dead') ? layout.offsetOf('group_dead', 1) : undefined;
  return ({ bytes, view }, start, _end, atMs) => ({
    atMs,
    tid: view.getInt32(start + tid, LITTLE_ENDIAN),
    inProcess: ((bytes[start + flags] ?? 0) & IN_INTERRUPT) === 0,
    type: 'exit',
    pid: view.getInt32(start + pid, LITTLE_ENDIAN),
    groupDead: groupDead === undefined ? undefined : bytes[start + groupDead] !== 0,
  });
}

const routeDecoder =
  (family: 'ipv4' | 'ipv6') =>
  (layout: Layout): Decode => {
    const { flags, tid } = layout.runnerOffsets();
    const length = family === 'ipv4' ? 4 : 16;
    const localAddress = layout.offsetOf('src', length);
    const remoteAddress = layout.offsetOf('dst', length);
    const localPort = layout.offsetOf('sport', 2);
    const remotePort = layout.offsetOf('dport', 2);
    return ({ bytes, view }, start, _end, atMs) => ({
      atMs,
      tid: view.getInt32(start + tid, LITTLE_ENDIAN),
      inProcess: ((bytes[start + flags] ?? 0) & IN_INTERRUPT) === 0,
      type: 'route',
      localPort: view.getUint16(start + localPort, LITTLE_ENDIAN),
      remotePort: view.getUint16(start + remotePort, LITTLE_ENDIAN),
      localAddress: addressAt(view, start + localAddress, family),
      remoteAddress: addressAt(view, start + remoteAddress, family),
    });
  };

/** How a kind of trace event is recorded and decoded. */
interface EventKind {
  /** Filter of the kernel (Documentation/trace/events.rst): other events are not recorded. */
  readonly filter?: string;
  /** There is no trace without it. */
  readonly isRequired?: boolean;
  readonly decoder: (layout: Layout) => Decode;
}

/** All trace events that are read, by folder below `events`: include/trace/events/*.h. */
export const EVENTS: ReadonlyMap<string, EventKind> = new Map<string, EventKind>([
  ['sock/inet_sock_set_state', { filter: 'protocol == 6', isRequired: true, decoder: stateDecoder }],
  // Required because the address of a destroyed socket is reused.
  ['tcp/tcp_destroy_sock', { isRequired: true, decoder: destroyDecoder }],
  ['task/task_newtask', { decoder: taskDecoder }],
  ['task/task_rename', { decoder: renameDecoder }],
  ['sched/sched_process_exec', { decoder: execDecoder }],
  ['sched/sched_process_exit', { decoder: exitDecoder }],
  ['fib/fib_table_lookup', { filter: 'proto == 17', decoder: routeDecoder('ipv4') }],
  ['fib6/fib6_table_lookup', { filter: 'proto == 17', decoder: routeDecoder('ipv6') }],
]);

/** Decodes trace events into records, by the layouts of this kernel. */
export class Decoder {
  /** Number of events that were truncated, of an unknown kind, or with unknown values. */
  problems = 0;
  readonly #kinds = new Map<number, { readonly length: number; readonly decode: Decode }>();

  /**
   * Adds a kind of event.
   * @param name a key of `EVENTS`
   * @param format content of its file `format`
   * @returns false if required fields are missing: the event is not decoded then
   */
  addEvent(name: string, format: string): boolean {
    const parsed = parseEventFormat(format).format;
    const kind = EVENTS.get(name);
    if (parsed === undefined || kind === undefined) return false;
    const layout = new Layout(parsed.fields);
    const decode = kind.decoder(layout);
    // `common_type` identifies the event, so its offset must be the same in all of them.
    if (layout.offsetOf('common_type', 2) !== 0 || !layout.isUsable) return false;
    this.#kinds.set(parsed.id, { length: layout.length, decode });
    return true;
  }

  /**
   * Decodes one event.
   * @param start offset of the event in the buffer, a multiple of 4
   * @param atMs time of the event
   * @returns undefined for an invalid event, which counts as a problem
   */
  decode(buffer: NetlinkBuffer, start: number, end: number, atMs: number): TraceRecord | undefined {
    const kind = this.#kinds.get(buffer.u16[start >>> 1] ?? 0);
    const record =
      kind === undefined || start + kind.length > end ? undefined : kind.decode(buffer, start, end, atMs);
    if (record === undefined) this.problems++;
    return record;
  }
}
