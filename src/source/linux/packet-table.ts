import type { OtherMessage } from './netlink/others.ts';

/** `sk RefCnt Type Proto Iface R Rmem User Inode` (packet_seq_show in the kernel's net/packet/af_packet.c). */
const LINE = /^\S+ +\d+ +\d+ +([0-9a-f]{4}) +(\d+) +\d +(\d+) +(\d+) +(\d+) *$/;

/**
 * Takes /proc/net/packet apart, which tells of packet sockets where the kernel has no packet_diag. It does not tell
 * what waits to be sent.
 * @returns the sockets, and how many lines could not be read
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
