import type { Batch, NetworkInterface } from '../../src/model/batch.ts';
import type { Socket } from '../../src/model/socket.ts';
import { baseline, batch, listener, NOON_MS, socket, udp } from '../helpers/fakes.ts';

const HOST = { inode: 4_026_531_840, name: 'host', own: true } as const;
const WEB = { inode: 4_026_532_201, name: 'web' };

/** Sockets of a machine with a container, from a source with all details. */
export const MACHINE = {
  download: socket({
    local: '10.0.0.5:51512',
    remote: '203.0.113.80:443',
    process: 'curl',
    pid: 81301,
    user: 'ana',
    interface: 'eth0',
    netns: HOST,
    traffic: {
      rxBytes: 34_000_000,
      txBytes: 82_000,
      rxSegments: 24_010,
      txSegments: 1,
      retransmits: 3,
      rttMicros: 18_204,
      rttVarMicros: 2_100,
      cwnd: 10,
      deliveryRate: 1_300_000,
      recvQueue: 0,
      sendQueue: 1448,
      lastReceivedAtMs: NOON_MS + 1990,
      lastSentAtMs: NOON_MS - 12_000,
    },
    timer: { kind: 'on', dueAtMs: NOON_MS + 2212, retransmits: 1 },
  }),
  database: socket({
    local: '172.17.0.2:40100',
    remote: '172.17.0.3:5432',
    process: 'gunicorn',
    pid: 2201,
    user: 'www-data',
    interface: 'veth0',
    netns: WEB,
    traffic: { rxBytes: 812, txBytes: 999, rttMicros: 48, retransmits: 0, recvQueue: 0, sendQueue: 0 },
    timer: { kind: 'keepalive', dueAtMs: NOON_MS + 7_200_000, retransmits: 0 },
  }),
  idle: socket({
    local: '10.0.0.5:22',
    remote: '192.0.2.9:60122',
    process: 'sshd',
    pid: 902,
    user: 'root',
    interface: 'eth0',
    netns: HOST,
    traffic: { rxBytes: 5_100, txBytes: 71_000, rttMicros: 410, retransmits: 0, recvQueue: 0, sendQueue: 0 },
  }),
  sshListener: listener({
    local: '*:22',
    process: 'sshd',
    pid: 771,
    user: 'root',
    netns: HOST,
    traffic: { recvQueue: 0, sendQueue: 128 },
  }),
  web: listener({
    local: '*:8000',
    process: 'gunicorn',
    pid: 2201,
    user: 'www-data',
    netns: WEB,
    traffic: { recvQueue: 2, sendQueue: 511 },
  }),
  dns: udp({
    local: '127.0.0.53:53',
    process: 'systemd-resolved',
    pid: 640,
    user: 'systemd-resolve',
    interface: 'lo',
    netns: HOST,
    traffic: { recvQueue: 0, sendQueue: 0 },
  }),
  ping: socket({
    protocol: 'raw',
    local: '*:1',
    remote: null,
    process: 'ping',
    pid: 3003,
    user: 'root',
    netns: HOST,
    traffic: { recvQueue: 576, sendQueue: 0 },
  }),
  sniffer: {
    ...socket({
      protocol: 'packet',
      id: 'packet',
      process: 'tcpdump',
      pid: 4004,
      user: 'root',
      netns: HOST,
      remote: null,
    }),
    family: 'packet',
    local: { address: 'eth0', port: 3 },
    remote: null,
  },
  control: {
    ...socket({ protocol: 'unix', id: 'unix', process: 'dockerd', pid: 1010, user: 'root', netns: HOST }),
    family: 'unix',
    local: { address: '/run/docker.sock', port: 0 },
    remote: null,
    state: 'LISTEN',
  },
  unknown: {
    ...socket({ local: '10.0.0.5:51600', remote: '198.51.100.7:443', netns: HOST }),
    owners: [{ knowledge: 'pending' }],
  },
} as const satisfies Record<string, Socket>;

const interfaces = (rxBytes: number, txBytes: number): NetworkInterface[] => [
  { name: 'lo', netns: HOST, isUp: true, rxBytes: 9000, txBytes: 9000, addresses: ['127.0.0.1', '::1'] },
  {
    name: 'eth0',
    netns: HOST,
    isUp: true,
    rxBytes: 5e9 + rxBytes,
    txBytes: 7e8 + txBytes,
    addresses: ['10.0.0.5', 'fe80::42:acff:fe11:2'],
  },
  { name: 'wlan0', netns: HOST, isUp: false, rxBytes: 0, txBytes: 0, addresses: [] },
  { name: 'veth0', netns: WEB, isUp: true, rxBytes: 81_000, txBytes: 120, addresses: ['172.17.0.2'] },
];

const { download, database } = MACHINE;
const moved = (it: Socket, rxBytes: number, txBytes: number): Socket => ({
  ...it,
  traffic: {
    ...it.traffic,
    rxBytes: (it.traffic?.rxBytes ?? 0) + rxBytes,
    txBytes: (it.traffic?.txBytes ?? 0) + txBytes,
  },
});

const NEW = socket({
  local: '10.0.0.5:51700',
  remote: '198.51.100.99:80',
  process: 'wget',
  pid: 90000,
  user: 'ana',
  interface: 'eth0',
  netns: HOST,
  traffic: {
    rxBytes: 120,
    txBytes: 77,
    rttMicros: 1_204_000,
    retransmits: 12_345,
    recvQueue: 0,
    sendQueue: 0,
  },
});

const SOURCE = { source: 'sock_diag' };

/** The baseline and two ticks with traffic; the second one in two parts, after a longer interval than configured. */
export const TRAFFIC_BATCHES: readonly Batch[] = [
  baseline(Object.values(MACHINE), { ...SOURCE, interfaces: interfaces(0, 0) }),
  batch({
    ...SOURCE,
    monotonicMs: 1000,
    changed: [moved(download, 2_000_000, 4000), moved(database, 100, 0)],
    interfaces: interfaces(2_100_000, 9000),
  }),
  ...[{ partial: true, spawned: [NEW] }, { changed: [moved(download, 5_100_000, 9120)] }].map((part) =>
    batch({
      ...SOURCE,
      ...part,
      monotonicMs: 3500,
      takenAtMs: NOON_MS + 2000,
      pacedIntervalMs: 2500,
      interfaces: interfaces(5_400_000, 24_000),
    }),
  ),
];
