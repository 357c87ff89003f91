import type { Protocol } from '../../../../src/model/socket.ts';
import { decodeDetails } from '../../../../src/source/linux/netlink/details.ts';
import { decodeAddresses, decodeTimer, findInfo } from '../../../../src/source/linux/netlink/inet.ts';
import { decodeTraffic } from '../../../../src/source/linux/netlink/traffic.ts';
import { bufferOf, inetPayload } from '../../../helpers/netlink/messages.ts';
import type { InetFields } from '../../../helpers/netlink/fields.ts';

export const NOW_MS = 1_700_000_000_000;

/** Decodes a message with all decoders; the bytes after it have the value `behind`. */
export function decode(bytes: Uint8Array, protocol: Protocol = 'tcp', behind = 0xa5) {
  const buffer = bufferOf(bytes, { behind });
  const info = { start: 0, end: 0 };
  findInfo(buffer, 0, bytes.length, info);
  return {
    info: { ...info },
    addresses: decodeAddresses(buffer, 0, protocol),
    timer: decodeTimer(buffer, 0, NOW_MS),
    traffic: decodeTraffic(buffer, 0, info, NOW_MS),
    details: decodeDetails(buffer, 0, bytes.length),
  };
}

/** Decodes a message with these fields. */
export const of = (fields: Partial<InetFields>, protocol: Protocol = 'tcp') =>
  decode(inetPayload({ cookie: 1, ...fields }), protocol);

/** Counters of a connection that transfers data. */
export const BUSY = {
  rttMicros: 1500,
  rttVarMicros: 700,
  sndCwnd: 12,
  totalRetrans: 3,
  bytesAcked: 5001,
  bytesReceived: 9000,
  segsOut: 40,
  segsIn: 50,
  deliveryRate: 2 ** 33,
  bytesSent: 6000,
  bytesRetrans: 500,
  lastDataSentMs: 20,
  lastDataRecvMs: 30,
};
