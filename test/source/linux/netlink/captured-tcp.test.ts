import { describe, expect, test } from 'vitest';
import { capturedText } from '../../../helpers/netlink/captured.ts';
import { replay, endpointText, NOW_MS, inet, type Inet, row, ssRow } from './replay.ts';

describe('TCP sockets, as ss printed them', () => {
  const rows = capturedText('tcp').map(ssRow).sort();

  test('of both families by the old request', () => {
    const { items, result } = replay('tcp-old', inet('tcp'));
    expect(result).toEqual({ errno: 0, interrupted: false, problems: 0 });
    // ss 6.1 does not request sockets that are only bound; the kernel reports them with the state CLOSE.
    const bound = items.filter(({ addresses }) => addresses?.state === 'CLOSE');
    expect(bound.map(({ addresses }) => addresses?.local)).toEqual([{ address: '192.0.2.10', port: 83 }]);
    expect(
      items
        .filter((it) => !bound.includes(it))
        .map(row)
        .sort(),
    ).toEqual(rows);
  });

  test('are the same by family', () => {
    const four = replay('tcp4', inet('tcp')).items;
    const six = replay('tcp6', inet('tcp')).items;
    expect(four.every(({ addresses }) => addresses?.family === 'ipv4')).toBe(true);
    expect(six.every(({ addresses }) => addresses?.family === 'ipv6')).toBe(true);
    expect([...four, ...six].map(row).sort()).toEqual(replay('tcp-old', inet('tcp')).items.map(row).sort());
  });

  test('have the counters, windows and times of ss', () => {
    const { items } = replay('tcp-old-details', inet('tcp'));
    let compared = 0;
    for (const words of capturedText('tcp')) {
      const id = words.find((it) => it.startsWith('sk:'));
      const item = items.find((it) => it.id === id);
      const field = (name: string) => {
        const at = words.findIndex((it) => it.startsWith(`${name}:`));
        return at < 0 ? undefined : words[at]?.slice(name.length + 1);
      };
      const hasCounters =
        words[0] !== 'TIME-WAIT' && words[0] !== 'SYN-RECV' && field('wscale') !== undefined;
      if (!hasCounters || item === undefined) continue;
      compared++;
      const number = (name: string) => Number(field(name) ?? 0);
      // The peer's FIN counts as a byte.
      const fin = words[0] === 'CLOSE-WAIT' ? 1 : 0;
      const [rtt, rttVar] = (field('rtt') ?? '').split('/').map(Number);
      expect(item.traffic).toMatchObject({
        rxBytes: number('bytes_received') - fin,
        txBytes: number('bytes_sent') - number('bytes_retrans'),
        rxSegments: number('segs_in'),
        txSegments: number('segs_out'),
        retransmits: 0,
        cwnd: number('cwnd'),
        rttMicros: Math.round((rtt ?? 0) * 1000),
        rttVarMicros: Math.round((rttVar ?? 0) * 1000),
      });
      // ss leaves out an unknown rate, and prints rates in bits.
      const at = words.indexOf('delivery_rate');
      const rate = at < 0 ? undefined : Number(words[at + 1]?.replace('bps', '')) / 8;
      expect(item.traffic.deliveryRate).toBe(rate);
      const [sndWscale, rcvWscale] = (field('wscale') ?? '').split(',').map(Number);
      expect(item.details).toMatchObject({
        sndWscale,
        rcvWscale,
        timestamps: words.includes('ts'),
        sack: words.includes('sack'),
        appLimited: words.includes('app_limited'),
        rtoMicros: number('rto') * 1000,
        sndMss: number('mss'),
        pmtu: number('pmtu'),
        rcvMss: number('rcvmss'),
        advMss: number('advmss'),
        minRttMicros: Math.round(number('minrtt') * 1000),
        delivered: number('delivered'),
        rcvSpace: number('rcv_space'),
        rcvSsthresh: number('rcv_ssthresh'),
        sndWnd: number('snd_wnd'),
        dataSegsOut: number('data_segs_out'),
        dataSegsIn: number('data_segs_in'),
        bytesAcked: number('bytes_acked'),
        congestion: 'bbr',
      });
    }
    expect(compared).toBe(15);
  });

  const find = (items: readonly Inet[], local: string, remote: string) =>
    items.find(
      ({ addresses }) =>
        addresses?.remote &&
        endpointText(addresses.local.address, addresses.local.port) === local &&
        endpointText(addresses.remote.address, addresses.remote.port) === remote,
    );

  test('agree at both endpoints of a connection', () => {
    const { items } = replay('tcp4', inet('tcp'));
    const client = find(items, '192.0.2.10:40001', '192.0.2.10:80');
    const server = find(items, '192.0.2.10:80', '192.0.2.10:40001');
    expect(client?.traffic).toMatchObject({ rxBytes: 3_000_000, txBytes: 100_008, recvQueue: 0 });
    expect(server?.traffic).toMatchObject({ rxBytes: 100_008, txBytes: 3_000_000, recvQueue: 8 });
    // About 600 milliseconds before the capture.
    const sentAgoMs = NOW_MS - (client?.traffic.lastSentAtMs ?? 0);
    expect(sentAgoMs).toBeGreaterThan(400);
    expect(sentAgoMs).toBeLessThan(5000);
  });

  test('have no traffic while connecting, and no counters as a listener', () => {
    const { items } = replay('tcp4', inet('tcp'));
    const opening = items.find(({ addresses }) => addresses?.state === 'SYN_SENT');
    expect(opening?.traffic).toMatchObject({ rxBytes: 0, txBytes: 0, txSegments: 1 });
    expect(opening?.traffic).not.toHaveProperty('rttMicros');
    expect(opening?.traffic).not.toHaveProperty('lastSentAtMs');
    expect(opening?.traffic).not.toHaveProperty('lastReceivedAtMs');
    const listener = items.find(({ addresses }) => addresses?.local.port === 80 && addresses.remote === null);
    expect(listener?.traffic).toEqual({ recvQueue: 1, sendQueue: 16 });
  });

  test('have the timers that the kernel runs for them', () => {
    const timers = replay('tcp-old', inet('tcp')).items.flatMap(({ addresses, timer }) =>
      timer ? `${addresses?.local.port} ${addresses?.state} ${timer.kind} ${timer.retransmits}` : [],
    );
    expect(timers.sort()).toEqual([
      '40007 TIME_WAIT timewait 0',
      '40008 TIME_WAIT timewait 0',
      '40009 FIN_WAIT2 timewait 0',
      '40011 SYN_SENT on 0',
      '80 SYN_RECV on 0',
    ]);
    const [waiting] = replay('tcp4', inet('tcp')).items.filter((it) => it.timer?.kind === 'timewait');
    const dueInMs = (waiting?.timer?.dueAtMs ?? 0) - NOW_MS;
    // TCP_TIMEWAIT_LEN is a minute.
    expect(dueInMs).toBeGreaterThan(50_000);
    expect(dueInMs).toBeLessThanOrEqual(60_000);
  });

  test('have the interface that they are bound to', () => {
    const bound = replay('tcp-old', inet('tcp')).items.filter(({ interfaceIndex }) => interfaceIndex > 0);
    expect(
      [
        ...new Set(
          bound.map(({ addresses, interfaceIndex }) => `${addresses?.local.address} ${interfaceIndex}`),
        ),
      ].sort(),
    ).toEqual(['192.0.2.10 3', 'fe80::1 3']);
  });

  test('are IPv6 only or dual stack', () => {
    const { items } = replay('tcp6', inet('tcp'));
    const only = (port: number) =>
      items.find(({ addresses }) => addresses?.local.port === port && addresses.remote === null)?.details[
        'v6Only'
      ];
    expect([only(8080), only(9000)]).toEqual([false, true]);
  });
});
