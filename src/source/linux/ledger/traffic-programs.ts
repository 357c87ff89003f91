import { LITTLE_ENDIAN } from '../netlink/wire.ts';
import { Assembler, type Register } from './assembler.ts';
import { COUNT, COUNTERS, MAX_PEERS, PEER } from './layout.ts';
import {
  addToCount,
  ATTACH,
  end,
  findSlot,
  HELPER,
  KEY,
  lookUp,
  type MapDescriptors,
  NO_EXIST,
  type Program,
  SOCK,
  SOCK_DGRAM,
  SOCK_RAW,
  storeCookie,
  TCP,
  TYPE,
  UDP,
  UDPLITE,
  update,
  zeroValue,
} from './program-parts.ts';

/** Offsets into struct __sk_buff. */
const SKB = { length: 0, protocol: 16, data: 76, dataEnd: 80, gsoSegments: 164, sock: 168 } as const;

/** TCP state of a connected socket, also of other protocols (include/net/tcp_states.h). */
const ESTABLISHED = 1;

const UDP_HEADER = 8;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const IPV4_PROTOCOL = 9;
const IPV6_NEXT_HEADER = 6;
/**
 * Maximum local port of a raw socket, which is its protocol (net/ipv4/af_inet.c, inet_create): that of IPPROTO_MPTCP. With a
 * larger port the socket of a TCP packet is a TCP socket, and its type need not be read.
 */
const MAX_RAW_PORT = 262;
/** ETH_P_IPV6 in network byte order. */
const IPV6_PROTOCOL = LITTLE_ENDIAN ? 0xdd86 : 0x86dd;

/** Sets r1 to the socket of the packet in r6. Ends the program if it has none. */
const loadSocket = (it: Assembler): Assembler =>
  it.load(64, 'r1', 'r6', SKB.sock).jumpIf('r1', '==', 0, 'end');

/** Sets r2 and r3 to the start and end of the packet in r6, and r1 to its version of IP. */
const loadStart = (it: Assembler): Assembler =>
  it.load(32, 'r2', 'r6', SKB.data).load(32, 'r3', 'r6', SKB.dataEnd).load(32, 'r1', 'r6', SKB.protocol);

/** Ends the program if the packet at r2, which ends at r3, is shorter. */
const requireLength = (it: Assembler, length: number): Assembler =>
  it.compute('r4', '=', 'r2').compute('r4', '+', length).jumpIf('r4', '>', 'r3', 'end');

/** Sets r9 to the length of the IP header of the packet in r6, and r8 to the protocol that it names. */
const readHeader = (it: Assembler): Assembler =>
  requireLength(loadStart(it), IPV4_HEADER)
    .compute('r9', '=', IPV6_HEADER)
    .load(8, 'r8', 'r2', IPV6_NEXT_HEADER)
    .jumpIf('r1', '==', IPV6_PROTOCOL, 'header')
    // The low four bits of the first byte are the length of the header in 32-bit words.
    .load(8, 'r9', 'r2', 0)
    .compute('r9', '&', 0xf)
    .compute('r9', '<<', 2)
    .load(8, 'r8', 'r2', IPV4_PROTOCOL)
    .label('header');

/**
 * Sets r0 to the counters of the socket of the packet in r6, and r8 to UDP or UDP-Lite, or 0 for a protocol without ports. Makes
 * the counters for its first packet. Ends the program for a socket that is not counted.
 */
function findCounters(it: Assembler, { counters, slots, counts }: MapDescriptors): Assembler {
  it.jumpIf('r8', '!=', TCP, 'slot');
  loadSocket(it)
    .load(32, 'r1', 'r1', SOCK.localPort)
    .jumpIf('r1', '>', MAX_RAW_PORT, 'end')
    .jump('no slot')
    .label('slot');
  // Only a UDP socket has a slot: then there is no need to ask for its type.
  findSlot(storeCookie(it), slots, 'no slot')
    .compute('r8', '=', UDP)
    .load(64, 'r2', 'r10', KEY)
    .jumpIf('r1', '==', 'r2', 'found')
    .label('no slot');
  readType(it);
  lookUp(storeCookie(it), counters).jumpIf('r0', '!=', 0, 'found');
  // Another processor may have just made them: whether there was room shows only now.
  update(zeroValue(it, COUNTERS.length), counters, NO_EXIST);
  lookUp(it, counters).jumpIf('r0', '!=', 0, 'found');
  return addToCount(it, counts, COUNT.refused, 1, 'end').jump('end').label('found');
}

/** Sets r8 as `findCounters` does, from type and protocol of the socket. Ends the program for a socket that is not counted. */
const readType = (it: Assembler): Assembler =>
  loadSocket(it)
    .call(HELPER.fullSock)
    .jumpIf('r0', '==', 0, 'end')
    .load(32, 'r8', 'r0', SOCK.protocol)
    .load(32, 'r1', 'r0', SOCK.type)
    .jumpIf('r1', '==', SOCK_DGRAM, 'datagram')
    .jumpIf('r1', '==', SOCK_RAW, 'without ports')
    .jump('end')
    .label('datagram')
    .jumpIf('r8', '==', UDP, 'type')
    .jumpIf('r8', '==', UDPLITE, 'type')
    .label('without ports')
    .compute('r8', '=', 0)
    .label('type');

/** Adds the packet in r6 to the counters at r0. r8 has its protocol as `findCounters` sets it, r9 the length of its IP header. */
const addPacket = (it: Assembler, direction: 'rx' | 'tx'): Assembler =>
  it
    .load(32, 'r5', 'r6', SKB.length)
    .compute('r5', '-', 'r9')
    .jumpIf('r8', '==', 0, 'payload')
    .compute('r5', '-', UDP_HEADER)
    .label('payload')
    // A program may send a raw packet with a wrong length in its header.
    .jumpIf('r5', 's>=', 0, 'packets')
    .compute('r5', '=', 0)
    .label('packets')
    .load(32, 'r4', 'r6', SKB.gsoSegments)
    .jumpIf('r4', '!=', 0, 'count')
    .compute('r4', '=', 1)
    .label('count')
    .addAtomically('r0', COUNTERS[`${direction}Packets`], 'r4')
    .addAtomically('r0', COUNTERS[`${direction}Bytes`], 'r5');

/**
 * Loads 4 or 8 bytes of the packet at r2, as they are in the memory of a 64-bit number. r6 is lost. Two at a time: some
 * machines cannot load more from an address that is only even.
 */
function loadPacket(it: Assembler, to: Register, from: number, length: 4 | 8): Assembler {
  it.compute(to, '=', 0);
  for (let i = 0; i < length; i += 2)
    it.load(16, 'r6', 'r2', from + i)
      .compute('r6', '<<', 8 * (LITTLE_ENDIAN ? i : 6 - i))
      .compute(to, '|', 'r6');
  return it;
}

/**
 * Sets r4 and r5 to the halves of the peer's address, and r1 to its number. Needs the registers of `addPacket`; r6 is lost. Ends
 * the program if the peer cannot be read: after IPv6 extension headers.
 */
function readPeer(it: Assembler, direction: 'rx' | 'tx'): Assembler {
  loadStart(it).jumpIf('r1', '==', IPV6_PROTOCOL, 'ipv6');
  requireLength(it, IPV4_HEADER).compute('r1', '=', 4).compute('r4', '=', 0);
  loadPacket(it, 'r5', direction === 'rx' ? 12 : 16, 4)
    .jump('ports')
    .label('ipv6');
  requireLength(it, IPV6_HEADER).compute('r1', '=', 6);
  loadPacket(it, 'r4', direction === 'rx' ? 8 : 24, 8);
  loadPacket(it, 'r5', direction === 'rx' ? 16 : 32, 8)
    .jumpIf('r8', '==', 0, 'ports')
    .load(8, 'r6', 'r2', IPV6_NEXT_HEADER)
    .jumpIf('r6', '!=', 'r8', 'end')
    .label('ports')
    .compute('r7', '=', 0)
    .jumpIf('r8', '==', 0, 'number')
    .compute('r2', '+', 'r9')
    .compute('r6', '=', 'r2')
    .compute('r6', '+', UDP_HEADER)
    .jumpIf('r6', '>', 'r3', 'end')
    .load(16, 'r7', 'r2', direction === 'rx' ? 0 : 2)
    .label('number')
    // The check, and before it port and version.
    .compute('r3', '=', 'r4')
    .compute('r3', '^', 'r5')
    .compute('r2', '=', 'r3')
    .compute('r2', '>>', 32)
    .compute('r3', '^', 'r2')
    .compute('r3', '<<', 32);
  if (LITTLE_ENDIAN) it.compute('r1', '<<', 16);
  else it.compute('r3', '>>', 32).compute('r1', '<<', 40).compute('r7', '<<', 48);
  return it.compute('r1', '|', 'r7').compute('r1', '|', 'r3');
}

/** Remembers the peer of `readPeer` in the counters at r0, and ends the program. */
function rememberPeer(it: Assembler): Assembler {
  for (let i = 0; i < MAX_PEERS; i++) {
    const at = COUNTERS.peers + i * PEER.length;
    const next = `not ${i}`;
    it.load(64, 'r6', 'r0', at + PEER.number)
      .jumpIf('r6', '!=', 'r1', next)
      .load(64, 'r6', 'r0', at + PEER.upper)
      .jumpIf('r6', '!=', 'r4', next)
      .load(64, 'r6', 'r0', at + PEER.lower)
      .jumpIf('r6', '==', 'r5', 'end')
      .label(next);
  }
  return it
    .load(64, 'r6', 'r0', COUNTERS.peerCount)
    .compute('r7', '=', 'r6')
    .compute('r7', '&', MAX_PEERS - 1)
    .compute('r7', '*', PEER.length)
    .compute('r6', '+', 1)
    .store(64, 'r0', COUNTERS.peerCount, 'r6')
    .compute('r0', '+', 'r7')
    .store(64, 'r0', COUNTERS.peers + PEER.upper, 'r4')
    .store(64, 'r0', COUNTERS.peers + PEER.lower, 'r5')
    .store(64, 'r0', COUNTERS.peers + PEER.number, 'r1');
}

/**
 * cgroup_skb: counts packets and payload bytes of every socket except TCP and SCTP, and remembers the last peers of
 * those that are not connected. The kernel runs it once for a group of packets that it handles as one (GSO, GRO), and
 * before it fragments one.
 *
 * The payload is what follows the headers of IP and UDP; for raw and ping sockets what follows that of IP. Extension
 * headers of IPv6 count as payload.
 */
function counted(maps: MapDescriptors, direction: 'rx' | 'tx'): Uint8Array {
  const it = loadSocket(new Assembler().compute('r6', '=', 'r1')).load(32, 'r7', 'r1', SOCK.state);
  addPacket(findCounters(readHeader(it), maps), direction).jumpIf('r7', '==', ESTABLISHED, 'end');
  return end(rememberPeer(readPeer(it, direction)));
}

/** Programs that count the traffic of sockets without counters of their own. */
export const trafficPrograms = (maps: MapDescriptors): readonly Program[] => [
  { name: 'rx', type: TYPE.cgroupSkb, attachType: ATTACH.ingress, code: counted(maps, 'rx') },
  { name: 'tx', type: TYPE.cgroupSkb, attachType: ATTACH.egress, code: counted(maps, 'tx') },
];
