import { expect, test } from 'vitest';
import { addressesInAnswer, messageInSegment } from '../../src/names/dns.ts';
import { dnsMessage, TO_QUESTION, withLength } from '../helpers/packets.ts';

test('an answer names its addresses as the question does', () => {
  const message = dnsMessage('API.Example', [
    { name: TO_QUESTION, type: 'A', value: '192.0.2.1', ttlSeconds: 300 },
    { name: 'api.example', type: 'AAAA', value: '2001:db8::1', ttlSeconds: 70_000 },
  ]);
  expect(addressesInAnswer(message)).toEqual([
    { name: 'api.example', address: '192.0.2.1', ttlSeconds: 300 },
    { name: 'api.example', address: '2001:db8::1', ttlSeconds: 70_000 },
  ]);
});

test('aliases lead to the name of the question, and other records of the message to none', () => {
  const message = dnsMessage('www.example', [
    { name: 'www.example', type: 'CNAME', value: 'edge.cdn.example' },
    { name: 'edge.cdn.example', type: 'CNAME', value: 'a.b.example' },
    { name: 'a.b.example', type: 'A', value: '192.0.2.2' },
    { name: 'bank.example', type: 'A', value: '192.0.2.3' },
    { name: 'www.example', type: 'TXT', value: 'text' },
    { name: 'www.example', type: 'A', value: '192.0.2.4', class: 3 },
  ]);
  expect(addressesInAnswer(message)).toEqual([{ name: 'www.example', address: '192.0.2.2', ttlSeconds: 60 }]);
});

test('in multicast DNS each record has its own name, also an additional one', () => {
  const message = dnsMessage(
    undefined,
    [{ name: 'printer.local', type: 'A', value: '10.0.0.5', class: 0x8001 }],
    {
      flags: 0x8400,
      additional: [{ name: 'nas.local', type: 'A', value: '10.0.0.6' }],
    },
  );
  expect(addressesInAnswer(message, true).map(({ name, address }) => `${name} ${address}`)).toEqual([
    'printer.local 10.0.0.5',
    'nas.local 10.0.0.6',
  ]);
  expect(addressesInAnswer(message)).toEqual([]);
});

test.each([
  ['a question', 0x0100],
  ['an error', 0x8183],
  ['another kind of query', 0xa800],
])('%s has no addresses', (_, flags) => {
  const answer = { name: 'api.example', type: 'A', value: '192.0.2.1' } as const;
  expect(addressesInAnswer(dnsMessage('api.example', [answer], { flags }))).toEqual([]);
});

test('pointers that lead forward or in a circle end the message', () => {
  for (const target of [12, 13, 18, 40]) {
    const name = Buffer.from([1, 0x61, 0xc0, target]);
    const message = dnsMessage('a.example', [{ name, type: 'A', value: '192.0.2.1' }]);
    message[12 + 11] = 0xc0;
    expect(addressesInAnswer(message)).toEqual([]);
  }
  const itself = Buffer.from([0xc0, 12 + 15]);
  expect(
    addressesInAnswer(dnsMessage('a.example', [{ name: itself, type: 'A', value: '192.0.2.1' }])),
  ).toEqual([]);
});

test('bytes that no host name has are written as numbers, and too long names are left out', () => {
  const strange = 'a b\x1b[31m\xff';
  const found = addressesInAnswer(dnsMessage(strange, [{ name: strange, type: 'A', value: '192.0.2.1' }]));
  expect(found.map(({ name }) => name)).toEqual(['a\\032b\\027\\09131m\\255']);
  const long = Array.from({ length: 5 }, () => 'x'.repeat(60)).join('.');
  expect(addressesInAnswer(dnsMessage(long, [{ name: long, type: 'A', value: '192.0.2.1' }]))).toEqual([]);
});

test('a cut message is read up to the cut', () => {
  const message = dnsMessage('api.example', [
    { name: TO_QUESTION, type: 'A', value: '192.0.2.1' },
    { name: TO_QUESTION, type: 'A', value: '192.0.2.2' },
  ]);
  expect(addressesInAnswer(message.subarray(0, -1)).map(({ address }) => address)).toEqual(['192.0.2.1']);
  for (let length = 0; length < message.length - 16; length++)
    expect(addressesInAnswer(message.subarray(0, length))).toEqual([]);
});

test('at most 64 records of a message are read', () => {
  const records = Array.from({ length: 100 }, (_, i) => ({
    name: TO_QUESTION,
    type: 'A' as const,
    value: `192.0.2.${i}`,
  }));
  expect(addressesInAnswer(dnsMessage('api.example', records))).toHaveLength(64);
});

test('over TCP the length comes first', () => {
  const message = dnsMessage('api.example', [{ name: TO_QUESTION, type: 'A', value: '192.0.2.1' }]);
  const segment = Buffer.concat([withLength(message), Buffer.from('more')]);
  expect(Buffer.from(messageInSegment(segment))).toEqual(message);
});
