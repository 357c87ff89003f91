import { expect, test } from 'vitest';
import { orderOfAll } from '../../src/cli/snapshot.ts';
import { after, baseline, emptyState, socket } from '../helpers/fakes.ts';

test('ls lists every socket in TIME_WAIT, however many there are', () => {
  const sockets = Array.from({ length: 20 }, (_, i) =>
    socket({ local: `192.0.2.10:${40_000 + i}`, state: 'TIME_WAIT', owners: [] }),
  );
  const rows = orderOfAll(after(emptyState(), baseline(sockets))).rows();
  expect(rows.map(({ id }) => id).toSorted()).toEqual(sockets.map(({ id }) => id).toSorted());
});
