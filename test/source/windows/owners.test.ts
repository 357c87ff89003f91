import { beforeEach, describe, expect, test } from 'vitest';
import type { Owner, Socket } from '../../../src/model/socket.ts';
import { CREATED_MS, type FakeRow, type FakeWindows, STARTED_MS } from '../../helpers/windows.ts';
import { CONNECTION, CURL, useWindows, type WindowsScene } from '../../helpers/windows-scene.ts';

let scene: WindowsScene;
let windows: FakeWindows;
const newScene = useWindows();
beforeEach(() => {
  scene = newScene();
  ({ windows } = scene);
});
const poll = (rows: readonly FakeRow[]) => scene.poll(rows);
const codes = () => scene.codes();

/** Returns the only owner of the only socket. */
const ownerOf = (sockets: readonly Socket[]): Owner | undefined => {
  expect(sockets).toHaveLength(1);
  expect(sockets[0]?.owners).toHaveLength(1);
  return sockets[0]?.owners[0];
};

describe('the owner', () => {
  test('is exact, with everything that Windows says of the process', async () => {
    windows.processes = [{ pid: 8, name: 'other.exe' }, CURL];
    expect(ownerOf(await poll([CONNECTION]))).toEqual({
      knowledge: 'exact',
      pid: 100,
      process: 'curl.exe',
      startedAtMs: STARTED_MS,
      ...CURL.details,
    });
    expect(windows.identified).toEqual([100]);
  });

  test('has name and start even if Windows refuses to open the process, and a notice says what is hidden', async () => {
    windows.processes = [{ pid: 100, name: 'MsMpEng.exe' }];
    expect(ownerOf(await poll([CONNECTION]))).toEqual({
      knowledge: 'exact',
      pid: 100,
      process: 'MsMpEng.exe',
      startedAtMs: STARTED_MS,
    });
    expect((await scene.source.read()).degradations).toEqual([
      {
        code: 'not-elevated',
        text:
          'path, command line and user of 1 program are hidden; traffic, round-trip times, connections between two ' +
          'polls and closing connections need an administrator: start the terminal with "Run as administrator"',
        short: 'no traffic: not administrator',
      },
    ]);
    windows.isElevated = true;
    expect(await codes()).toEqual(['programs-protected']);
  });

  test('is read once per process, and again when the pid was given to another one', async () => {
    windows.processes = [CURL];
    await poll([CONNECTION]);
    await poll([{ ...CONNECTION, state: 8 }]);
    expect(windows.identified).toEqual([100]);
    windows.processes = [{ ...CURL, name: 'wget.exe', startedAtMs: STARTED_MS + 30_000 }];
    const owner = ownerOf(await poll([{ ...CONNECTION, state: 8 }]));
    expect(owner).toMatchObject({ process: 'wget.exe', knowledge: 'exact' });
  });

  test('lacks the details if the pid was given to another process between list and opening', async () => {
    windows.processes = [CURL];
    windows.onIdentify = () => (windows.processes = [{ ...CURL, startedAtMs: STARTED_MS + 1 }]);
    expect(ownerOf(await poll([CONNECTION]))).not.toHaveProperty('exe');
  });

  test('is unknown if the process with the pid started after the socket was made', async () => {
    windows.processes = [{ ...CURL, startedAtMs: CREATED_MS + 10_000 }];
    expect(ownerOf(await poll([CONNECTION]))).toEqual({
      knowledge: 'unknown',
      tried: 'process 100 (curl.exe) started after the socket was made',
    });
  });

  test('is inherited where the start of the socket or of the process is unknown: another may have got the pid', async () => {
    windows.processes = [CURL];
    expect(ownerOf(await poll([{ ...CONNECTION, createdAtMs: 0 }]))).toMatchObject({
      knowledge: 'inherited',
      process: 'curl.exe',
    });
    windows.processes = [{ ...CURL, startedAtMs: 0 }];
    scene.source = scene.newSource();
    expect(ownerOf(await poll([CONNECTION]))).toMatchObject({ knowledge: 'inherited' });
  });

  test('is the last known one while another process with the pid is pending', async () => {
    windows.processes = [CURL];
    await poll([CONNECTION]);
    windows.processes = [
      { pid: 8, name: 'other.exe' },
      { ...CURL, startedAtMs: CREATED_MS + 10_000 },
    ];
    scene.nowMs = 0;
    windows.onIdentify = () => (scene.nowMs += Infinity);
    const rows = [{ ...CONNECTION, local: '192.0.2.1:1', pid: 8 }, CONNECTION];
    expect((await poll(rows)).find(({ local }) => local.port === 50_000)?.owners).toMatchObject([
      { knowledge: 'inherited', process: 'curl.exe' },
    ]);
  });

  test('is the last known one after the process ended, and gone if it was never known', async () => {
    windows.processes = [CURL];
    await poll([CONNECTION]);
    windows.processes = [{ pid: 8 }];
    expect(ownerOf(await poll([CONNECTION]))).toMatchObject({ knowledge: 'inherited', process: 'curl.exe' });
    scene.source = scene.newSource();
    expect(ownerOf(await poll([CONNECTION]))).toEqual({ knowledge: 'gone', pid: 100 });
    expect(ownerOf(await poll([{ ...CONNECTION, state: 8 }]))).toEqual({ knowledge: 'gone', pid: 100 });
  });

  // MIB_TCP_STATE: CLOSED, FIN_WAIT1, FIN_WAIT2, CLOSING, LAST_ACK, TIME_WAIT.
  test.each([1, 6, 7, 9, 10, 11])(
    'is inherited in state %i: the process may have closed the socket',
    async (state) => {
      windows.processes = [CURL];
      expect(ownerOf(await poll([{ ...CONNECTION, state }]))).toMatchObject({
        knowledge: 'inherited',
        process: 'curl.exe',
      });
    },
  );

  test('is the kernel for process 4, the listener during a handshake, and unknown for an open socket without a pid', async () => {
    windows.processes = [{ pid: 4, name: 'System', startedAtMs: 0 }, CURL];
    expect(ownerOf(await poll([{ ...CONNECTION, pid: 4 }]))).toEqual({
      knowledge: 'kernel',
      pid: 4,
      process: 'System',
    });
    expect(await codes()).toEqual(['not-elevated']);
    scene.source = scene.newSource();
    expect(ownerOf(await poll([{ ...CONNECTION, state: 4 }]))).toMatchObject({
      knowledge: 'listener',
      pid: 100,
    });
    scene.source = scene.newSource();
    expect(ownerOf(await poll([{ ...CONNECTION, pid: 0 }]))).toEqual({
      knowledge: 'unknown',
      tried: 'Windows names no process for it',
    });
    scene.source = scene.newSource();
    expect(ownerOf(await poll([{ ...CONNECTION, pid: 0, state: 11 }]))).toEqual({ knowledge: 'gone' });
  });

  test('is pending beyond the time for owners, and found in a later poll', async () => {
    scene.source = scene.newSource(5);
    windows.processes = [1, 2, 3].map((pid) => ({ pid, name: `p${pid}.exe` }));
    windows.onIdentify = () => (scene.nowMs += 6);
    const rows = [1, 2, 3].map((pid) => ({ ...CONNECTION, local: `192.0.2.1:${pid}`, pid }));
    const names = (sockets: readonly Socket[]) =>
      sockets.map(({ owners: [it] }) => it?.process ?? it?.knowledge);
    expect(names(await poll(rows))).toEqual(['p1.exe', 'pending', 'pending']);
    expect(names(await poll(rows))).toEqual(['p1.exe', 'p2.exe', 'pending']);
    expect(names(await poll(rows))).toEqual(['p1.exe', 'p2.exe', 'p3.exe']);
  });

  test('is gone if the process ends while it is pending', async () => {
    scene.source = scene.newSource(5);
    windows.processes = [{ pid: 1, name: 'p1.exe' }, CURL];
    windows.onIdentify = () => (scene.nowMs += 6);
    const rows = [
      { ...CONNECTION, pid: 1 },
      { ...CONNECTION, local: '192.0.2.1:1' },
    ];
    expect((await poll(rows))[1]?.owners).toEqual([{ knowledge: 'pending', pid: 100 }]);
    windows.processes = [{ pid: 1, name: 'p1.exe' }];
    expect((await poll(rows))[1]?.owners).toEqual([{ knowledge: 'gone', pid: 100 }]);
  });

  test('is pending while the list of processes cannot be read, and a notice says so', async () => {
    windows.processes = [CURL];
    windows.processesError = 0xc000_0022;
    expect(ownerOf(await poll([CONNECTION]))).toEqual({ knowledge: 'pending', pid: 100 });
    expect((await scene.source.read()).degradations).toContainEqual({
      code: 'no-processes',
      text: 'the list of processes fails with error 3221225506: programs of new sockets are shown once it can be read',
      short: 'no processes',
    });
    windows.processesError = undefined;
    expect(ownerOf(await poll([CONNECTION]))).toMatchObject({ knowledge: 'exact', process: 'curl.exe' });
    expect(await codes()).not.toContain('no-processes');
  });
});

test('a notice says that Windows does not list the services', async () => {
  windows.processes = [CURL];
  windows.servicesError = 5;
  await poll([CONNECTION]);
  expect((await scene.source.read()).degradations).toContainEqual({
    code: 'no-services',
    text: 'the list of services fails with error 5: svchost.exe is shown without its services',
    short: 'no services',
  });
});

describe('a host of services', () => {
  const host = { pid: 100, name: 'svchost.exe' };
  const named = async (row: Partial<FakeRow>) => ownerOf(await poll([{ ...CONNECTION, ...row }]))?.process;

  test('with one service has its name', async () => {
    windows.processes = [host];
    windows.services = [
      ['Spooler', 7],
      ['Dnscache', 100],
    ];
    expect(await named({})).toBe('svchost.exe (Dnscache)');
  });

  test('has the name of a service that is not in the list, by the tag of the socket', async () => {
    windows.processes = [host];
    windows.services = [['Dnscache', 100]];
    windows.tags = { '100 33': 'NlaSvc' };
    await poll([CONNECTION]);
    expect(await named({ local: '192.0.2.1:1', tag: 33 })).toBe('svchost.exe (NlaSvc)');
  });

  test('with several has the name that Windows gives for the tag of the socket', async () => {
    windows.processes = [host];
    windows.services = [
      ['Dnscache', 100],
      ['NlaSvc', 100],
    ];
    windows.tags = { '100 33': 'NlaSvc' };
    expect(await named({ tag: 33 })).toBe('svchost.exe (NlaSvc)');
    expect(await named({ tag: 34 })).toBe('svchost.exe');
  });

  test('is only svchost.exe: another program keeps its name, also with a service', async () => {
    windows.processes = [{ pid: 100, name: 'sqlservr.exe' }];
    windows.services = [['MSSQLSERVER', 100]];
    expect(await named({})).toBe('sqlservr.exe');
  });
});
