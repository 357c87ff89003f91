import { expect, test } from 'vitest';
import { KnownPeers } from '../../src/cli/known-peers.ts';
import type { Event } from '../../src/model/event.ts';
import type { Socket } from '../../src/model/socket.ts';
import { batch, udp } from '../helpers/fakes.ts';

const NEAR = { inode: 7 };
const FAR = { inode: 8 };
const spawn = (it: Socket): Event => ({ type: 'spawn', atMs: 0, socket: it, learntBy: 'poll' });
const change = (it: Socket): Event => ({ type: 'change', atMs: 0, socket: it, learntBy: 'poll', was: {} });

test('a socket that changes several times between two batches is the peer of its last endpoints alone', () => {
  const peers = new KnownPeers();
  const mover = (remote: string) => udp({ id: 'mover', local: '10.0.0.1:5000', remote, netns: NEAR });
  const other = udp({ id: 'other', local: '10.0.0.2:53', remote: '10.0.0.1:5000', netns: FAR });
  peers.takeBatch(batch({ spawned: [mover('10.0.0.2:53'), other] }));
  expect(peers.idOf('mover')).toBe('other');
  peers.takeEvents([
    change(mover('10.0.0.2:54')),
    // From now on 10.0.0.2 is an address of its own namespace too.
    spawn(udp({ id: 'own', local: '10.0.0.2:9', remote: '10.0.0.9:9', netns: NEAR })),
    change(mover('10.0.0.2:55')),
    change(mover('10.0.0.2:56')),
  ]);
  expect(peers.idOf('other')).toBeUndefined();
  const at = (port: number) =>
    udp({ id: `at ${port}`, local: `10.0.0.2:${port}`, remote: '10.0.0.1:5000', netns: NEAR });
  peers.takeEvents([spawn(at(55)), spawn(at(56))]);
  expect([peers.idOf('at 55'), peers.idOf('at 56')]).toEqual([undefined, 'mover']);
});
