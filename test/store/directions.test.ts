import { describe, expect, test } from 'vitest';
import type { SocketEvent } from '../../src/model/event.ts';
import { type Socket, type SocketState } from '../../src/model/socket.ts';
import { SocketTable } from '../../src/store/table.ts';
import { baseline, batch, listener, NOON_MS, socket, udp } from '../helpers/fakes.ts';
import { closing, tableAfter } from './scene.ts';

describe('direction', () => {
  const server = listener({ id: 'server', local: '*:80' });
  const accepted = socket({ id: 'accepted', local: '192.0.2.10:80', remote: '198.51.100.7:50000' });
  const called = socket({
    id: 'called',
    local: '192.0.2.10:50001',
    remote: '198.51.100.7:80',
    opened: 'out',
  });
  const unknown = socket({ id: 'unknown', local: '192.0.2.10:50003', remote: '198.51.100.7:80' });
  const directions = (table: SocketTable) =>
    Object.fromEntries([...table.rows].map(([id, { direction }]) => [id, direction]));

  test('of the baseline is known even if the listener comes in a later part', () => {
    const table = tableAfter(
      baseline([accepted, called], { partial: true }),
      baseline([listener({ id: 'other', local: '192.0.2.11:80' })], { partial: true }),
      baseline([server]),
    );
    expect(directions(table)).toEqual({ accepted: 'in', called: 'out', other: undefined, server: undefined });
  });

  test('is known for connections in the same batch as their listener', () => {
    const table = tableAfter(baseline([]), batch({ spawned: [accepted, called, server] }));
    expect(directions(table)).toMatchObject({ accepted: 'in', called: 'out' });
  });

  test('stays when the listener closes, or another one spawns', () => {
    const table = tableAfter(
      baseline([server, accepted, called]),
      batch({ spawned: [listener({ id: 'late', local: '*:50001' })], closed: ['server'] }),
      batch({ monotonicMs: 2000, changed: [closing(accepted), closing(called)] }),
    );
    expect(directions(table)).toMatchObject({ accepted: 'in', called: 'out' });
    const next = socket({ id: 'next', local: '192.0.2.10:80', remote: '198.51.100.7:50002' });
    table.apply(batch({ monotonicMs: 3000, spawned: [next] }));
    expect(directions(table)).toMatchObject({ accepted: 'in', next: undefined });
  });

  test('is known when the listener closes in the batch of the connection', () => {
    const table = tableAfter(baseline([server]), batch({ spawned: [accepted], closed: ['server'] }));
    expect(directions(table)).toMatchObject({ accepted: 'in' });
  });

  test('is unknown without a listener, until the kernel reports it', () => {
    const table = tableAfter(baseline([unknown, server]));
    expect(directions(table)).toMatchObject({ unknown: undefined });
    table.apply(batch({ changed: [{ ...unknown, opened: 'out' }] }));
    expect(directions(table)).toMatchObject({ unknown: 'out' });
  });

  test('from the kernel outweighs the listeners', () => {
    const table = tableAfter(baseline([server, accepted]));
    table.apply(batch({ changed: [{ ...accepted, opened: 'out' }] }));
    expect(directions(table)).toMatchObject({ accepted: 'out' });
  });

  test('of a loopback connection is `in` for one socket and `out` for the other', () => {
    const [near, far] = ['127.0.0.1:80', '127.0.0.1:50000'];
    const table = tableAfter(
      baseline([
        socket({ id: 'client', local: far, remote: near, opened: 'out' }),
        socket({ id: 'end', local: near, remote: far }),
        server,
      ]),
    );
    expect(directions(table)).toMatchObject({ client: 'out', end: 'in' });
  });

  test('of a UDP socket with or without a peer is unknown', () => {
    const bound = udp({ id: 'u', local: '*:5000' });
    const connected = socket({ id: 'u', protocol: 'udp', local: '192.0.2.10:5000' });
    const table = tableAfter(baseline([bound]));
    expect(directions(table)).toEqual({ u: undefined });
    table.apply(batch({ changed: [connected] }));
    expect(directions(table)).toEqual({ u: undefined });
    table.apply(batch({ monotonicMs: 2000, changed: [bound] }));
    expect(directions(table)).toEqual({ u: undefined });
  });

  test('comes from a spawn event of the trace', () => {
    const spawn = (it: Socket, state: SocketState): SocketEvent => ({
      type: 'spawn',
      atMs: NOON_MS,
      socket: { ...it, state },
      learntBy: 'trace',
    });
    const table = tableAfter(
      baseline([server]),
      batch({ spawned: [accepted, called], partial: true }),
      batch({ events: [spawn(accepted, 'SYN_SENT'), spawn(called, 'SYN_RECV')] }),
    );
    expect(directions(table)).toMatchObject({ accepted: 'out', called: 'in' });
  });
});
