import { describe, expect, test } from 'vitest';
import { INTERFACE, readInterfaces } from '../../../src/source/windows/interfaces.ts';
import { interfaceTable, ipv4, ipv6 } from '../../helpers/interfaces.ts';
import { compileClaims, hasMingw, offsets } from '../../helpers/mingw.ts';
import type { FakeRow } from '../../helpers/windows.ts';
import { CONNECTION, useWindows } from '../../helpers/windows-scene.ts';

const scene = useWindows();

test('interfaces have names, state and counters of 64 bits; filter drivers of an interface are left out', () => {
  const table = interfaceTable(
    { name: 'Ethernet', flags: 5 },
    { name: 'Ethernet-WFP', flags: 2 },
    { name: 'Wi-Fi', status: 2 },
  );
  expect(readInterfaces(table, (name) => [`address of ${name}`])).toEqual([
    {
      name: 'Ethernet',
      isUp: true,
      rxBytes: 2 ** 40,
      txBytes: 0,
      addresses: ['address of Ethernet'],
    },
    { name: 'Wi-Fi', isUp: false, rxBytes: 2 ** 40 + 2, txBytes: 2, addresses: ['address of Wi-Fi'] },
  ]);
});

test('a table that is cut, or says that it is longer, is read up to its end', () => {
  const table = interfaceTable({ name: 'a' }, { name: 'b' });
  new DataView(table.buffer).setUint32(0, 0xffff_ffff, true);
  const namesIn = (length: number) =>
    readInterfaces(table.subarray(0, length), () => []).map(({ name }) => name);
  expect([0, 7, 8, table.length - 1, table.length].map(namesIn)).toEqual([[], [], [], ['a'], ['a', 'b']]);
});

test('the interfaces of the last poll stay while Windows returns none', async () => {
  const { windows, source } = scene();
  expect((await source.read()).interfaces).toEqual([]);
  windows.interfaces = interfaceTable({ name: 'Ethernet' });
  const { interfaces } = await source.read();
  expect(interfaces.map(({ name }) => name)).toEqual(['Ethernet']);
  windows.interfaces = undefined;
  expect((await source.read()).interfaces).toBe(interfaces);
});

const ETHERNET = [ipv4('192.0.2.1'), ipv6('fe80::1', 12)];

test('a socket has the interface with its local address, also after the address has moved', async () => {
  const it = scene();
  it.addresses = { Ethernet: ETHERNET, 'Wi-Fi': [ipv6('fe80::1', 7)] };
  const rows: FakeRow[] = [
    CONNECTION,
    { table: 'tcp6', local: '[fe80::1]:5', remote: '[fe80::2]:6', scope: 7 },
    { local: '0.0.0.0:80', state: 2 },
  ];
  const interfaces = async () => (await it.poll(rows)).map((socket) => socket.interface);
  expect(await interfaces()).toEqual(['Ethernet', undefined, 'Wi-Fi']);
  it.addresses = { 'Ethernet 2': ETHERNET };
  expect(await interfaces()).toEqual(['Ethernet', undefined, 'Wi-Fi']);
  it.nowMs += 5000;
  expect(await interfaces()).toEqual(['Ethernet 2', undefined, undefined]);
});

test('a connection that no poll has seen has its interface', async () => {
  const it = scene();
  it.addresses = { Ethernet: ETHERNET };
  it.asAdministrator();
  await it.poll([]);
  const at = { local: '192.0.2.1:50000', remote: '198.51.100.7:443', atMs: it.wallMs };
  it.trace.emit({ kind: 'connected', ...at }, { kind: 'disconnected', ...at });
  it.nowMs += 1000;
  await it.poll([]);
  expect(it.source.events?.drain()).toMatchObject([{ type: 'ended', socket: { interface: 'Ethernet' } }]);
});

describe.skipIf(!hasMingw)('with mingw, if it is installed', () => {
  test('the layout is that of the headers', () => {
    const claims = [
      ['sizeof(MIB_IF_ROW2)', INTERFACE.size],
      ['offsetof(MIB_IF_TABLE2, Table)', INTERFACE.firstRow],
      ['sizeof(((MIB_IF_ROW2 *)0)->Alias)', INTERFACE.aliasBytes],
      ['IfOperStatusUp', 1],
      ...offsets('MIB_IF_ROW2', {
        Alias: INTERFACE.alias,
        InterfaceAndOperStatusFlags: INTERFACE.flags,
        OperStatus: INTERFACE.status,
        InOctets: INTERFACE.rxBytes,
        OutOctets: INTERFACE.txBytes,
      }),
    ] as const;
    expect(compileClaims(['iphlpapi.h', 'netioapi.h'], claims)).toBe('');
  });
});
