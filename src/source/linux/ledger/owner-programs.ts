import { Assembler } from './assembler.ts';
import { COUNT, COUNTERS, ENDPOINTS, ENTRY, NAME_LENGTH, NO_SOCKET, SLOT, TCP_OPERATION } from './layout.ts';
import {
  addToCount,
  ANY,
  ATTACH,
  countUpdate,
  end,
  findSlot,
  HELPER,
  KEY,
  lookUp,
  type MapDescriptors,
  type Program,
  SCRATCH,
  SOCK,
  SOCK_DGRAM,
  SOCK_STREAM,
  storeCookie,
  TCP,
  TYPE,
  UDP,
  update,
  VALUE,
  zeroValue,
} from './program-parts.ts';

/** Offsets into struct bpf_sock_ops. */
const SOCK_OPS = { operation: 0, family: 20, endpoints: 24 } as const;

/** The pid namespace whose pids are recorded, as stat(2) of /proc/self/ns/pid has it. */
export interface PidNamespace {
  readonly device: number;
  readonly inode: number;
}

/**
 * Sets r0 to the current thread and process, in the given pid namespace if it is not the first one. 0 for a process of
 * another namespace.
 */
function currentProcess(it: Assembler, namespace: PidNamespace | undefined): Assembler {
  if (namespace === undefined) return it.call(HELPER.pidTgid);
  // struct bpf_pidns_info: thread and process, 32 bits each. The helper sets both to 0 if it fails.
  return it
    .compute('r1', '=', namespace.device)
    .compute('r2', '=', namespace.inode | 0)
    .compute('r2', '<<', 32)
    .compute('r2', '>>', 32)
    .compute('r3', '=', 'r10')
    .compute('r3', '+', SCRATCH)
    .compute('r4', '=', 8)
    .call(HELPER.nsPidTgid)
    .load(32, 'r0', 'r10', SCRATCH + 4)
    .compute('r0', '<<', 32)
    .load(32, 'r1', 'r10', SCRATCH)
    .compute('r0', '+', 'r1');
}

/** cgroup/sock_create: runs in the process that calls socket(2), for every new IP socket. */
function created(
  { entries, slots, counts }: MapDescriptors,
  namespace: PidNamespace | undefined,
): Uint8Array {
  const it = new Assembler().compute('r6', '=', 'r1');
  zeroValue(storeCookie(it), ENTRY.length);
  currentProcess(it, namespace)
    .store(64, 'r10', VALUE + ENTRY.creator, 'r0')
    .call(HELPER.uidGid)
    .store(64, 'r10', VALUE + ENTRY.creatorUser, 'r0')
    .call(HELPER.timeNs)
    .store(64, 'r10', VALUE + ENTRY.bornNs, 'r0')
    .compute('r1', '=', 'r10')
    .compute('r1', '+', VALUE + ENTRY.creatorName)
    .compute('r2', '=', NAME_LENGTH)
    .call(HELPER.comm);
  update(it, entries, ANY);
  countUpdate(it, counts, 'slot').label('slot');
  return end(takeSlot(it, slots));
}

/** Gives the new socket in r6 its slot, if it is UDP and the slot is free. It has no packets yet. */
function takeSlot(it: Assembler, slots: number): Assembler {
  it.load(32, 'r1', 'r6', SOCK.type)
    .jumpIf('r1', '!=', SOCK_DGRAM, 'end')
    .load(32, 'r1', 'r6', SOCK.protocol)
    .jumpIf('r1', '!=', UDP, 'end');
  findSlot(it, slots, 'end')
    // Two processors may want it at once.
    .compute('r7', '=', 'r0')
    .compute('r0', '=', NO_SOCKET.free)
    .compute('r1', '=', NO_SOCKET.taken)
    .exchangeAtomically('r7', SLOT.cookie, 'r1')
    .jumpIf('r0', '!=', NO_SOCKET.free, 'end');
  for (let at = 0; at < COUNTERS.length; at += 8) it.store(64, 'r7', at, 0);
  return it.load(64, 'r1', 'r10', KEY).store(64, 'r7', SLOT.cookie, 'r1');
}

/** Frees the slot of the key, and moves its counters to their map, if there are any. */
function freeSlot(it: Assembler, { counters, slots, counts }: MapDescriptors, next: string): Assembler {
  findSlot(it, slots, next)
    .load(64, 'r2', 'r10', KEY)
    .jumpIf('r1', '!=', 'r2', next)
    .load(64, 'r3', 'r0', COUNTERS.rxPackets)
    .load(64, 'r4', 'r0', COUNTERS.txPackets);
  for (let at = 0; at < COUNTERS.length; at += 8)
    it.load(64, 'r1', 'r0', at).store(64, 'r10', VALUE + at, 'r1');
  it.store(64, 'r0', SLOT.cookie, NO_SOCKET.free).compute('r3', '|', 'r4').jumpIf('r3', '==', 0, next);
  update(it, counters, ANY).jumpIf('r0', '==', 0, next);
  return addToCount(it, counts, COUNT.refused, 1, next).label(next);
}

/** Removes the value of the key from a map. Sets r0 to 0 if there was one. */
const remove = (it: Assembler, map: number): Assembler =>
  it.loadMap('r1', map).compute('r2', '=', 'r10').compute('r2', '+', KEY).call(HELPER.mapDelete);

/**
 * cgroup/sock_release: runs in the process that closes the last descriptor of a socket, or ends with it. The kernel
 * reports the end of TCP and UDP sockets only, so those of other protocols are removed at once.
 */
function released(maps: MapDescriptors, namespace: PidNamespace | undefined): Uint8Array {
  const { entries, counters, counts } = maps;
  const it = new Assembler().compute('r6', '=', 'r1');
  storeCookie(it)
    .load(32, 'r1', 'r6', SOCK.type)
    .load(32, 'r2', 'r6', SOCK.protocol)
    .jumpIf('r1', '==', SOCK_STREAM, 'stream')
    .jumpIf('r1', '!=', SOCK_DGRAM, 'other')
    .jumpIf('r2', '==', UDP, 'udp')
    .jump('other')
    .label('stream')
    .jumpIf('r2', '==', TCP, 'reported')
    .label('other');
  remove(it, entries).jumpIf('r0', '!=', 0, 'no entry');
  addToCount(it, counts, COUNT.entries, -1, 'no entry').label('no entry');
  remove(it, counters).jump('end').label('udp');
  freeSlot(it, maps, 'reported');
  lookUp(it, entries).jumpIf('r0', '==', 0, 'end').compute('r7', '=', 'r0');
  currentProcess(it, namespace)
    .store(64, 'r7', ENTRY.releaser, 'r0')
    .call(HELPER.timeNs)
    .store(64, 'r7', ENTRY.releasedNs, 'r0')
    .compute('r1', '=', 'r7')
    .compute('r1', '+', ENTRY.releaserName)
    .compute('r2', '=', NAME_LENGTH)
    .call(HELPER.comm)
    .load(32, 'r1', 'r6', SOCK.state)
    .store(32, 'r7', ENTRY.releasedState, 'r1');
  return end(it);
}

/** Copies operation, family and endpoints from struct bpf_sock_ops in r6 to an entry; the operation is in r7. */
function copyEndpoints(it: Assembler, to: 'r0' | 'r10', at: number): Assembler {
  it.store(32, to, at + ENTRY.operation, 'r7')
    .load(32, 'r1', 'r6', SOCK_OPS.family)
    .store(32, to, at + ENTRY.family, 'r1');
  for (let i = 0; i < ENDPOINTS.length; i += 4)
    it.load(32, 'r1', 'r6', SOCK_OPS.endpoints + i).store(32, to, at + ENTRY.endpoints + i, 'r1');
  return it;
}

/**
 * sock_ops: adds accepted connections, which no process creates, and records the endpoints of connect(2) and listen(2),
 * which the kernel clears when it refuses or resets a connection.
 */
function tcp({ entries, counts }: MapDescriptors): Uint8Array {
  const it = new Assembler()
    .compute('r6', '=', 'r1')
    .load(32, 'r7', 'r6', SOCK_OPS.operation)
    .jumpIf('r7', '==', TCP_OPERATION.connect, 'known')
    .jumpIf('r7', '==', TCP_OPERATION.listen, 'known')
    .jumpIf('r7', '!=', TCP_OPERATION.accepted, 'end');
  zeroValue(storeCookie(it), ENTRY.length)
    .call(HELPER.timeNs)
    .store(64, 'r10', VALUE + ENTRY.bornNs, 'r0');
  copyEndpoints(it, 'r10', VALUE);
  update(it, entries, ANY);
  countUpdate(it, counts, 'end').jump('end').label('known');
  lookUp(storeCookie(it), entries).jumpIf('r0', '==', 0, 'end');
  return end(copyEndpoints(it, 'r0', 0));
}

/** Programs that record who makes and closes a socket. */
export const ownerPrograms = (maps: MapDescriptors, namespace?: PidNamespace): readonly Program[] => [
  {
    name: 'created',
    type: TYPE.cgroupSock,
    attachType: ATTACH.sockCreate,
    code: created(maps, namespace),
  },
  {
    name: 'released',
    type: TYPE.cgroupSock,
    attachType: ATTACH.sockRelease,
    code: released(maps, namespace),
  },
  { name: 'tcp', type: TYPE.sockOps, attachType: ATTACH.sockOps, code: tcp(maps) },
];
