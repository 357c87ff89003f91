import type { OtherMessage } from '../netlink/others.ts';

/** Matches a line `sk RefCnt Type Proto Iface R Rmem User Inode` (packet_seq_show, net/packet/af_packet.c). */
const LINE = /^\S+ +\d+ +\d+ +([0-9a-f]{4}) +(\d+) +\d +(\d+) +(\d+) +(\d+) *$/;

/**
 * Parses /proc/net/packet, the list of packet sockets on kernels without packet_diag. The list has no send queues.
 * @returns the sockets, and the number of malformed lines
 */
export function parsePacketTable(text: string): { items: OtherMessage[]; problems: number } {
  const items: OtherMessage[] = [];
  let problems = 0;
  for (const line of text.split('\n').slice(1)) {
    if (line === '') continue;
    const [, hex, index, recvQueue, uid, inode] = LINE.exec(line) ?? [];
    if (hex === undefined) {
      problems++;
      continue;
    }
    const protocol = parseInt(hex, 16);
    items.push({
      id: `packet:${inode}`,
      protocol: 'packet',
      family: 'packet',
      local: { address: '*', port: 0, ...(protocol !== 0 && { protocol }) },
      remote: null,
      inode: Number(inode),
      uid: Number(uid),
      interfaceIndex: Number(index) || undefined,
      recvQueue: Number(recvQueue),
    });
  }
  return { items, problems };
}
