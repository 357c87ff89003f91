import { describe, expect, test } from 'vitest';
import { Merger } from '../../../src/sampler/merge/merger.ts';
import type { Socket } from '../../../src/model/socket.ts';
import type { KernelEvent } from '../../../src/source/types.ts';
import { NOON_MS, socket } from '../../helpers/fakes.ts';
import { setUp, a, atEnd } from './set-up.ts';

test('a socket that netpane first saw when it ended has no lifetime', () => {
  const { merger, applyEvents, poll } = setUp();
  poll(1000);
  applyEvents(1500, atEnd(1400));
  const [, close] = merger.take().events;
  expect(close).toEqual({
    type: 'close',
    atMs: NOON_MS + 1400,
    socket: a,
    learntBy: 'destroy',
  });
});

test('a socket is as old as the kernel says, however late a poll saw it', () => {
  const { merger, applyEvents, poll } = setUp();
  poll(1000);
  poll(2000, { ...a, createdAtMs: NOON_MS + 1500 });
  applyEvents(2950, atEnd(2900, a));
  const close = merger.take().events.find(({ type }) => type === 'close');
  expect(close).toMatchObject({ lifetimeMs: 1400, socket: { createdAtMs: NOON_MS + 1500 } });
});

describe('the lifetime of a socket that was bound before it listened', () => {
  const bound = socket({ id: 'l', state: 'BOUND_INACTIVE', remote: null });
  const listening: Socket = { ...bound, state: 'LISTEN' };
  const listenEvent = (atMs: number): KernelEvent => ({
    type: 'appeared',
    atMs,
    socket: listening,
    learntBy: 'trace',
  });
  const closed = { ...atEnd(8000, listening), lifetimeMs: 2000, isAtLeast: false } as KernelEvent;
  const closeOf = (merger: Merger) => merger.take().events.find(({ type }) => type === 'close');

  test('starts at its first sighting by a poll', () => {
    const { merger, applyEvents, poll } = setUp();
    poll(1000);
    poll(3600, bound);
    applyEvents(6050, listenEvent(6000));
    applyEvents(8050, closed);
    expect(closeOf(merger)).toMatchObject({ lifetimeMs: 4400 });
  });

  test('is a lower bound when the socket is part of the baseline', () => {
    const { merger, applyEvents, poll } = setUp();
    poll(1000, bound);
    poll(2000, bound);
    applyEvents(6050, listenEvent(6000));
    applyEvents(8050, closed);
    expect(closeOf(merger)).toMatchObject({ lifetimeMs: 7000, isAtLeast: true });
  });

  test('starts at its first sighting when only its end has a kernel event', () => {
    const { merger, applyEvents, poll } = setUp();
    poll(1000);
    poll(3600, bound);
    applyEvents(8050, closed);
    expect(closeOf(merger)).toMatchObject({ lifetimeMs: 4400 });
  });

  test('starts at the kernel event when a poll first saw the socket at nearly the same time', () => {
    const { merger, applyEvents, poll } = setUp();
    poll(1000);
    poll(5998, listening);
    applyEvents(6050, listenEvent(6000));
    applyEvents(8050, closed);
    expect(closeOf(merger)).toMatchObject({ lifetimeMs: 2000 });
  });
});
