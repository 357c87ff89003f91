import { beforeEach, describe, expect, test } from 'vitest';
import type { Socket } from '../../../src/model/socket.ts';
import { CREATED_MS, type FakeRow, type FakeWindows } from '../../helpers/windows.ts';
import { CONNECTION, useWindows, type WindowsScene } from '../../helpers/windows-scene.ts';

const NOT_PERMITTED = 'not permitted: start the terminal with "Run as administrator"';

let scene: WindowsScene;
let windows: FakeWindows;
const newScene = useWindows();
beforeEach(() => {
  scene = newScene();
  ({ windows } = scene);
  windows.isElevated = true;
  scene.source = scene.newSource();
});

const close = (sockets: readonly Socket[]) => scene.source.closeSockets(sockets);
/** Polls these rows and closes their sockets. */
const closeAll = async (rows: readonly FakeRow[]) => close(await scene.poll(rows));
const refused = (why: string) => ({ closed: 0, refusals: [{ why, count: 1 }] });

test('a connection over IPv4 is closed by its endpoints and the state DELETE_TCB', async () => {
  expect(await closeAll([CONNECTION])).toEqual({ closed: 1, refusals: [] });
  expect(windows.closed).toEqual(['0c000000c0000201c3500000c633640701bb0000']);
});

test('an ordinary user gets the way to the right as the reason, and Windows is not asked', async () => {
  windows.isElevated = false;
  scene.source = scene.newSource();
  expect(await closeAll([CONNECTION])).toEqual(refused(NOT_PERMITTED));
  expect(windows.closed).toEqual([]);
});

test.each([
  [
    { table: 'tcp6', local: '[2001:db8::1]:1', remote: '[2001:db8::2]:2' },
    'Windows closes connections over IPv4 only',
  ],
  [{ table: 'udp4', local: '0.0.0.0:53' }, 'Windows closes TCP connections only'],
  [{ local: '0.0.0.0:80', state: 2 }, 'Windows closes TCP connections only'],
] as const)('%o is refused', async (row, why) => {
  expect(await closeAll([row])).toEqual(refused(why));
  expect(windows.closed).toEqual([]);
});

test.each([
  [317, NOT_PERMITTED],
  [5, NOT_PERMITTED],
  [1168, 'closed already'],
  [50, 'this Windows cannot close it'],
  [87, 'Windows refuses with error 87'],
])('error %i becomes words', async (error, why) => {
  windows.closeError = error;
  expect(await closeAll([CONNECTION])).toEqual(refused(why));
});

describe('since the last poll', () => {
  test('a connection that has ended is not closed', async () => {
    const sockets = await scene.poll([CONNECTION]);
    windows.rows = [];
    expect(close(sockets)).toEqual(refused('closed already'));
  });

  test('another connection with the same endpoints is not closed', async () => {
    const sockets = await scene.poll([CONNECTION]);
    windows.rows = [{ ...CONNECTION, createdAtMs: CREATED_MS + 1000 }];
    expect(close(sockets)).toEqual(refused('closed already'));
    expect(windows.closed).toEqual([]);
  });

  test('a table that cannot be read closes nothing', async () => {
    const sockets = await scene.poll([CONNECTION]);
    windows.errors = [8];
    expect(close(sockets)).toEqual(refused('the table tcp4 fails with error 8'));
  });
});
