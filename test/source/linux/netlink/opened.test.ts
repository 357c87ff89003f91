import { expect, test } from 'vitest';
import { findInfo } from '../../../../src/source/linux/netlink/inet.ts';
import { decodeOpened } from '../../../../src/source/linux/netlink/opened.ts';
import { bufferOf, inetPayload, type InetFields } from '../../../helpers/netlink.ts';

const IDLE = { bytesAcked: 1, bytesSent: 0, bytesRetrans: 0, unacked: 0, totalRetrans: 0 };

/** Who opened a connection with these counters, beside one of nothing but a handshake from here. */
function openedBy(info: Partial<Record<keyof typeof IDLE, number>>, fields: Partial<InetFields> = {}) {
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

test.each<[string, Parameters<typeof openedBy>, 'in' | 'out' | undefined]>([
  ['its SYN was acknowledged', [{}], 'out'],
  ['no SYN of it was', [{ bytesAcked: 0 }], 'in'],
  ['and all that it sent', [{ bytesSent: 500, bytesAcked: 501 }], 'out'],
  ['all that it sent, and no SYN', [{ bytesSent: 500, bytesAcked: 500 }], 'in'],
  ['what was sent again counts once', [{ bytesSent: 700, bytesRetrans: 200, bytesAcked: 501 }], 'out'],
  [
    'data is under way: one byte may be the SYN or not',
    [{ bytesSent: 501, bytesAcked: 501, unacked: 1 }],
    undefined,
  ],
  ['less is acknowledged than was sent', [{ bytesSent: 500, bytesAcked: 100 }], undefined],
  ['the peer has ended', [{}, { state: 'CLOSE_WAIT' }], 'out'],
  ['a FIN may be acknowledged too', [{ bytesAcked: 2 }, { state: 'FIN_WAIT2' }], undefined],
])('%s', (_, scene, expected) => {
  expect(openedBy(...scene)).toBe(expected);
});
