import { expect, test } from 'vitest';
import { connectionKey } from '../../src/model/asked-name.ts';
import { PacketNames } from '../../src/names/names.ts';
import { quicInitial } from '../helpers/quic.ts';
import {
  clientHello,
  dnsMessage,
  ipPacket,
  type PacketEnd,
  TO_QUESTION,
  withLength,
} from '../helpers/packets.ts';

const namesIn = (packet: Uint8Array) => new PacketNames().namesIn(packet);

const ANSWER = dnsMessage('api.example', [{ name: TO_QUESTION, type: 'A', value: '192.0.2.1' }]);
const NAMED = { subject: '192.0.2.1', name: 'api.example', ttlSeconds: 60 };

test.each<[PacketEnd, PacketEnd]>([
  [
    ['10.0.0.1', 53],
    ['10.0.0.2', 40_000],
  ],
  [
    ['fd00::1', 53],
    ['fd00::2', 40_000],
  ],
])('an answer from %s over UDP or TCP names an address', (source, destination) => {
  expect(namesIn(ipPacket('udp', source, destination, ANSWER))).toEqual([{ ...NAMED, from: 'dns' }]);
  expect(namesIn(ipPacket('tcp', source, destination, withLength(ANSWER)))).toEqual([
    { ...NAMED, from: 'dns' },
  ]);
});

test('the port says which protocol answered', () => {
  const fromPort = (port: number, message: Buffer) =>
    namesIn(ipPacket('udp', ['10.0.0.1', port], ['10.0.0.2', 5353], message)).map(({ from }) => from);
  expect(fromPort(5355, ANSWER)).toEqual(['llmnr']);
  expect(fromPort(5353, ANSWER)).toEqual(['mdns']);
  expect(fromPort(54, ANSWER)).toEqual([]);
});

test('the name at the start of TLS is that of the connection', async () => {
  const ends = [
    ['fd00::2', 40_000],
    ['fd00::1', 8443],
  ] as const;
  const [found] = namesIn(ipPacket('tcp', ...ends, await clientHello('api.example')));
  const [local, remote] = ends.map(([address, port]) => ({ address, port }));
  expect(found).toMatchObject({ name: 'api.example', from: 'tls' });
  expect(local && remote && connectionKey('tcp', local, remote)).toBe(found?.subject);
});

test('addresses of this machine, of groups and of no host are not named', () => {
  const values = ['127.0.0.1', '0.0.0.0', '224.0.0.1'];
  const records = values.map((value) => ({ name: TO_QUESTION, type: 'A' as const, value }));
  const message = dnsMessage('ads.example', [...records, { name: TO_QUESTION, type: 'AAAA', value: '::1' }]);
  expect(namesIn(ipPacket('udp', ['10.0.0.1', 53], ['10.0.0.2', 40_000], message))).toEqual([]);
});

test('bytes after the IP packet are no part of it', () => {
  const record = { name: TO_QUESTION, type: 'A', value: '192.0.2.1' } as const;
  const cut = dnsMessage('api.example', [record]).subarray(0, -1);
  const packet = ipPacket('udp', ['10.0.0.1', 53], ['10.0.0.2', 40_000], cut);
  expect(namesIn(Buffer.concat([packet, Buffer.from([1])]))).toEqual([]);
});

test('a later fragment, another protocol and another version have no names', () => {
  const packet = ipPacket('udp', ['10.0.0.1', 53], ['10.0.0.2', 40_000], ANSWER);
  const changed = (at: number, byte: number) => {
    const copy = Buffer.from(packet);
    copy[at] = byte;
    return namesIn(copy);
  };
  expect(namesIn(packet)).toHaveLength(1);
  expect([changed(7, 1), changed(9, 1), changed(0, 0x55), changed(0, 0x44)]).toEqual([[], [], [], []]);
  expect(namesIn(new Uint8Array())).toEqual([]);
});

test('the name at the start of QUIC is that of the connection; of a flood, only some packets are read', async () => {
  const hello = (await clientHello('api.example')).subarray(5);
  const datagram = quicInitial(Buffer.from('12345678'), [{ offset: 0, bytes: hello }]);
  const packet = ipPacket('udp', ['10.0.0.2', 40_000], ['10.0.0.1', 443], datagram);
  const names = new PacketNames();
  const found = {
    subject: 'udp 10.0.0.2 40000 10.0.0.1 443',
    name: 'api.example',
    from: 'quic',
    ttlSeconds: 0,
  };
  expect(names.namesIn(packet)).toEqual([found]);
  const counts = Array.from({ length: 109 }, () => names.namesIn(packet).length);
  expect([counts.filter((it) => it === 1).length, names.skipped]).toEqual([99, 10]);
  names.beginTurn();
  expect(names.namesIn(packet)).toEqual([found]);
});
