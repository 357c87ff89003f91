import { expect, test } from 'vitest';
import { findInfo } from '../../../../src/source/linux/netlink/inet.ts';
import { decodeOpened } from '../../../../src/source/linux/netlink/opened.ts';
import { bufferOf, inetPayload } from '../../../helpers/netlink/messages.ts';
import type { InetFields } from '../../../helpers/netlink/fields.ts';

const IDLE = { bytesAcked: 1, bytesSent: 0, bytesRetrans: 0, unacked: 0, totalRetrans: 0 };

/** Returns the direction of a connection with these counters; the default is an outgoing one without data. */
function directionOf(info: Partial<Record<keyof typeof IDLE, number>>, fields: Partial<InetFields> = {}) {
  const payload = inetPayload({
    cookie: 1,
    local: '127.0.0.1:1',
    remote: '127.0.0.1:2',
    ...fields,
    info: { ...IDLE, ...info },
  });
  const range = { start: 0, end: 0 };
  findInfo(bufferOf(payload), 0, payload.length, range);
  return decodeOpened(bufferOf(payload), 0, range);
}

test.each<[string, Parameters<typeof directionOf>, 'in' | 'out' | undefined]>([
  ['only the SYN is acknowledged', [{}], 'out'],
  ['no SYN is acknowledged', [{ bytesAcked: 0 }], 'in'],
  ['the SYN and all data are acknowledged', [{ bytesSent: 500, bytesAcked: 501 }], 'out'],
  ['all data and no SYN is acknowledged', [{ bytesSent: 500, bytesAcked: 500 }], 'in'],
  ['retransmitted bytes count once', [{ bytesSent: 700, bytesRetrans: 200, bytesAcked: 501 }], 'out'],
  [
    'data is unacknowledged, so that the excess byte may be data',
    [{ bytesSent: 501, bytesAcked: 501, unacked: 1 }],
    undefined,
  ],
  ['less is acknowledged than sent', [{ bytesSent: 500, bytesAcked: 100 }], undefined],
  ['the peer has closed', [{}, { state: 'CLOSE_WAIT' }], 'out'],
  ['the excess byte may be a FIN of this side', [{ bytesAcked: 2 }, { state: 'FIN_WAIT2' }], undefined],
])('the direction if %s', (_, scene, expected) => {
  expect(directionOf(...scene)).toBe(expected);
});
