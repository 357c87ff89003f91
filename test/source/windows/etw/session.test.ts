import { expect, test } from 'vitest';
import { TraceSession } from '../../../../src/source/windows/etw/session.ts';
import { FakeTrace } from '../../../helpers/etw.ts';

const SELF = { pid: 4711, created: 0xabc };

const start = (calls: FakeTrace, isRunning = () => true): TraceSession => {
  const session = TraceSession.start(calls, SELF, isRunning);
  if (typeof session === 'string') throw new Error(session);
  return session;
};

test('a session is named by pid and start of its netpane, and stopped at the end', () => {
  const calls = new FakeTrace();
  const session = start(calls);
  expect([...calls.sessions]).toEqual(['netpane-4711-abc']);
  session.close();
  session.close();
  expect(calls.sessions.size).toBe(0);
  expect(session.failure).toBeUndefined();
});

test('the session of a netpane that has ended is stopped; those of others stay', () => {
  const calls = new FakeTrace();
  for (const name of ['netpane-1-aa', 'netpane-2-bb', 'netpane-2-cc', 'netpane-x-dd', 'EventLog-System', ''])
    calls.sessions.add(name);
  const asked: string[] = [];
  TraceSession.start(calls, SELF, ({ pid, created }) => {
    asked.push(`${pid} ${created}`);
    return pid === 2 && created === 0xbb;
  });
  expect([...calls.sessions]).toEqual([
    'netpane-2-bb',
    'netpane-x-dd',
    'EventLog-System',
    '',
    'netpane-4711-abc',
  ]);
  // The pid of the third one belongs to another process now.
  expect(asked).toEqual(['1 170', '2 187', '2 204']);
});

test('more sessions than there is room for are listed without an error', () => {
  const calls = new FakeTrace();
  for (let i = 0; i < 100; i++) calls.sessions.add(`netpane-${i}-1`);
  start(calls, () => false);
  expect(calls.sessions.size).toBe(100 - 64 + 1);
});

test('a refusal is a reason in words', () => {
  const refusal = (startError: number): unknown => {
    const calls = new FakeTrace();
    calls.startError = startError;
    return TraceSession.start(calls, SELF, () => true);
  };
  expect([5, 1450, 4201, 87].map(refusal)).toEqual([
    'Windows does not allow a session of events',
    'Windows has no room for another session of events',
    'Windows does not hand over the events of the session',
    'Windows refuses a session of events with error 87',
  ]);
});

test('a session without events is stopped', () => {
  const calls = new FakeTrace();
  calls.enableError = 5;
  expect(TraceSession.start(calls, SELF, () => true)).toBe('Windows does not allow a session of events');
  expect(calls.sessions.size).toBe(0);
});

test('returns the losses since the last call', () => {
  const calls = new FakeTrace();
  const session = start(calls);
  calls.lost = { events: 5, buffers: 1 };
  session.ring.countLost();
  expect(session.takeLosses()).toEqual({ events: 6, buffers: 1 });
  calls.lost = { events: 7, buffers: 1 };
  expect(session.takeLosses()).toEqual({ events: 2, buffers: 0 });
});

test('a session that another program stops has failed', () => {
  const calls = new FakeTrace();
  const session = start(calls);
  expect(session.failure).toBeUndefined();
  calls.control(7n, new Uint8Array(120), 1);
  expect(session.failure).toBe('another program stopped the session of events');
  expect(session.takeLosses()).toEqual({ events: 0, buffers: 0 });
});

test('a consumer that cannot begin is a failure', () => {
  const calls = new FakeTrace();
  const session = start(calls);
  calls.ring?.end(1359);
  expect(session.failure).toBe('Windows refuses a session of events with error 1359');
});
