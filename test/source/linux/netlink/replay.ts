import type { SocketState } from '../../../../src/model/socket.ts';
import type { Channel } from '../../../../src/source/linux/netlink/dump.ts';
import { dump, type DumpResult } from '../../../../src/source/linux/netlink/dump.ts';
import { decodeDetails } from '../../../../src/source/linux/netlink/details.ts';
import { decodeAddresses, decodeTimer, findInfo } from '../../../../src/source/linux/netlink/inet.ts';
import { decodeTraffic } from '../../../../src/source/linux/netlink/traffic.ts';
import { cookieId } from '../../../../src/source/linux/netlink/cookie.ts';
import type { NetlinkBuffer } from '../../../../src/source/linux/netlink/wire.ts';
import { captured } from '../../../helpers/netlink/captured.ts';

/** Runs a dump with a captured answer, which gets the sequence number of the request. */
export function replay<T>(
  name: string,
  decode: (buffer: NetlinkBuffer, start: number, end: number) => T,
): { items: T[]; result: DumpResult } {
  const { request, datagrams } = captured(name);
  let sequence = new Uint8Array();
  const channel: Channel = {
    send: (message) => (sequence = message.slice(8, 12)),
    receive: (into) => {
      const datagram = datagrams.shift() ?? new Uint8Array();
      into.set(datagram);
      for (let at = 0; at + 16 <= datagram.length;) {
        into.set(sequence, at + 8);
        at += (new DataView(datagram.buffer).getUint32(at, true) + 3) & ~3;
      }
      return datagram.length;
    },
  };
  const items: T[] = [];
  const result = dump(channel, request, (buffer, start, end) => items.push(decode(buffer, start, end)));
  return { items, result };
}

/** Returns an endpoint in the words of ss. */
export const endpointText = (address: string, port: number) =>
  `${address.includes(':') ? `[${address}]` : address}:${port === 0 ? '*' : port}`;

/** Rewrites an endpoint of ss: `*` for a dual-stack wildcard, and a bound interface after the address. */
export const fromSs = (text: string) => text.replace(/^\*:/, '[::]:').replace(/%v0(\]?):/, '$1:');

export const NOW_MS = 1_700_000_000_000;

/** States in the words of ss. */
export const SS_STATES: Partial<Record<SocketState, string>> = { ESTABLISHED: 'ESTAB', CLOSE: 'UNCONN' };

/** Returns a decoder of all parts of an inet_diag message. */
export const inet =
  (protocol: 'tcp' | 'udp' | 'mptcp') => (buffer: NetlinkBuffer, start: number, end: number) => {
    const info = { start: 0, end: 0 };
    findInfo(buffer, start, end, info);
    const { view } = buffer;
    return {
      id: cookieId(buffer, start + 44),
      addresses: decodeAddresses(buffer, start, protocol),
      uid: view.getUint32(start + 64, true),
      inode: view.getUint32(start + 68, true),
      interfaceIndex: view.getUint32(start + 40, true),
      timer: decodeTimer(buffer, start, NOW_MS),
      traffic: decodeTraffic(buffer, start, info, NOW_MS),
      details: decodeDetails(buffer, start, end),
    };
  };

/** A decoded message. */
export type Inet = ReturnType<ReturnType<typeof inet>>;

/** Formats a decoded socket with the fields that ss prints. */
export const row = ({ id, addresses, uid, inode, traffic }: Inet): string => {
  if (!addresses) return `${id} unknown`;
  const { local, remote, state } = addresses;
  const any = local.address.includes(':') ? '[::]:*' : '0.0.0.0:*';
  return [
    state === undefined
      ? 'UNCONN'
      : (SS_STATES[state] ??
        state.replaceAll('_', '-').replace('WAIT1', 'WAIT-1').replace('WAIT2', 'WAIT-2')),
    traffic.recvQueue,
    traffic.sendQueue,
    endpointText(local.address, local.port),
    remote ? endpointText(remote.address, remote.port) : any,
    `uid:${uid}`,
    `ino:${inode}`,
    id,
  ].join(' ');
};

/** Formats a line of ss like `row`. */
export const ssRow = (words: readonly string[]): string => {
  const [state, receive, send, local = '', remote = ''] = words;
  const of = (name: string) => words.find((it) => it.startsWith(`${name}:`));
  return [
    state,
    receive,
    send,
    fromSs(local),
    fromSs(remote),
    of('uid') ?? 'uid:0',
    of('ino'),
    of('sk'),
  ].join(' ');
};
