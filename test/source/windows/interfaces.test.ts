import { describe, expect, test } from 'vitest';
import { INTERFACE, readInterfaces } from '../../../src/source/windows/interfaces.ts';
import { interfaceTable } from '../../helpers/interfaces.ts';
import { compileClaims, hasMingw, offsets } from '../../helpers/mingw.ts';
import { useWindows } from '../../helpers/windows-scene.ts';

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
