import { describe, expect, test } from 'vitest';
import { SocketLimiter } from '../../../../src/source/socket-limiter.ts';
import { advance } from '../../../../src/source/macos/table/traffic.ts';
import { TableSockets } from '../../../../src/source/macos/table/table-sockets.ts';
import { pcbWords, type TcpRow } from '../../../helpers/macos/tables.ts';

/** Returns the traffic of one connection after each of these rows. */
const trafficOf = (...rows: readonly TcpRow[]) => {
  const table = new TableSockets('tcp', {
    interfaceName: () => undefined,
    userName: () => undefined,
    wallMsOf: () => undefined,
    limiter: new SocketLimiter(),
    omitsRemnants: false,
    keptSockets: () => 0,
  });
  return rows.map((tcp) => {
    table.read(pcbWords([{ generation: 1, tcp }]));
    return [...table.values()][0]?.values.traffic;
  });
};

const [SYN_SENT, ESTABLISHED, CLOSE_WAIT, FIN_WAIT1, CLOSING, LAST_ACK, FIN_WAIT2, TIME_WAIT] = [
  2, 4, 5, 6, 7, 8, 9, 10,
];

describe('payload bytes', () => {
  test.each([
    ['an open connection', ESTABLISHED, 1000, 500],
    ['one whose peer has closed: its FIN is no payload', CLOSE_WAIT, 999, 500],
    ['one that both closed at once', CLOSING, 999, 500],
    ['one whose own FIN is not acknowledged', LAST_ACK, 999, 500],
    ['one that this side has closed', FIN_WAIT1, 1000, 500],
    ['one whose own FIN is acknowledged', FIN_WAIT2, 1000, 499],
    ['a closed one', TIME_WAIT, 999, 499],
  ])('of %s', (_, state, rxBytes, txBytes) => {
    const row = { state, iss: 100, sndUna: 601, irs: 0xffff_fff0, rcvNxt: 985 };
    expect(trafficOf(row)).toMatchObject([{ rxBytes, txBytes }]);
  });

  test('are none before the handshake, and none of a connection without data', () => {
    expect(
      trafficOf(
        { state: SYN_SENT, iss: 77, sndUna: 77 },
        { state: ESTABLISHED, iss: 77, sndUna: 78, irs: 5, rcvNxt: 6 },
      ),
    ).toMatchObject([
      { rxBytes: 0, txBytes: 0 },
      { rxBytes: 0, txBytes: 0 },
    ]);
  });

  test('go on beyond 4 GiB', () => {
    const at = (rcvNxt: number): TcpRow => ({ state: ESTABLISHED, irs: 0, rcvNxt });
    const steps = [1, 0xc000_0001, 0x4000_0001, 0x4000_0002, 0].map(at);
    expect(trafficOf(...steps).map((it) => it?.rxBytes)).toEqual([
      0, 0xc000_0000, 0x1_4000_0000, 0x1_4000_0001, 0x1_ffff_ffff,
    ]);
  });

  test('stay when the connection closes', () => {
    expect(
      trafficOf({ state: ESTABLISHED, irs: 5, rcvNxt: 106, iss: 1, sndUna: 12 }, { state: 0 }).at(-1),
    ).toMatchObject({ rxBytes: 100, txBytes: 10 });
  });

  test('a small step back is a race with the kernel, no step of 4 GiB', () => {
    expect(advance(5000, 4999)).toBe(5000);
    expect(advance(2 ** 33 + 5000, 0)).toBe(2 ** 33 + 5000);
    expect(advance(2 ** 33 + 70_000, 0)).toBe(3 * 2 ** 32);
  });
});

test('round-trip time and its deviation are in microseconds, the window in segments', () => {
  const row = { state: ESTABLISHED, srtt: 32 * 12 + 16, rttvar: 16 * 3, cwnd: 14_480, maxSegment: 1448 };
  expect(trafficOf(row)).toMatchObject([{ rttMicros: 12_500, rttVarMicros: 3000, cwnd: 10 }]);
  expect(trafficOf({ state: ESTABLISHED, rttvar: 4000 })[0]).not.toHaveProperty('rttMicros');
});
