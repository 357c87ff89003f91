import { describe, expect, test } from 'vitest';
import { BUSY, NOW_MS, of } from './decode.ts';

describe('decodeTraffic', () => {
  test('decodes all fields', () => {
    expect(of({ info: BUSY, recvQueue: 1, sendQueue: 2 }).traffic).toEqual({
      recvQueue: 1,
      sendQueue: 2,
      rxBytes: 9000,
      txBytes: 5500,
      rxSegments: 50,
      txSegments: 40,
      retransmits: 3,
      rttMicros: 1500,
      rttVarMicros: 700,
      cwnd: 12,
      deliveryRate: 2 ** 33,
      lastSentAtMs: NOW_MS - 20,
      lastReceivedAtMs: NOW_MS - 30,
    });
  });

  /** Lengths of struct tcp_info: Linux 2.6.13, 4.1, 4.9 … */
  test.each([
    [104, ['cwnd', 'recvQueue', 'retransmits', 'rttMicros', 'rttVarMicros', 'sendQueue']],
    [
      136,
      'cwnd lastReceivedAtMs lastSentAtMs recvQueue retransmits rttMicros rttVarMicros rxBytes sendQueue txBytes'.split(
        ' ',
      ),
    ],
    [
      168,
      'cwnd deliveryRate lastReceivedAtMs lastSentAtMs recvQueue retransmits rttMicros rttVarMicros rxBytes rxSegments sendQueue txBytes txSegments'.split(
        ' ',
      ),
    ],
  ])('leaves out fields beyond the %i bytes of an older kernel', (infoLength, fields) => {
    const { traffic } = of({ info: BUSY, infoLength });
    expect(Object.keys(traffic).sort()).toEqual(fields);
  });

  test('counts acknowledged bytes if the kernel does not count sent bytes', () => {
    expect(of({ info: BUSY, infoLength: 192 }).traffic.txBytes).toBe(5001);
    // With the sent bytes, but without the retransmitted ones.
    expect(of({ info: BUSY, infoLength: 208 }).traffic.txBytes).toBe(6000);
  });

  test('ignores the additional fields of a newer kernel', () => {
    expect(of({ info: BUSY, infoLength: 400 }).traffic).toEqual(of({ info: BUSY }).traffic);
  });

  test.each([undefined, 0, 3])('decodes only queues with struct tcp_info of length %s', (infoLength) => {
    const { traffic } = of({ ...(infoLength !== undefined && { infoLength }), recvQueue: 4 });
    expect(traffic).toEqual({ recvQueue: 4, sendQueue: 0 });
  });

  test('decodes only queues of a listener', () => {
    expect(of({ state: 'LISTEN', info: BUSY, recvQueue: 2, sendQueue: 128 }).traffic).toEqual({
      recvQueue: 2,
      sendQueue: 128,
    });
  });

  test.each([
    ['ESTABLISHED', 9000],
    ['CLOSE_WAIT', 8999],
    ['LAST_ACK', 8999],
    ['CLOSING', 8999],
    ['FIN_WAIT2', 9000],
  ] as const)("%s: does not count the peer's FIN as a byte", (state, rxBytes) => {
    expect(of({ state, info: BUSY }).traffic.rxBytes).toBe(rxBytes);
  });

  test('counts 0 received bytes if only the FIN was received', () => {
    expect(of({ state: 'CLOSE_WAIT', info: { bytesReceived: 1 } }).traffic.rxBytes).toBe(0);
    expect(of({ state: 'CLOSE_WAIT', info: { bytesReceived: 0 } }).traffic.rxBytes).toBe(0);
  });

  test('leaves out times of last data and rates that do not exist', () => {
    const { traffic } = of({ info: { rttVarMicros: 5, lastDataSentMs: 20, lastDataRecvMs: 30, segsOut: 1 } });
    expect(traffic).toEqual({
      recvQueue: 0,
      sendQueue: 0,
      rxBytes: 0,
      txBytes: 0,
      rxSegments: 0,
      txSegments: 1,
      retransmits: 0,
      cwnd: 0,
    });
    // Without data, the kernel counts from the start of its clock.
    const { traffic: odd } = of({ info: { ...BUSY, lastDataSentMs: 2 ** 32 - 5, lastDataRecvMs: 2 ** 31 } });
    expect(odd).not.toHaveProperty('lastSentAtMs');
    expect(odd).not.toHaveProperty('lastReceivedAtMs');
  });
});
