import { LITTLE_ENDIAN } from '../netlink/wire.ts';
import { Assembler } from './assembler.ts';
import { COUNTERS, MADE, MAX_PEERS, PEER } from './layout.ts';
import {
  ATTACH,
  countMade,
  end,
  HELPER,
  lookUp,
  type MapDescriptors,
  NO_EXIST,
  type Program,
  SOCK,
  SOCK_DGRAM,
  SOCK_RAW,
  storeCookie,
  TYPE,
  UDP,
  UDPLITE,
  update,
  VALUE,
  zeroValue,
} from './program-parts.ts';

/** Offsets into struct __sk_buff. */
const SKB = { length: 0, protocol: 16, data: 76, dataEnd: 80, gsoSegments: 164, sock: 168 } as const;

/** TCP state of a connected socket, also of other protocols (include/net/tcp_states.h). */
const ESTABLISHED = 1;

const UDP_HEADER = 8;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const IPV6_NEXT_HEADER = 6;
/** ETH_P_IPV6 in network byte order. */
const IPV6_PROTOCOL = LITTLE_ENDIAN ? 0xdd86 : 0x86dd;

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

/** Programs that count the traffic of sockets without counters of their own. */
export const trafficPrograms = (maps: MapDescriptors): readonly Program[] => [
  { name: 'rx', type: TYPE.cgroupSkb, attachType: ATTACH.ingress, code: counted(maps, 'rx') },
  { name: 'tx', type: TYPE.cgroupSkb, attachType: ATTACH.egress, code: counted(maps, 'tx') },
];
