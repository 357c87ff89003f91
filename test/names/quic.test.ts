import { expect, test } from 'vitest';
import { initialKeys, QuicHellos } from '../../src/names/quic.ts';
import { clientHello } from '../helpers/packets.ts';
import { type CryptoFrame, quicInitial } from '../helpers/quic.ts';

const ID = Buffer.from('8394c8f03e515708', 'hex');

/** Returns a ClientHello without the header of its record. */
const hello = async () => (await clientHello('api.example.test')).subarray(5);

test('the first keys are those of the example in RFC 9001, appendix A.1', () => {
  const { key, iv, headerKey } = initialKeys(ID);
  expect([key, iv, headerKey].map((it) => it.toString('hex'))).toEqual([
    '1f369613dd76d5467730efcbe3b1a22d',
    'fa044b2f42a3fd3b46fb255c',
    '9f50449e04a0e810283a1e9933adedd2',
  ]);
});

test('the first packet has the name of the server', async () => {
  const packet = quicInitial(ID, [{ offset: 0, bytes: await hello() }], 3);
  expect(new QuicHellos().nameIn('connection', packet)).toBe('api.example.test');
  // Another packet may follow in the same datagram.
  const more = Buffer.concat([packet, Buffer.alloc(50, 7)]);
  expect(new QuicHellos().nameIn('connection', more)).toBe('api.example.test');
});

test('a hello in pieces, in any order and in two packets, has it too', async () => {
  const bytes = await hello();
  const at = bytes.indexOf('api') + 5;
  const pieces: CryptoFrame[] = [0, 20, 60].map((start, i) => ({
    offset: start,
    bytes: bytes.subarray(start, [20, 60, at][i]),
  }));
  const hellos = new QuicHellos();
  expect(hellos.nameIn('one', quicInitial(ID, pieces.toReversed()))).toBeUndefined();
  const rest = quicInitial(ID, [{ offset: at, bytes: bytes.subarray(at) }], 1);
  expect(hellos.nameIn('two', rest)).toBeUndefined();
  expect(hellos.nameIn('one', rest)).toBe('api.example.test');
});

test('a changed packet, another version and a cut packet have no name', async () => {
  const packet = quicInitial(ID, [{ offset: 0, bytes: await hello() }]);
  const changed = (at: number) => {
    const copy = Buffer.from(packet);
    copy[at] = (copy[at] ?? 0) ^ 1;
    return new QuicHellos().nameIn('connection', copy);
  };
  expect([0, 4, 5, 8, 15, 18, 100, packet.length - 1].map(changed)).toEqual(new Array(8).fill(undefined));
  for (let length = 0; length < packet.length; length++)
    expect(new QuicHellos().nameIn('connection', packet.subarray(0, length))).toBeUndefined();
});

test('incomplete hellos are bounded: the oldest is dropped', async () => {
  const bytes = await hello();
  const first = quicInitial(ID, [{ offset: 0, bytes: bytes.subarray(0, 50) }]);
  const second = quicInitial(ID, [{ offset: 50, bytes: bytes.subarray(50) }], 1);
  const hellos = new QuicHellos();
  for (let i = 0; i < 65; i++) hellos.nameIn(`connection ${i}`, first);
  expect(hellos.nameIn('connection 0', second)).toBeUndefined();
  expect(hellos.nameIn('connection 64', second)).toBe('api.example.test');
});
