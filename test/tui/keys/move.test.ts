import { describe, expect, test } from 'vitest';
import { after, batch, emptyState, listener, NOON_MS, socket, udp } from '../../helpers/fakes.ts';
import { press, withSockets } from './press.ts';

describe('g g goes to the first row', () => {
  const waiting = after(emptyState(), { type: 'key-start', key: 'g' });

  test('the first g waits for the second', () => {
    expect(press('g', emptyState(), 'g')).toEqual({ type: 'key-start', key: 'g' });
    const rows = withSockets(socket({ id: 'a' }), socket({ id: 'b' }));
    expect(press('g', after(rows, { type: 'key-start', key: 'g' }), 'g')).toEqual(press('home', rows));
  });

  test('any other key after g acts as itself', () => {
    expect(press('b', waiting)).toEqual({ type: 'baseline' });
    expect(press('f12', waiting)).toBeUndefined();
  });
});

describe('% says why there is no peer to go to', () => {
  test.each([
    [listener(), 'a listener has no peer'],
    [udp(), 'a listener has no peer'],
    [socket({ protocol: 'raw', local: '*:1', remote: null }), 'it has no remote endpoint'],
    [socket({ state: 'TIME_WAIT' }), 'this connection is over'],
    [
      socket({ local: '127.0.0.1:3000', remote: '127.0.0.1:42328', state: 'CLOSE_WAIT' }),
      'the peer has closed its socket, or it is hidden: 127.0.0.1:42328',
    ],
    [
      socket({ protocol: 'udp', local: '127.0.0.1:49352', remote: '127.0.0.1:50976' }),
      'the peer is not connected to this socket, or it is hidden: 127.0.0.1:50976',
    ],
    [
      socket({ local: '[::1]:3000', remote: '[::1]:42328', state: 'CLOSE_WAIT' }),
      'the peer has closed its socket',
    ],
    [socket(), 'on another machine, or hidden: 198.51.100.7:443'],
  ])('%#: of %o', (it, why) => {
    expect(press('%', withSockets(it), '%')).toMatchObject({
      type: 'message',
      message: { text: expect.stringContaining(why) as string, isError: false },
    });
  });

  test('of a socket in the event log that has no row any more', () => {
    const spawn = { type: 'spawn', atMs: NOON_MS, learntBy: 'poll', socket: socket({ id: 'gone' }) } as const;
    const log = after(
      withSockets(socket({ id: 'a' })),
      { type: 'resize', width: 80, height: 24 },
      batch({ monotonicMs: 1, events: [spawn] }),
      { type: 'pane', pane: 'events' },
      { type: 'focus', focus: 'events' },
    );
    expect(press('%', log, '%')).toMatchObject({
      message: { text: 'this socket has closed: it has no row any more' },
    });
  });
});

describe('moving', () => {
  const rows = ['a', 'b', 'c'].map((id) => socket({ id, process: id }));
  const table = after(withSockets(...rows), { type: 'resize', width: 80, height: 24 });

  test('goes to a row, stops at the ends, and does nothing without rows', () => {
    const at = (id: string | null) => after(table, { type: 'select', id });
    expect(press('down', at('a'))).toEqual({ type: 'select', id: 'b' });
    expect(press('up', at('a'))).toEqual({ type: 'select', id: 'a' });
    expect(press('end', at(null))).toEqual({ type: 'select', id: 'c' });
    expect(press('pagedown', at('a'))).toEqual({ type: 'select', id: 'c' });
    expect(press('down', emptyState())).toEqual({ type: 'message', message: null });
  });

  test('scrolls the help', () => {
    const help = after(table, { type: 'pane', pane: 'help' });
    expect(press('down', help)).toMatchObject({ type: 'scroll', pane: 'help', by: 1 });
    expect(press('up', help)).toMatchObject({ type: 'scroll', pane: 'help', by: -1 });
  });

  test('goes to an event if the log has the focus; null at the newest', () => {
    const spawn = { type: 'spawn', atMs: NOON_MS, learntBy: 'poll', socket: socket() } as const;
    const log = after(
      table,
      batch({ monotonicMs: 1, events: [spawn, spawn, spawn] }),
      { type: 'pane', pane: 'events' },
      { type: 'focus', focus: 'events' },
    );
    expect(press('up', log)).toEqual({ type: 'select-event', number: 1 });
    expect(press('home', log)).toEqual({ type: 'select-event', number: 0 });
    expect(press('down', log)).toEqual({ type: 'select-event', number: null });
  });
});
