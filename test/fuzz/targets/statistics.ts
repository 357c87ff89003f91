import { decodeDatagram } from '../../../src/source/macos/events/messages.ts';
import { closeMessage, removedMessage } from '../../helpers/macos/statistics.ts';
import { bytesSession } from '../bytes-session.ts';
import type { Target } from '../target.ts';

const DATAGRAMS = [
  closeMessage({
    protocol: 'tcp',
    local: ['fe80::1', 9, 20],
    remote: ['2001:db8::1', 443],
    name: 'curl',
    rxBytes: 9,
  }),
  Buffer.concat([closeMessage({ protocol: 'udp', local: ['0.0.0.0', 5353] }), removedMessage(8)]),
  Buffer.concat([removedMessage(), closeMessage({ protocol: 'tcp' }), closeMessage({ protocol: 'udp' })]),
];

/** Length of the shortest message with a source. */
const MIN_UPDATE_LENGTH = 432;

export const statistics: Target = {
  about: 'datagrams of the kernel control of macOS that reports closes: decoder of its messages',
  inputsPerSession: 50,
  suiteRuns: 10_000,
  open: (random) => {
    return bytesSession(random, DATAGRAMS, (input) => {
      const { closed, lost, malformed } = decodeDatagram(input);
      if (closed.length > input.length / MIN_UPDATE_LENGTH) throw new Error(`${closed.length} sources`);
      for (const { rxBytes, txBytes, local } of closed)
        if (!(rxBytes >= 0 && txBytes >= 0 && (local?.port ?? 0) < 2 ** 16)) throw new Error('wrong values');
      return closed.length + lost > 0 && malformed === 0 ? 'accepted' : 'refused';
    });
  },
};
