import { expect, test } from 'vitest';
import { diff } from '../../../src/sampler/diff.ts';
import { normalise, type RawConnection, withoutHeading } from '../../../src/source/portable/normalise.ts';
import { portableSource } from '../../../src/source/portable/portable.ts';
import type { RawProcess } from '../../../src/source/portable/programs.ts';
import { exists, show, lines, codes, rawConnection, rawProcess } from '../../helpers/systeminformation.ts';

/** A fake Windows machine whose lists can be set between polls; counts the reads of the process list. */
function machine(rows: readonly RawConnection[], programs: readonly RawProcess[] = [rawProcess()]) {
  const state = { rows: rows as readonly RawConnection[] | null, programs, processReads: 0 };
  const source = portableSource({
    platform: 'win32',
    si: {
      networkConnections: () => Promise.resolve(state.rows),
      processes: () => {
        state.processReads++;
        return Promise.resolve({ list: state.programs });
      },
    },
  });
  return { state, source };
}

test('unchanged sockets stay the same objects, also if the order of rows changes', async () => {
  const rows = [rawConnection(), rawConnection({ localPort: '51513' })];
  const { state, source } = machine(rows);
  const first = await source.read();
  state.rows = [...rows].reverse();
  const second = await source.read();
  expect(diff(first.sockets, second.sockets)).toEqual({ spawned: [], changed: [], closed: [] });
});

test('a closing connection changes its state and keeps its last owner, which the system no longer lists', async () => {
  const { state, source } = machine([rawConnection()]);
  const first = await source.read();
  state.rows = [rawConnection({ state: 'TIME_WAIT', pid: 0 })];
  const second = await source.read();
  const change = diff(first.sockets, second.sockets);
  expect(change).toMatchObject({ spawned: [], closed: [] });
  expect(change.changed.map(show)).toEqual([
    'tcp | 10.0.0.5 51512 | 203.0.113.80 443 | TIME_WAIT | inherited 812 app.exe',
  ]);
  const third = await source.read();
  expect([...third.sockets.values()]).toEqual(change.changed);
  expect(diff(second.sockets, third.sockets).changed).toEqual([]);
});

test('a socket with a new process changes, it does not close and open', async () => {
  const { state, source } = machine([
    rawConnection({ state: 'LISTENING', peerAddress: '0.0.0.0', peerPort: '0' }),
  ]);
  const first = await source.read();
  state.rows = [rawConnection({ state: 'LISTENING', peerAddress: '0.0.0.0', peerPort: '0', pid: 900 })];
  const change = diff(first.sockets, (await source.read()).sockets);
  expect(change).toMatchObject({ spawned: [], closed: [] });
  expect(change.changed).toHaveLength(1);
});

test('shows each of several sockets with the same endpoints, and closes the right one', async () => {
  const twin = { state: 'LISTENING', localAddress: '0.0.0.0', peerAddress: '0.0.0.0', peerPort: '0' };
  const rows = [1, 1, 2].map((pid) => rawConnection({ ...twin, pid }));
  const { state, source } = machine(rows);
  const first = await source.read();
  expect([...first.sockets.values()].map((it) => it.owners[0]?.pid)).toEqual([1, 1, 2]);
  state.rows = rows.slice(0, 2);
  const second = await source.read();
  const { closed, changed, spawned } = diff(first.sockets, second.sockets);
  expect(closed.map((id) => first.sockets.get(id)?.owners[0]?.pid)).toEqual([2]);
  expect([changed, spawned]).toEqual([[], []]);
});

test('reads the process list only for new pids, and stops retrying for a missing pid', async () => {
  const { state, source } = machine([rawConnection()]);
  await source.read();
  await source.read();
  expect(state.processReads).toBe(1);
  state.rows = [rawConnection(), rawConnection({ localPort: '1', pid: 999 })];
  for (let i = 0; i < 10; i++) await source.read();
  expect(state.processReads).toBe(4);
  // Pid 812 may be reused once its sockets are closed.
  state.rows = [rawConnection({ localPort: '1', pid: 999 })];
  await source.read();
  state.rows = [rawConnection()];
  state.programs = [rawProcess({ name: 'other.exe', command: 'other.exe' })];
  expect(lines(await source.read())).toEqual([
    'tcp | 10.0.0.5 51512 | 203.0.113.80 443 | ESTABLISHED | exact 812 other.exe',
  ]);
});

test('the notice about hidden owners counts one socket and several', async () => {
  const hidden = (localPort: string) => rawConnection({ localPort, pid: 0 });
  const { state, source } = machine([hidden('1'), rawConnection()]);
  const text = async () =>
    (await source.read()).degradations.find(({ code }) => code === 'owners-hidden')?.text;
  expect(await text()).toBe('the owner of 1 socket is hidden: run as administrator to see it');
  state.rows = [hidden('1'), hidden('2')];
  expect(await text()).toBe('the owners of 2 sockets are hidden: run as administrator to see them');
});

test('detects a reused pid when the process list is read for another pid', async () => {
  const old = rawProcess({ started: '2026-03-04 05:06:07' });
  const { state, source } = machine([rawConnection()], [old]);
  const first = await source.read();
  state.rows = [rawConnection(), rawConnection({ localPort: '1', pid: 813 })];
  state.programs = [{ ...old, started: '2026-03-04 05:06:08' }, rawProcess({ pid: 813 })];
  const second = await source.read();
  expect(diff(first.sockets, second.sockets).changed).toEqual([]);
  state.rows = [...state.rows, rawConnection({ localPort: '2', pid: 814 })];
  state.programs = [
    rawProcess({ name: 'new.exe', started: '2026-03-04 07:00:00' }),
    rawProcess({ pid: 814 }),
  ];
  const changed = diff(second.sockets, (await source.read()).sockets).changed;
  expect(changed.map((it) => it.owners[0]?.process)).toEqual(['new.exe']);
});

test('shows pids without names, and a notice, if the process list fails', async () => {
  const source = portableSource({
    platform: 'win32',
    si: {
      networkConnections: () => Promise.resolve([rawConnection()]),
      processes: () => Promise.reject(new Error('no PowerShell')),
    },
  });
  const snapshot = await source.read();
  expect(lines(snapshot)).toEqual(['tcp | 10.0.0.5 51512 | 203.0.113.80 443 | ESTABLISHED | exact 812']);
  expect(codes(snapshot)).toEqual(['names-missing']);
});

test.each([
  ['null', () => Promise.resolve(null)],
  ['undefined', () => Promise.resolve(undefined)],
  ['an empty list, which Windows never has', () => Promise.resolve([])],
  ['a rejection', () => Promise.reject(new Error('spawn netstat ENOENT'))],
])('the first poll rejects if systeminformation returns %s', async (_what, networkConnections) => {
  const si = { networkConnections, processes: () => Promise.resolve({ list: [] }) };
  const source = portableSource({ platform: 'win32', si });
  await expect(source.read()).rejects.toThrow(/^the sockets could not be read: /);
});

test('a later poll that fails returns the previous sockets and a notice', async () => {
  const { state, source } = machine([rawConnection()]);
  const first = await source.read();
  state.rows = null;
  const second = await source.read();
  expect(second.sockets).toBe(first.sockets);
  expect(second.degradations.map((it) => it.text)).toEqual([
    'the sockets could not be read (netstat printed nothing): the previous ones are shown',
  ]);
  expect(codes(await source.read())).toEqual(['stale-list']);
  state.rows = [rawConnection()];
  const third = await source.read();
  expect(third.sockets).toBe(first.sockets);
  expect(third.degradations).toEqual([]);
});

test('an empty list on Linux is not an error, but gives a notice', async () => {
  const si = {
    networkConnections: () => Promise.resolve([]),
    processes: () => Promise.resolve({ list: [] }),
  };
  const snapshot = await portableSource({ platform: 'linux', si }).read();
  expect(snapshot.sockets.size).toBe(0);
  expect(codes(snapshot)).toContain('empty-list');
});

test('rejects on a system that systeminformation does not support, instead of waiting forever', async () => {
  await expect(portableSource({ platform: 'sunos' }).read()).rejects.toThrow(
    'systeminformation cannot list connections on sunos',
  );
});

test('counts invalid rows and shows the others', async () => {
  const { source } = machine([
    rawConnection(),
    rawConnection({ localPort: 'x' }),
    rawConnection({ peerAddress: '' }),
  ]);
  const snapshot = await source.read();
  expect(snapshot.sockets.size).toBe(1);
  expect(snapshot.degradations).toEqual([
    {
      code: 'unreadable-lines',
      text: '2 lines of the output of netstat could not be read',
      short: '2 lines unreadable',
    },
  ]);
});

test('BSD: splits the port, after a dot, from the address', () => {
  const bare = { pid: null, state: 'LISTEN', peerAddress: '*.*', peerPort: '' };
  const rows = [
    rawConnection({ ...bare, protocol: 'tcp4', localAddress: '*.22', localPort: '' }),
    // `::1.25`, split at its last colon
    rawConnection({ ...bare, protocol: 'tcp6', localAddress: ':', localPort: '1.25' }),
    rawConnection({
      ...bare,
      protocol: 'tcp',
      localAddress: '10.0.0.5.80',
      localPort: '',
      state: 'FIN_WAIT_2',
      peerAddress: '192.0.2.7.5000',
    }),
  ];
  const { items, problems } = normalise(rows, 'bsd');
  expect(problems).toBe(0);
  expect(items.map(({ sighting }) => sighting)).toEqual([
    {
      protocol: 'tcp',
      family: 'ipv4',
      local: { address: '0.0.0.0', port: 22 },
      remote: null,
      state: 'LISTEN',
    },
    { protocol: 'tcp', family: 'ipv6', local: { address: '::1', port: 25 }, remote: null, state: 'LISTEN' },
    {
      protocol: 'tcp',
      family: 'ipv4',
      local: { address: '10.0.0.5', port: 80 },
      remote: { address: '192.0.2.7', port: 5000 },
      state: 'FIN_WAIT2',
    },
  ]);
});

test.each([
  // netstat truncates at 22 characters with the port on Linux, and at 16 without it on BSD.
  ['linux', 'fe80::1234:5678:9', '51514', 'fe80::1234:5678:9…'],
  ['linux', 'fe80::1234:5678', '51514', 'fe80::1234:5678'],
  ['linux', '[fe80::1234:5678:9]', '514', 'fe80::1234:5678:9'],
  ['bsd', 'fe80::1234:567', '9.5151', 'fe80::1234:567:9…'],
  ['bsd', 'fe80::1234:56', '9.5151', 'fe80::1234:56:9'],
  ['darwin', '2001:db8:1:2:3:4', '443', '2001:db8:1:2:3:4…'],
] as const)('on %s marks an address that may be truncated: %s %s', (on, localAddress, localPort, shown) => {
  const { items } = normalise(
    [rawConnection({ protocol: 'tcp6', localAddress, localPort, peerAddress: '*', peerPort: '*' })].map(
      (row) => (on === 'bsd' ? { ...row, peerAddress: '*.*', peerPort: '' } : row),
    ),
    on,
  );
  expect(items.map((it) => [it.sighting.local.address, it.isTruncated])).toEqual([
    [shown, shown.endsWith('…')],
  ]);
});

test('a connection in its handshake has the owner kernel', async () => {
  const { source } = machine([rawConnection({ state: 'SYN_RECEIVED', pid: 0 })]);
  expect(lines(await source.read())).toEqual(['tcp | 10.0.0.5 51512 | 203.0.113.80 443 | SYN_RECV | kernel']);
});

/** A fake macOS machine; counts the reads of the process list. */
const onMac = (rows: readonly RawConnection[], list: readonly RawProcess[] = []) => {
  const state = { rows, list, processReads: 0 };
  const source = portableSource({
    platform: 'darwin',
    exists,
    si: {
      networkConnections: () => Promise.resolve(state.rows),
      processes: () => {
        state.processReads++;
        return Promise.resolve({ list: state.list });
      },
    },
  });
  return { state, source };
};

test('macOS: the process is inherited, not exact: it used the socket last', async () => {
  const { source } = onMac([
    rawConnection({ protocol: 'tcp4', state: 'TIME_WAIT', process: '/usr/bin/curl' }),
  ]);
  expect(lines(await source.read())).toEqual([
    'tcp | 10.0.0.5 51512 | 203.0.113.80 443 | TIME_WAIT | inherited 812 curl',
  ]);
});

test('macOS without a working ps: shows pids without names', async () => {
  const { source } = onMac([rawConnection({ protocol: 'tcp4' })]);
  const snapshot = await source.read();
  expect(lines(snapshot)).toEqual(['tcp | 10.0.0.5 51512 | 203.0.113.80 443 | ESTABLISHED | inherited 812']);
  expect(codes(snapshot)).toEqual(['names-missing']);
});

test('macOS: looks up a pid again when its name changes', async () => {
  const was = rawProcess({ name: 'old', command: 'old', path: '/bin', user: 'ana' });
  const row = rawConnection({ protocol: 'tcp4', process: '/bin/old' });
  const { state, source } = onMac([row], [was]);
  await source.read();
  await source.read();
  expect(state.processReads).toBe(1);
  state.rows = [{ ...row, process: '/bin/new' }];
  state.list = [{ ...was, name: 'new', command: 'new', user: 'bob' }];
  const owners = [...(await source.read()).sockets.values()].flatMap((it) => it.owners);
  expect(owners).toEqual([
    { knowledge: 'inherited', pid: 812, process: 'new', exe: '/bin/new', command: '/bin/new', user: 'bob' },
  ]);
});

test.each([
  ['LISTENING', 'LISTEN'],
  ['SYN_RECEIVED', 'SYN_RECV'],
  ['SYN_RCVD', 'SYN_RECV'],
  ['FIN_WAIT_1', 'FIN_WAIT1'],
  ['FIN-WAIT-2', 'FIN_WAIT2'],
  ['CLOSED', 'CLOSE'],
  ['ESTAB', 'ESTABLISHED'],
  ['LAST-ACK', 'LAST_ACK'],
  ['UNKNOWN', undefined],
  ['constructor', undefined],
])('state %s is %s', (word, state) => {
  expect(normalise([rawConnection({ state: word })], 'linux').items[0]?.sighting.state).toBe(state);
});

test('an unknown state of a Windows socket without a peer is LISTEN', () => {
  const rows = [rawConnection({ state: 'NAS�UCHIWANIE', peerAddress: '0.0.0.0', peerPort: '0' })];
  expect(normalise(rows, 'win32').items[0]).toMatchObject({
    sighting: { state: 'LISTEN', remote: null },
    isStateUnknown: false,
  });
});

test('withoutHeading removes a heading line only', () => {
  const heading = rawConnection({
    protocol: 'proto',
    localAddress: 'Local',
    localPort: '',
    peerAddress: 'Address',
    peerPort: '',
    state: 'Foreign',
    pid: 0,
  });
  expect(withoutHeading([heading, rawConnection()], 'win32')).toEqual([rawConnection()]);
  expect(withoutHeading([rawConnection()], 'win32')).toEqual([rawConnection()]);
  expect(normalise([rawConnection(), heading], 'win32')).toMatchObject({ problems: 1 });
});
