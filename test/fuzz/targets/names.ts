import { PacketNames } from '../../../src/names/names.ts';
import { MAX_SUBJECTS, NameTable } from '../../../src/names/table.ts';
import {
  clientHello,
  dnsMessage,
  ipPacket,
  type PacketEnd,
  TO_QUESTION,
  withLength,
} from '../../helpers/packets.ts';
import { quicInitial } from '../../helpers/quic.ts';
import { bytesSession } from '../bytes-session.ts';
import type { Target } from '../target.ts';

const NEAR: PacketEnd = ['10.0.0.2', 40_000];
const FAR: PacketEnd = ['10.0.0.1', 53];

const ANSWER = dnsMessage('www.example', [
  { name: TO_QUESTION, type: 'CNAME', value: 'edge.cdn.example' },
  { name: 'edge.cdn.example', type: 'A', value: '192.0.2.1' },
  { name: TO_QUESTION, type: 'AAAA', value: '2001:db8::1' },
  { name: TO_QUESTION, type: 'TXT', value: 'text' },
]);

const PACKETS = [
  ipPacket('udp', FAR, NEAR, ANSWER),
  ipPacket('tcp', FAR, NEAR, withLength(ANSWER)),
  ipPacket(
    'udp',
    ['fd00::1', 5353],
    ['ff02::fb', 5353],
    dnsMessage(undefined, [{ name: 'nas.local', type: 'A', value: '10.0.0.6' }]),
  ),
  ipPacket('tcp', NEAR, ['10.0.0.1', 443], await clientHello('api.example.test')),
  ipPacket('tcp', ['fd00::2', 40_000], ['fd00::1', 443], await clientHello('api.example.test')),
  ipPacket(
    'udp',
    NEAR,
    ['10.0.0.1', 443],
    quicInitial(Buffer.from('12345678'), [
      { offset: 0, bytes: (await clientHello('api.example.test')).subarray(5) },
    ]),
  ),
];

/** Names are of these characters alone. */
const NAME = /^[a-z\d_.\\-]{1,253}$/;

export const names: Target = {
  about: 'packets with names: DNS, multicast DNS, LLMNR, and the start of TLS and QUIC',
  inputsPerSession: 10_000,
  suiteRuns: 15_000,
  open: (random) => {
    const packets = new PacketNames();
    const table = new NameTable();
    let count = 0;
    return bytesSession(random, PACKETS, (input) => {
      packets.beginTurn();
      const found = packets.namesIn(input);
      if (found.length > input.length / 12) throw new Error(`${found.length} names in ${input.length} bytes`);
      for (const one of found) {
        if (!NAME.test(one.name)) throw new Error(`the name ${JSON.stringify(one.name)}`);
        table.add(one, ++count);
      }
      if (count % 1000 === 0 && table.takeChanges(count).length > MAX_SUBJECTS)
        throw new Error('the table is not bounded');
      return found.length > 0 ? 'accepted' : 'refused';
    });
  },
};
