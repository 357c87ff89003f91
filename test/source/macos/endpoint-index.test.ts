import { expect, test } from 'vitest';
import { EndpointIndex } from '../../../src/source/macos/endpoint-index.ts';
import type { TableSocket } from '../../../src/source/macos/table/table-sockets.ts';

const COUNT = 1000;
const ENDPOINTS = { protocol: 'udp', local: { address: '0.0.0.0', port: 5353 }, remote: null } as const;
const CLOSE = { ...ENDPOINTS, pid: 99 };

/** Returns sockets with the same endpoints, last used by process 7, and a function that counts the comparisons since. */
function equalSockets() {
  let compared = 0;
  const sockets = Array.from({ length: COUNT }, (_, i): TableSocket => {
    const values = { id: `udp ${i}`, family: 'ipv4', ...ENDPOINTS } as const;
    return {
      values,
      get hints() {
        compared++;
        return { handle: undefined, lastPid: 7, effectivePid: 0 };
      },
      socket: { ...values, owners: [] },
      hinted: undefined,
    };
  });
  const takeCompared = (): number => {
    const count = compared;
    compared = 0;
    return count;
  };
  return { sockets, takeCompared };
}

test('a close is compared with a bounded number of gone sockets, and takes one of them', () => {
  const { sockets, takeCompared } = equalSockets();
  const index = new EndpointIndex();
  for (const it of sockets) index.set(it);
  for (const it of sockets) index.setGone(it);
  takeCompared();
  const taken = new Set(sockets.map(() => index.take(CLOSE)?.id));
  expect(taken.size).toBe(COUNT);
  expect(takeCompared()).toBeLessThanOrEqual(64 * COUNT);
});

test('too many equal open sockets are compared with no close: the next poll decides', () => {
  const { sockets, takeCompared } = equalSockets();
  const index = new EndpointIndex();
  for (const it of sockets) index.set(it);
  takeCompared();
  expect(index.take(CLOSE)).toBeNull();
  expect(takeCompared()).toBe(0);
});
