import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Network } from '../../../../src/source/linux/namespaces/network.ts';
import { all, fake, kernel, proc, source, useFakeSockDiag } from '../../../helpers/fake-sockdiag.ts';
import { FakeNetlink, FakeNetwork } from '../../../helpers/netlink/kernel.ts';

/** Kinds that are rare, and whose emptiness is remembered. */
const RARE = ['udplite4', 'udplite6', 'raw4', 'raw6', 'packet'];

/** With this inode the 8th, 16th and so on poll reads all kinds in any case. */
const INODE = 16;

describe('dumps of rare kinds', () => {
  let net: FakeNetwork;
  let network: Network;
  let count: string | undefined;
  beforeEach(() => {
    const system = new FakeNetlink();
    net = new FakeNetwork();
    system.networks.set(INODE, net);
    net.tcpCounters = undefined;
    count = 'sockets: used 5';
    network = new Network(
      system,
      { inode: INODE, path: '/run/netns/n', isOwn: false },
      { also: [], tcpDetails: false },
    );
  });

  /** Polls. @returns the rare kinds that it requested, and the protocols of the received sockets */
  const poll = () => {
    net.requests = [];
    net.tcpCounters = count;
    const received: string[] = [];
    network.readSockets((_, protocol) => received.push(protocol));
    return { rare: net.requests.filter((kind) => RARE.includes(kind)), received };
  };

  test('are left out while there were none and the count of sockets stays the same, except in each 8th poll', () => {
    expect(poll().rare).toEqual(RARE);
    for (let i = 2; i < 8; i++) expect(poll().rare).toEqual([]);
    expect(poll().rare).toEqual(RARE);
    expect(poll().rare).toEqual([]);
  });

  test('are requested after a change of the count, and then while there are sockets', () => {
    poll();
    count = 'sockets: used 6';
    net.sockets = [{ cookie: 3, protocol: 'raw', state: 'CLOSE', inode: 7 }];
    expect(poll()).toEqual({ rare: RARE, received: ['raw'] });
    expect(poll()).toEqual({ rare: ['raw4'], received: ['raw'] });
  });

  test('are requested at each poll if the count is unknown', () => {
    count = undefined;
    for (let i = 0; i < 3; i++) expect(poll().rare).toEqual(RARE);
  });

  test('are requested again after an incomplete answer', () => {
    net.trouble.set('packet', { interrupted: 3 });
    poll();
    expect(poll().rare).toEqual(['packet']);
    expect(poll().rare).toEqual([]);
  });
});

describe('tables of ping sockets', () => {
  useFakeSockDiag();
  const HEADER =
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
  const PING =
    '    5: 0100007F:0005 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 77 2 0000000000000000 0\n';
  const used = (count: number) =>
    fake.write('net/sockstat', `sockets: used ${count}\nTCP: inuse 0 orphan 0 tw 0 alloc 0 mem 0\n`);

  test('are read again only when the count of sockets changes', async () => {
    fake.write('self/net/icmp', HEADER);
    used(5);
    await source.read();
    const table = vi.spyOn(proc, 'table');
    await source.read();
    expect(table).not.toHaveBeenCalled();
    fake.write('self/net/icmp', HEADER + PING);
    used(6);
    expect(all(await source.read())).toMatchObject([{ protocol: 'icmp', inode: 77 }]);
    expect(all(await source.read())).toMatchObject([{ protocol: 'icmp', inode: 77 }]);
    expect(kernel.own.requests).toContain('udp4');
  });

  test('are read at each poll while one of them cannot be parsed', async () => {
    fake.write('self/net/icmp', `${HEADER}nonsense\n`);
    used(5);
    await source.read();
    const table = vi.spyOn(proc, 'table');
    await source.read();
    expect(table).toHaveBeenCalledWith('self/net/icmp');
  });
});
