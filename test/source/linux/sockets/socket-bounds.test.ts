import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../../../src/model/batch.ts';
import {
  codes,
  HELD,
  kernel,
  LISTEN,
  notice,
  only,
  open,
  read,
  source,
  TIME_WAIT,
  useFakeSockDiag,
} from '../../../helpers/fake-sockdiag.ts';
import type { InetFields } from '../../../helpers/netlink/fields.ts';

useFakeSockDiag();

describe('more sockets than the bounds', () => {
  const remnants = (from: number, count: number): InetFields[] =>
    Array.from({ length: count }, (_, i) => ({
      ...TIME_WAIT,
      cookie: from + i,
      remote: `127.0.0.1:${from + i}`,
    }));
  const ids = ({ sockets }: Snapshot) => [...sockets.keys()].sort();

  test('counts new remnants beyond the bound, keeps those it has, and fills freed room', async () => {
    open({ bounds: { remnants: 3, sockets: 100 } });
    const first = await read(HELD, ...remnants(0x10, 2));
    expect(codes(first)).toEqual([]);
    const flood = await read(...remnants(0x20, 50), HELD, ...remnants(0x10, 2));
    expect(ids(flood)).toEqual(ids(first));
    expect(notice(flood, 'left-out in TIME_WAIT')).toBe(
      '50 sockets in TIME_WAIT are not shown: with more than 3 sockets they are only counted, to limit memory use',
    );
    // The room of closed sockets is free at the poll after the one that missed them.
    await read(HELD, ...remnants(0x20, 50));
    const later = await read(HELD, ...remnants(0x20, 50));
    expect(ids(later)).toEqual(['sk:2', 'sk:20', 'sk:21']);
    expect(codes(await read(HELD))).toEqual([]);
  });

  test('keeps a connection that becomes TIME_WAIT', async () => {
    open({ bounds: { remnants: 1, sockets: 100 } });
    await read(HELD);
    expect(only(await read({ ...TIME_WAIT, cookie: 2 })).state).toBe('TIME_WAIT');
  });

  test('a poll that omits new remnants counts them, and keeps those it has and connections; no later poll shows them as new', async () => {
    const first = await read(HELD, ...remnants(0x10, 2));
    kernel.own.sockets = [HELD, { ...HELD, cookie: 8, inode: 8 }, ...remnants(0x10, 2), ...remnants(0x20, 5)];
    const omitting = await source.read({ omitsNewRemnants: true });
    expect(ids(omitting)).toEqual([...ids(first), 'sk:8'].sort());
    expect(notice(omitting, 'left-out in TIME_WAIT')).toBe(
      '5 sockets in TIME_WAIT are not shown: after many short connections they are only counted, to limit memory use',
    );
    kernel.own.sockets = [...remnants(0x20, 5), ...remnants(0x30, 3)];
    const omitted = await source.read();
    expect(notice(omitted, 'left-out in TIME_WAIT')).toMatch('8 sockets in TIME_WAIT');
    kernel.own.sockets = [...remnants(0x20, 5), ...remnants(0x30, 3), ...remnants(0x40, 2)];
    const later = await source.read();
    expect(ids(later)).toEqual(['sk:40', 'sk:41']);
    expect(notice(later, 'left-out in TIME_WAIT')).toBe(
      '8 sockets in TIME_WAIT are not shown: after many short connections they are only counted, to limit memory use',
    );
    kernel.own.sockets = remnants(0x40, 2);
    expect(codes(await source.read())).toEqual([]);
  });

  test('treats FIN_WAIT2 with a timewait timer as a remnant', async () => {
    open({ bounds: { remnants: 1, sockets: 100 } });
    const remnant: InetFields = { ...TIME_WAIT, cookie: 9, state: 'FIN_WAIT2' };
    expect(codes(await read(HELD, remnant))).toEqual(['left-out in TIME_WAIT']);
  });

  test('bounds connections above remnants, and listeners and UDP sockets above connections', async () => {
    open({ bounds: { remnants: 5, sockets: 10 } });
    const connections = Array.from({ length: 30 }, (_, i) => ({
      ...HELD,
      cookie: 0x100 + i,
      inode: 100 + i,
    }));
    const flood = await read(...connections, LISTEN, ...remnants(0x20, 4));
    expect(flood.sockets.size).toBe(11);
    expect(flood.sockets.has('sk:1')).toBe(true);
    expect(notice(flood, 'left-out sockets')).toBe(
      '20 sockets are not shown: netpane keeps 10, to limit memory use',
    );
    expect(notice(flood, 'left-out in TIME_WAIT')).toMatch(/^4 sockets/);
  });

  test('keeps every socket without bounds', async () => {
    expect((await read(...remnants(0x20, 500))).sockets.size).toBe(500);
  });
});
