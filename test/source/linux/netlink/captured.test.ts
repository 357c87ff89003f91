import { describe, expect, test } from 'vitest';
import { AF_INET, AF_INET6 } from '../../../../src/source/linux/netlink/inet.ts';
import { tcpRequest, inetRequest } from '../../../../src/source/linux/netlink/inet-requests.ts';
import { OTHERS } from '../../../../src/source/linux/netlink/others.ts';
import {
  addressesRequest,
  decodeInterfaceAddress,
  decodeLink,
  linksRequest,
} from '../../../../src/source/linux/netlink/route.ts';
import { setSequence } from '../../../../src/source/linux/netlink/wire.ts';
import { captured, capturedText } from '../../../helpers/netlink/captured.ts';
import { replay, SS_STATES, inet, row, ssRow } from './replay.ts';

describe('captured requests', () => {
  test.each([
    ['tcp-old', tcpRequest({ details: false })],
    ['tcp-old-details', tcpRequest({ details: true })],
    ['tcp4', inetRequest(AF_INET, 'tcp', { details: false })],
    ['tcp6', inetRequest(AF_INET6, 'tcp', { details: false })],
    ['udp4', inetRequest(AF_INET, 'udp', { details: false })],
    // Protocols other than TCP have no details.
    ['udp6', inetRequest(AF_INET6, 'udp', { details: true })],
    ['udplite4', inetRequest(AF_INET, 'udplite', { details: false })],
    ['sctp4', inetRequest(AF_INET, 'sctp', { details: false })],
    ['raw6', inetRequest(AF_INET6, 'raw', { details: false })],
    ['mptcp4', inetRequest(AF_INET, 'mptcp', { details: false })],
    ['mptcp6', inetRequest(AF_INET6, 'mptcp', { details: false })],
    ['packet', OTHERS.packet.request()],
    ['unix', OTHERS.unix.request()],
    ['vsock', OTHERS.vsock.request()],
    ['links', linksRequest()],
    ['addresses', addressesRequest()],
  ])('%s equals that of netpane', (name, request) => {
    setSequence(request, 7);
    expect(Buffer.from(request).toString('hex')).toBe(Buffer.from(captured(name).request).toString('hex'));
  });
});

describe('other protocols, as ss printed them', () => {
  test('MPTCP', () => {
    const { items } = replay('mptcp4', inet('mptcp'));
    expect(items.map(row).sort()).toEqual(capturedText('mptcp').map(ssRow).sort());
  });

  test('UDP of both families has no state if unconnected', () => {
    const items = [...replay('udp4', inet('udp')).items, ...replay('udp6', inet('udp')).items];
    expect(items.map(row).sort()).toEqual(capturedText('udp').map(ssRow).sort());
    expect(
      items
        .filter(({ addresses }) => addresses?.remote === null)
        .map(({ addresses }) => [addresses?.local.port, addresses?.state]),
    ).toEqual([
      [68, undefined],
      [546, undefined],
    ]);
    expect(items.every(({ traffic }) => Object.keys(traffic).join(' ') === 'recvQueue sendQueue')).toBe(true);
  });

  test.each(['raw4', 'raw6', 'sctp4', 'vsock'])('%s: the kernel refuses with ENOENT', (name) => {
    expect(replay(name, () => 0)).toEqual({
      items: [],
      result: { errno: 2, interrupted: false, problems: 0 },
    });
  });

  test('an empty answer has no sockets', () => {
    expect(replay('mptcp6', () => 0)).toEqual({
      items: [],
      result: { errno: 0, interrupted: false, problems: 0 },
    });
  });

  test('packet sockets', () => {
    const { items } = replay('packet', OTHERS.packet.decode);
    const words = capturedText('packet');
    const text = (name: string, line: readonly string[]) => line.find((it) => it.startsWith(`${name}:`));
    expect(items.map((it) => [`ino:${it?.inode}`, it?.id])).toEqual(
      words.map((line) => [text('ino', line), text('sk', line)]),
    );
    expect(items.map((it) => [String(it?.recvQueue), String(it?.sendQueue)])).toEqual(
      words.map(([, , received, sent]) => [received, sent]),
    );
    // All protocols on all interfaces; IPv4 on one.
    expect(items).toMatchObject([
      { protocol: 'packet', local: { address: '*', port: 0, protocol: 3 }, remote: null, uid: 0 },
      {
        protocol: 'packet',
        local: { address: '*', port: 0, protocol: 0x0800 },
        remote: null,
        interfaceIndex: 3,
      },
    ]);
    expect(items[0]?.interfaceIndex).toBeUndefined();
  });

  test('Unix sockets: names, peers and queues', () => {
    const { items } = replay('unix', OTHERS.unix.decode);
    const rows = items.map((it) =>
      [
        it?.state === undefined ? 'UNCONN' : (SS_STATES[it.state] ?? it.state),
        it?.recvQueue,
        it?.sendQueue,
        it?.local.address || '*',
        it?.inode,
        '*',
        it?.peerInode ?? 0,
      ].join(' '),
    );
    expect(rows.sort()).toEqual(
      capturedText('unix')
        .map((words) => words.slice(1, 8).join(' '))
        .sort(),
    );
  });
});

describe('interfaces, as ip printed them', () => {
  test('names, flags and counters', () => {
    const links = replay('links', decodeLink).items;
    expect(links.map((it) => [it?.index, it?.name, it?.isUp, it?.isLoopback])).toEqual([
      [1, 'lo', true, true],
      [2, 'v1', true, false],
      [3, 'v0', true, false],
    ]);
    const bytes = capturedText('links').map((words) => {
      const at = words.findIndex((it) => it.startsWith('RX:'));
      const to = words.findIndex((it) => it.startsWith('TX:'));
      const first = (from: number) => Number(words.slice(from).find((it) => /^\d+$/.test(it)));
      return [first(at), first(to)];
    });
    expect(links.map((it) => [it?.rxBytes, it?.txBytes])).toEqual(bytes);
    expect(bytes[0]?.[0]).toBeGreaterThan(3_000_000);
  });

  test('addresses', () => {
    const texts = replay('addresses', decodeInterfaceAddress).items.map(
      (it) => `${it?.interfaceIndex} ${it?.address}`,
    );
    // The kernel lists one family after the other.
    expect(texts.sort()).toEqual(
      capturedText('addresses')
        .map(([index = '', , , prefix = '']) => `${parseInt(index)} ${prefix.split('/', 1)[0]}`)
        .sort(),
    );
  });
});
