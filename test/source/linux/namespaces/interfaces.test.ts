import { describe, expect, test } from 'vitest';
import {
  all,
  container,
  kernel,
  open,
  OWN,
  owners,
  read,
  start,
  useFakeSockDiag,
} from '../../../helpers/fake-sockdiag.ts';
import type { InetFields } from '../../../helpers/netlink/fields.ts';

useFakeSockDiag();

describe('interfaces', () => {
  test('have names, counters and addresses, which stay if they cannot be read', async () => {
    kernel.own.links = [{ index: 2, name: 'eth0', rxBytes: 5, txBytes: 6, addresses: ['192.0.2.1'] }];
    const first = (await read()).interfaces;
    expect(first).toEqual([
      {
        name: 'eth0',
        netns: { inode: OWN, name: 'host', own: true },
        isUp: true,
        rxBytes: 5,
        txBytes: 6,
        addresses: ['192.0.2.1'],
      },
    ]);
    for (const asked of ['links', 'addresses'] as const) {
      kernel.own.trouble.set(asked, { errno: 16 });
      expect((await read()).interfaces).toEqual(first);
      kernel.own.trouble.set(asked, { broken: 105 });
      expect((await read()).interfaces).toEqual(first);
      kernel.own.trouble.clear();
    }
  });

  test('change their name in all their sockets and link-local addresses', async () => {
    const links = (name: string) => [{ index: 2, name, addresses: ['192.0.2.1', 'fe80::1'] }];
    const sockets: InetFields[] = [
      { cookie: 1, local: '192.0.2.1:80', remote: '192.0.2.2:1', inode: 1 },
      { cookie: 2, local: '0.0.0.0:80', state: 'LISTEN', inode: 2, interfaceIndex: 2 },
      { cookie: 3, local: '[fe80::1]:80', remote: '[fe80::2]:1', inode: 3, interfaceIndex: 2 },
      { cookie: 4, local: '127.0.0.1:80', state: 'LISTEN', inode: 4 },
    ];
    kernel.own.links = links('eth0');
    await read(...sockets);
    const first = await read(...sockets);
    kernel.own.links = links('wan');
    const second = await read(...sockets);
    expect(
      all(second).map(({ local, remote, interface: name }) => [local.address, remote?.address, name]),
    ).toEqual([
      ['192.0.2.1', '192.0.2.2', 'wan'],
      ['0.0.0.0', undefined, 'wan'],
      ['fe80::1%wan', 'fe80::2%wan', 'wan'],
      ['127.0.0.1', undefined, undefined],
    ]);
    expect(second.sockets.get('sk:4')).toBe(first.sockets.get('sk:4'));
    // The address moves to another interface.
    kernel.own.links = [
      { index: 2, name: 'wan' },
      { index: 3, name: 'lan', addresses: ['192.0.2.1'] },
    ];
    expect(all(await read(...sockets)).map(({ interface: name }) => name)).toEqual([
      'lan',
      'wan',
      'wan',
      undefined,
    ]);
    // One interface may have it twice, with two prefix lengths.
    kernel.own.links = [{ index: 2, name: 'wan', addresses: ['192.0.2.1', '192.0.2.1'] }];
    const twice = await read(...sockets);
    expect(all(twice)[0]?.interface).toBe('wan');
    expect(twice.interfaces.map(({ addresses }) => addresses)).toEqual([['192.0.2.1']]);
    kernel.own.links = [
      { index: 2, name: 'wan', addresses: ['192.0.2.1'] },
      { index: 3, name: 'lan', addresses: ['192.0.2.1'] },
    ];
    expect(all(await read(...sockets))[0]?.interface).toBeUndefined();
    kernel.own.links = [{ index: 3, name: 'lan' }];
    expect(all(await read(...sockets)).every(({ interface: name }) => name === undefined)).toBe(true);
  });
});

describe("the kernel's own UDP sockets", () => {
  const port = (number: number): InetFields => ({
    protocol: 'udp',
    cookie: number,
    local: `0.0.0.0:${number}`,
    inode: number,
  });
  const tunnel = (kind: string, attribute: number) => ({
    index: 5,
    name: 'tunnel0',
    tunnel: { kind, attribute, port: 4789 },
  });

  test.each([
    ['vxlan', 15],
    ['geneve', 5],
  ])('are recognised by the port of a %s in the first poll', async (kind, attribute) => {
    kernel.own.links = [tunnel(kind, attribute)];
    expect(owners(await read(port(4789), port(53)))).toEqual(['kernel - -', 'unknown - -']);
  });

  test('need a tunnel that is up, not moved, of a known kind, and in the same namespace', async () => {
    for (const link of [
      { ...tunnel('vxlan', 15), isUp: false },
      { ...tunnel('vxlan', 15), isFromElsewhere: true },
      tunnel('constructor', 15),
      tunnel('vlan', 15),
    ]) {
      open();
      kernel.own.links = [link];
      expect(owners(await read(port(4789)))).toEqual(['unknown - -']);
    }
    open();
    container(500, 60).links = [tunnel('vxlan', 15)];
    expect(owners(await read(port(4789)))).toEqual(['unknown - -']);
  });

  test('exclude ports of TCP and ports held by a program', async () => {
    kernel.own.links = [tunnel('vxlan', 15)];
    start(50, 'decoy', 4789);
    expect(
      owners(await read(port(4789), { cookie: 2, local: '0.0.0.0:4789', state: 'LISTEN', inode: 9 })),
    ).toEqual(['unknown - -', 'exact decoy 50']);
  });
});
