import { Assembler } from './assembler.ts';
import { COUNTERS, ENDPOINTS, ENTRY, MADE, MAX_PEERS, NAME_LENGTH, PEER, TCP_OPERATION } from './layout.ts';
import { LITTLE_ENDIAN } from '../netlink/wire.ts';

/** Functions of the kernel (enum bpf_func_id, include/uapi/linux/bpf.h). */
const HELPER = {
  mapLookUp: 1,
  mapUpdate: 2,
  mapDelete: 3,
  timeNs: 5,
  pidTgid: 14,
  uidGid: 15,
  comm: 16,
  skbLoadBytes: 26,
  cookie: 46,
  fullSock: 95,
  nsPidTgid: 120,
} as const;

/** Program types and attach types (enum bpf_prog_type, enum bpf_attach_type). */
const TYPE = { cgroupSkb: 8, cgroupSock: 9, sockOps: 13 } as const;
const ATTACH = { ingress: 0, egress: 1, sockCreate: 2, sockOps: 3, sockRelease: 34 } as const;

/** Offsets into struct __sk_buff, struct bpf_sock and struct bpf_sock_ops. */
const SKB = { length: 0, protocol: 16, data: 76, dataEnd: 80, gsoSegments: 164, sock: 168 } as const;
const SOCK = { type: 8, protocol: 12, state: 72 } as const;
const SOCK_OPS = { operation: 0, family: 20, endpoints: 24 } as const;

/** TCP state of a connected socket, also of other protocols (include/net/tcp_states.h). */
const ESTABLISHED = 1;

const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const TCP = 6;
const UDP = 17;
const UDPLITE = 136;
const UDP_HEADER = 8;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const IPV6_NEXT_HEADER = 6;
/** ETH_P_IPV6 in network byte order. */
const IPV6_PROTOCOL = LITTLE_ENDIAN ? 0xdd86 : 0x86dd;

/** Flags of bpf_map_update_elem. */
const ANY = 0;
const NO_EXIST = 1;

/** Place of the key on the stack, and of a new value before it. */
const KEY = -8;
const SCRATCH = -16;
const VALUE = -16 - ENTRY.length;

/** Descriptors of the maps that the programs use. */
export interface MapDescriptors {
  readonly entries: number;
  readonly counters: number;
  readonly made: number;
}

/** The pid namespace whose pids are recorded, as stat(2) of /proc/self/ns/pid has it. */
export interface PidNamespace {
  readonly device: number;
  readonly inode: number;
}

/** A program and where it is attached. */
export interface Program {
  readonly name: string;
  readonly type: number;
  readonly attachType: number;
  readonly code: Uint8Array;
}

/** Puts the cookie of the context in r6 on the stack, as the key. */
const storeCookie = (it: Assembler): Assembler =>
  it.compute('r1', '=', 'r6').call(HELPER.cookie).store(64, 'r10', KEY, 'r0');

/** Sets r0 to the address of the value of the key, 0 if there is none. */
const lookUp = (it: Assembler, map: number): Assembler =>
  it.loadMap('r1', map).compute('r2', '=', 'r10').compute('r2', '+', KEY).call(HELPER.mapLookUp);

/** Puts the value on the stack into a map. */
const update = (it: Assembler, map: number, flags: number): Assembler =>
  it
    .loadMap('r1', map)
    .compute('r2', '=', 'r10')
    .compute('r2', '+', KEY)
    .compute('r3', '=', 'r10')
    .compute('r3', '+', VALUE)
    .compute('r4', '=', flags)
    .call(HELPER.mapUpdate);

function zeroValue(it: Assembler, length: number): Assembler {
  for (let at = 0; at < length; at += 8) it.store(64, 'r10', VALUE + at, 0);
  return it;
}

/** Counts a new entry of a map, and ends the program. @param index key in the array `made` */
const countMade = (it: Assembler, made: number, index: number): Assembler =>
  it
    .store(32, 'r10', KEY, index)
    .loadMap('r1', made)
    .compute('r2', '=', 'r10')
    .compute('r2', '+', KEY)
    .call(HELPER.mapLookUp)
    .jumpIf('r0', '==', 0, 'end')
    .compute('r1', '=', 1)
    .addAtomically('r0', 0, 'r1');

/** Ends the program; 1 lets the socket or packet pass. */
const end = (it: Assembler): Uint8Array => it.label('end').compute('r0', '=', 1).exit().bytes();

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
function created({ entries, made }: MapDescriptors, namespace: PidNamespace | undefined): Uint8Array {
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
  return end(countMade(it, made, MADE.entries));
}

/** Removes the value of the key from a map, and subtracts it from the number of those made. */
const remove = (it: Assembler, map: number, made: number, index: number, next: string): Assembler =>
  it
    .loadMap('r1', map)
    .compute('r2', '=', 'r10')
    .compute('r2', '+', KEY)
    .call(HELPER.mapDelete)
    .jumpIf('r0', '!=', 0, next)
    .store(32, 'r10', SCRATCH, index)
    .loadMap('r1', made)
    .compute('r2', '=', 'r10')
    .compute('r2', '+', SCRATCH)
    .call(HELPER.mapLookUp)
    .jumpIf('r0', '==', 0, next)
    .compute('r1', '=', -1)
    .addAtomically('r0', 0, 'r1')
    .label(next);

/**
 * cgroup/sock_release: runs in the process that closes the last descriptor of a socket, or ends with it. The kernel
 * reports the end of TCP and UDP sockets only, so those of other protocols are removed at once.
 */
function released(
  { entries, counters, made }: MapDescriptors,
  namespace: PidNamespace | undefined,
): Uint8Array {
  const it = new Assembler().compute('r6', '=', 'r1');
  storeCookie(it)
    .load(32, 'r1', 'r6', SOCK.type)
    .load(32, 'r2', 'r6', SOCK.protocol)
    .jumpIf('r1', '==', SOCK_STREAM, 'stream')
    .jumpIf('r1', '!=', SOCK_DGRAM, 'other')
    .jumpIf('r2', '==', UDP, 'reported')
    .jump('other')
    .label('stream')
    .jumpIf('r2', '==', TCP, 'reported')
    .label('other');
  remove(it, entries, made, MADE.entries, 'no entry');
  remove(it, counters, made, MADE.counters, 'no counters').jump('end').label('reported');
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
function tcp({ entries, made }: MapDescriptors): Uint8Array {
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
  countMade(it, made, MADE.entries).jump('end').label('known');
  lookUp(storeCookie(it), entries).jumpIf('r0', '==', 0, 'end');
  return end(copyEndpoints(it, 'r0', 0));
}

/** Place on the stack of the peer of a packet. */
const PACKET_PEER = VALUE - PEER.length;

/** Copies bytes of the packet at r2 to its peer. One by one: some machines cannot load more from any address. */
function copyToPeer(it: Assembler, from: number, to: number, length: number): Assembler {
  for (let i = 0; i < length; i++)
    it.load(8, 'r5', 'r2', from + i).store(8, 'r10', PACKET_PEER + to + i, 'r5');
  return it;
}

/**
 * Puts the length of the IP header into r9, and the peer of the packet on the stack if the socket is not connected. Its
 * number stays 0 if it cannot be read: after IPv6 extension headers. r0 has the socket, r8 UDP or UDP-Lite, or 0 for a
 * protocol without ports.
 */
function readPacket(it: Assembler, direction: 'rx' | 'tx'): Assembler {
  for (let at = 0; at < PEER.length; at += 8) it.store(64, 'r10', PACKET_PEER + at, 0);
  it.load(32, 'r4', 'r0', SOCK.state)
    .load(32, 'r2', 'r6', SKB.data)
    .load(32, 'r3', 'r6', SKB.dataEnd)
    .load(32, 'r1', 'r6', SKB.protocol)
    .jumpIf('r1', '==', IPV6_PROTOCOL, 'ipv6')
    .compute('r1', '=', 'r2')
    .compute('r1', '+', IPV4_HEADER)
    .jumpIf('r1', '>', 'r3', 'end')
    // The low four bits of the first byte are the length of the header in 32-bit words.
    .load(8, 'r9', 'r2', 0)
    .compute('r9', '&', 0xf)
    .compute('r9', '<<', 2)
    .jumpIf('r4', '==', ESTABLISHED, 'header');
  copyToPeer(it, direction === 'rx' ? 12 : 16, PEER.lower, 4)
    .compute('r1', '=', 4)
    .compute('r2', '+', 'r9')
    .jump('ports')
    .label('ipv6')
    .compute('r9', '=', IPV6_HEADER)
    .jumpIf('r4', '==', ESTABLISHED, 'header')
    .compute('r1', '=', 'r2')
    .compute('r1', '+', IPV6_HEADER)
    .jumpIf('r1', '>', 'r3', 'header');
  copyToPeer(it, direction === 'rx' ? 8 : 24, PEER.upper, 16)
    .compute('r1', '=', 6)
    .load(8, 'r4', 'r2', IPV6_NEXT_HEADER)
    .compute('r2', '+', IPV6_HEADER)
    .jumpIf('r8', '==', 0, 'check')
    .jumpIf('r4', '!=', 'r8', 'header')
    .label('ports')
    .jumpIf('r8', '==', 0, 'check')
    .compute('r4', '=', 'r2')
    .compute('r4', '+', UDP_HEADER)
    .jumpIf('r4', '>', 'r3', 'header');
  return copyToPeer(it, direction === 'rx' ? 0 : 2, PEER.port, 2)
    .label('check')
    .store(8, 'r10', PACKET_PEER + PEER.version, 'r1')
    .load(64, 'r5', 'r10', PACKET_PEER + PEER.upper)
    .load(64, 'r4', 'r10', PACKET_PEER + PEER.lower)
    .compute('r5', '^', 'r4')
    .compute('r4', '=', 'r5')
    .compute('r4', '>>', 32)
    .compute('r5', '^', 'r4')
    .store(32, 'r10', PACKET_PEER + PEER.check, 'r5')
    .label('header');
}

/** Remembers the peer of the packet on the stack in the counters at r0, which is in r9 afterwards. */
function rememberPeer(it: Assembler): Assembler {
  it.compute('r9', '=', 'r0')
    .load(64, 'r1', 'r10', PACKET_PEER + PEER.number)
    .jumpIf('r1', '==', 0, 'end')
    .load(64, 'r2', 'r10', PACKET_PEER + PEER.upper)
    .load(64, 'r3', 'r10', PACKET_PEER + PEER.lower);
  for (let i = 0; i < MAX_PEERS; i++) {
    const at = COUNTERS.peers + i * PEER.length;
    const next = `not ${i}`;
    it.load(64, 'r4', 'r9', at + PEER.number)
      .jumpIf('r4', '!=', 'r1', next)
      .load(64, 'r4', 'r9', at + PEER.upper)
      .jumpIf('r4', '!=', 'r2', next)
      .load(64, 'r4', 'r9', at + PEER.lower)
      .jumpIf('r4', '==', 'r3', 'end')
      .label(next);
  }
  return it
    .load(64, 'r4', 'r9', COUNTERS.peerCount)
    .compute('r5', '=', 'r4')
    .compute('r5', '&', MAX_PEERS - 1)
    .compute('r5', '*', PEER.length)
    .compute('r4', '+', 1)
    .store(64, 'r9', COUNTERS.peerCount, 'r4')
    .compute('r9', '+', 'r5')
    .store(64, 'r9', COUNTERS.peers + PEER.upper, 'r2')
    .store(64, 'r9', COUNTERS.peers + PEER.lower, 'r3')
    .store(64, 'r9', COUNTERS.peers + PEER.number, 'r1')
    .jump('end');
}

/**
 * cgroup_skb: counts packets and payload bytes of every socket except TCP and SCTP, and remembers the last peers of
 * those that are not connected. The kernel runs it once for a group of packets that it handles as one (GSO, GRO), and
 * before it fragments one.
 *
 * The payload is what follows the headers of IP and UDP; for raw and ping sockets what follows that of IP. Extension
 * headers of IPv6 count as payload.
 * @param direction offset of the counters in a value
 */
function counted({ counters, made }: MapDescriptors, direction: 'rx' | 'tx'): Uint8Array {
  const packets = COUNTERS[`${direction}Packets`];
  const bytes = COUNTERS[`${direction}Bytes`];
  const it = new Assembler()
    .compute('r6', '=', 'r1')
    .load(64, 'r1', 'r6', SKB.sock)
    .jumpIf('r1', '==', 0, 'end')
    .call(HELPER.fullSock)
    .jumpIf('r0', '==', 0, 'end')
    .load(32, 'r8', 'r0', SOCK.protocol)
    .load(32, 'r1', 'r0', SOCK.type)
    .jumpIf('r1', '==', SOCK_DGRAM, 'datagram')
    .jumpIf('r1', '==', SOCK_RAW, 'without ports')
    .jump('end')
    .label('datagram')
    .jumpIf('r8', '==', UDP, 'length')
    .jumpIf('r8', '==', UDPLITE, 'length')
    .label('without ports')
    .compute('r8', '=', 0)
    .label('length')
    .load(32, 'r7', 'r6', SKB.length);
  readPacket(it, direction)
    .compute('r7', '-', 'r9')
    .jumpIf('r8', '==', 0, 'payload')
    .compute('r7', '-', UDP_HEADER)
    .label('payload')
    // A program may send a raw packet with a wrong length in its header.
    .jumpIf('r7', 's>=', 0, 'packets')
    .compute('r7', '=', 0)
    .label('packets')
    .load(32, 'r8', 'r6', SKB.gsoSegments)
    .jumpIf('r8', '!=', 0, 'count')
    .compute('r8', '=', 1)
    .label('count');
  lookUp(storeCookie(it), counters).jumpIf('r0', '!=', 0, 'found');
  zeroValue(it, COUNTERS.length)
    .store(64, 'r10', VALUE + packets, 'r8')
    .store(64, 'r10', VALUE + bytes, 'r7');
  for (let at = 0; at < PEER.length; at += 8)
    it.load(64, 'r1', 'r10', PACKET_PEER + at).store(64, 'r10', VALUE + COUNTERS.peers + at, 'r1');
  it.load(64, 'r1', 'r10', PACKET_PEER + PEER.number)
    .jumpIf('r1', '==', 0, 'new')
    .store(64, 'r10', VALUE + COUNTERS.peerCount, 1)
    .label('new');
  update(it, counters, NO_EXIST).jumpIf('r0', '==', 0, 'made');
  // Another processor has just made the value, or there is no memory.
  lookUp(it, counters)
    .jumpIf('r0', '==', 0, 'end')
    .label('found')
    .addAtomically('r0', packets, 'r8')
    .addAtomically('r0', bytes, 'r7');
  rememberPeer(it).label('made');
  return end(countMade(it, made, MADE.counters));
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

/** Programs that count the traffic of sockets without counters of their own. */
export const trafficPrograms = (maps: MapDescriptors): readonly Program[] => [
  { name: 'rx', type: TYPE.cgroupSkb, attachType: ATTACH.ingress, code: counted(maps, 'rx') },
  { name: 'tx', type: TYPE.cgroupSkb, attachType: ATTACH.egress, code: counted(maps, 'tx') },
];
