import type { Batch } from '../../src/model/batch.ts';
import type { GapEvent, Event, SocketEvent } from '../../src/model/event.ts';
import type { Socket } from '../../src/model/socket.ts';
import { baseline, batch, listener, NOON_MS, socket, udp } from '../helpers/fakes.ts';

const web = listener({ local: '10.0.0.5:8080', process: 'node', pid: 81234, user: 'ana' });

/** Returns the n-th of a series of short connections. */
const brief = (n: number): Socket =>
  socket({
    id: `brief ${n}`,
    local: `10.0.0.5:${40_000 + n}`,
    remote: n % 3 === 2 ? '10.0.0.5:8080' : '203.0.113.80:443',
    process: n % 3 === 2 ? 'node' : 'curl',
    pid: n % 3 === 2 ? 81234 : 82_000 + n,
    user: 'ana',
    traffic: { rxBytes: 120 * n, txBytes: 5 + n },
  });

const nameless: Socket = {
  ...socket({ id: 'nameless', local: '10.0.0.5:51000', remote: '198.51.100.7:22', user: 'ben' }),
  owners: [{ knowledge: 'gone' }],
};
const long = socket({
  id: 'long',
  local: '[2001:db8:1111:2222:3333:4444:5555:6666]:40003',
  remote: '[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:443',
  process: 'firefox-developer-edition',
  pid: 2001,
  user: 'ana',
});
const query = udp({ id: 'query', local: '10.0.0.5:53001', remote: '9.9.9.9:53', process: 'dig', pid: 83000 });
const slow = socket({ id: 'slow', local: '10.0.0.5:52000', remote: '203.0.113.9:80', process: 'wget' });

export const socketEvent = (
  type: SocketEvent['type'],
  socketOf: Socket,
  ms: number,
  fields: Partial<SocketEvent> = {},
): SocketEvent => ({ type, atMs: NOON_MS + ms, socket: socketOf, learntBy: 'destroy', ...fields });

const lived = (it: Socket, ms: number, lifetimeMs: number): Event[] => [
  socketEvent('spawn', it, ms - lifetimeMs),
  socketEvent('close', it, ms, { lifetimeMs }),
];

export const gap = (ms: number, missed?: number, learntBy: GapEvent['learntBy'] = 'destroy'): GapEvent => ({
  type: 'gap',
  atMs: NOON_MS + ms,
  learntBy,
  ...(missed !== undefined && { missed }),
});

export const CLOSES = {
  source: 'sock_diag',
  coverage: {
    level: 'closes',
    why: "changes of state take the kernel's trace, which only root may have: run with sudo",
  },
} as const;

const crowd = Array.from({ length: 12 }, (_, i) => brief(i));

/** Short connections between two polls, one with a remnant, and one that no kernel event reported. */
export const BRIEF_BATCHES: readonly Batch[] = [
  baseline([web, slow], CLOSES),
  batch({
    ...CLOSES,
    monotonicMs: 1000,
    spawned: [...crowd, { ...nameless, state: 'TIME_WAIT' }],
    closed: crowd.map(({ id }) => id),
    events: [
      ...crowd.flatMap((it, i) => lived(it, 100 + 50 * i, 0.041 * 2 ** i)),
      socketEvent('spawn', nameless, 700),
      socketEvent('change', { ...nameless, state: 'CLOSE_WAIT' }, 790, { was: { state: 'ESTABLISHED' } }),
      socketEvent('close', { ...nameless, traffic: { rxBytes: 82_000, txBytes: 1_240_000 } }, 800, {
        lifetimeMs: 100,
      }),
    ].toSorted((a, b) => a.atMs - b.atMs),
  }),
  batch({
    ...CLOSES,
    monotonicMs: 2000,
    spawned: [long, query],
    closed: ['query', 'slow'],
    events: [
      gap(1100, 12),
      socketEvent('spawn', long, 1200),
      ...lived(query, 1300, 12),
      socketEvent('change', { ...long, state: 'CLOSE_WAIT' }, 1400, { was: { state: 'ESTABLISHED' } }),
      socketEvent('close', slow, 1500, { lifetimeMs: 1500, isAtLeast: true }),
      gap(1600, undefined, 'trace'),
    ],
  }),
];
