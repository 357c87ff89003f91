import type { Batch } from '../../src/model/batch.ts';
import type { Socket } from '../../src/model/socket.ts';
import { baseline, batch, listener, NOON_MS, socket, withEvents, udp } from './fakes.ts';

const HOUR_MS = 3_600_000;

const node: Socket = {
  ...socket({ local: '10.0.0.5:51512', remote: '203.0.113.80:443', uid: 1000, user: 'ana', inode: 4711 }),
  owners: [
    {
      knowledge: 'exact',
      pid: 81234,
      process: 'node',
      command: 'node server.js --port 8080 --name {red-fg}not-a-tag{/}',
      exe: '/usr/bin/node',
      user: 'ana',
      startedAtMs: NOON_MS - 26 * HOUR_MS,
    },
  ],
};

const curl = socket({
  local: '10.0.0.5:51514',
  remote: '198.51.100.7:443',
  process: 'curl',
  pid: 81301,
  user: 'ana',
});
const ssh = socket({
  local: '10.0.0.5:22',
  remote: '192.0.2.9:60122',
  process: 'sshd',
  pid: 902,
  user: 'root',
});
const sshListener = listener({ local: '*:22', process: 'sshd', pid: 771, user: 'root' });

/** One socket of every kind that the table shows differently. */
export const SCENE = {
  node,
  curl,
  ssh,
  sshListener,
  web: {
    ...listener({ local: '*:80', user: 'root' }),
    owners: [
      { knowledge: 'exact', pid: 14, process: 'web (main) 1' },
      { knowledge: 'exact', pid: 1, process: 'systemd' },
    ],
  },
  hidden: {
    ...socket({ local: '10.0.0.5:38022', remote: '192.0.2.44:5432', uid: 1001 }),
    owners: [{ knowledge: 'hidden' }],
  },
  kernel: { ...listener({ local: '*:2049', uid: 0, user: 'root' }), owners: [{ knowledge: 'kernel' }] },
  remnant: {
    ...socket({ local: '10.0.0.5:51400', remote: '203.0.113.80:443', state: 'TIME_WAIT' }),
    owners: [{ knowledge: 'inherited', pid: 81000, process: 'wget' }],
  },
  unaccepted: {
    ...socket({ local: '10.0.0.5:22', remote: '192.0.2.77:40404', state: 'SYN_RECV' }),
    owners: [{ knowledge: 'listener', pid: 771, process: 'sshd' }],
  },
  dual: listener({ local: '[::]:8080', process: 'node', pid: 81234, user: 'ana' }),
  mapped: socket({
    local: '[::ffff:10.0.0.5]:8080',
    remote: '[::ffff:10.0.0.9]:40002',
    process: 'node',
    pid: 81234,
    user: 'ana',
  }),
  long: socket({
    local: '[2001:db8:1111:2222:3333:4444:5555:6666]:40003',
    remote: '[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:443',
    process: 'firefox-developer-edition',
    pid: 2001,
    user: 'ana',
  }),
  scoped: socket({
    local: '[fe80::1%v0]:7000',
    remote: '[fe80::2%v0]:40004',
    process: 'node',
    pid: 81234,
    user: 'ana',
  }),
  dhcp: udp({ user: 'root' }),
  dns: socket({
    protocol: 'udp',
    local: '10.0.0.5:40010',
    remote: '9.9.9.9:53',
    process: 'systemd-resolved',
    pid: 640,
    user: 'systemd-resolve',
  }),
  wide: listener({ local: '127.0.0.1:9000', process: '日本語サーバー', pid: 3000, user: 'ana' }),
  hostile: socket({
    local: '10.0.0.5:51600',
    remote: '203.0.113.66:6667',
    process: '{red-fg}\x1b[31mevil\u202etxt.exe',
    pid: 6666,
    user: 'mal\x07lory',
  }),
} as const satisfies Record<string, Socket>;

const HIDDEN = {
  code: 'owners-hidden',
  text: 'owners of 37 sockets are hidden: run with sudo to see them',
  short: '37 owners hidden: use sudo',
};

const { curl: _curl, hostile: _hostile, ...AT_FIRST } = SCENE;

const [FIRST = batch(), OPENED = batch(), CLOSED = batch(), NEXT = batch()] = withEvents(
  baseline(Object.values(AT_FIRST), { degradations: [HIDDEN] }),
  batch({ monotonicMs: 1000, spawned: [curl, SCENE.hostile], degradations: [HIDDEN] }),
  batch({
    monotonicMs: 2000,
    changed: [{ ...ssh, state: 'CLOSE_WAIT' }],
    closed: [SCENE.dhcp.id],
    degradations: [HIDDEN],
  }),
  batch({
    monotonicMs: 3000,
    spawned: [
      socket({ local: '10.0.0.5:51700', remote: '198.51.100.99:80', process: 'aardvark', pid: 90000 }),
    ],
    changed: [{ ...node, state: 'FIN_WAIT1' }],
    closed: [SCENE.wide.id],
    degradations: [HIDDEN],
  }),
);

/** The baseline and two batches with sockets that open, change and close. */
export const BATCHES: readonly Batch[] = [FIRST, OPENED, CLOSED];

/** The batch after `BATCHES`, for paused and live pictures. */
export const LATER: Batch = NEXT;
