import { describe, expect, test } from 'vitest';
import {
  advance,
  CLOSE_MESSAGE_WAIT_MS,
  CONNECTED,
  connects,
  drain,
  kernel,
  open,
  source,
  start,
  trace,
  useEventScene,
} from '../../../helpers/event-scene.ts';

useEventScene();

describe('the event source', () => {
  /** Counts its waits and closes. */
  const fakeWaiter = () => ({
    watchesAll: true,
    waits: 0,
    closed: 0,
    wait(onReady: () => void) {
      this.waits++;
      onReady();
    },
    close() {
      this.closed++;
    },
  });

  test('waits as long as every descriptor is watched', () => {
    const waiter = fakeWaiter();
    open({ waiter });
    let woke = 0;
    source.events?.wait?.(() => woke++);
    expect([waiter.waits, woke]).toEqual([1, 1]);
    waiter.watchesAll = false;
    expect(source.events?.wait).toBeUndefined();
  });

  test('cannot wait without a waiter', () => {
    open();
    expect(source.events?.wait).toBeUndefined();
  });

  test('ends the wait when it is closed', () => {
    const waiter = fakeWaiter();
    open({ waiter });
    source.close();
    expect(waiter.closed).toBe(1);
  });
});

describe('a drain without a further message is needed', () => {
  const isPending = () => source.events?.isPending;

  test('while a socket that the trace saw closing waits for its close message', () => {
    start(70, 'curl');
    open({ trace });
    connects(1, { tid: 70 });
    trace.destroy(1, 1);
    drain();
    expect(isPending()).toBe(true);
    kernel.own.destroy({ ...CONNECTED, cookie: 1 });
    drain();
    expect(isPending()).toBe(false);
  });

  test('while the trace may report the closes whose messages were lost', () => {
    open({ trace });
    kernel.own.bufferSize = 1;
    for (let i = 0; i < 3; i++) kernel.own.destroy({ ...CONNECTED, cookie: 100 + i });
    drain();
    expect(isPending()).toBe(true);
    advance(CLOSE_MESSAGE_WAIT_MS);
    drain();
    expect(isPending()).toBe(false);
  });

  test('while there are records that arrived when /proc was read', () => {
    start(70, 'curl');
    open({ trace });
    connects(1, { tid: 70 });
    trace.onDrained = () => {
      trace.onDrained = () => {};
      trace.exit(70);
    };
    drain();
    expect(isPending()).toBe(true);
    drain();
    expect(isPending()).toBe(false);
  });

  test('while the trace has records for the next drain', () => {
    open({ trace });
    expect(isPending()).toBe(false);
    trace.isPending = true;
    expect(isPending()).toBe(true);
  });

  test('never without the trace', () => {
    open();
    kernel.own.bufferSize = 1;
    for (let i = 0; i < 3; i++) kernel.own.destroy({ ...CONNECTED, cookie: 100 + i });
    drain();
    expect(isPending()).toBe(false);
  });
});
