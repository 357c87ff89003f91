import type { Socket } from '../../model/socket.ts';
import { printable, shortened } from '../../model/text.ts';
import type { Lookups } from '../../store/lookups.ts';
import { answersAbout, peerAddress, type PeerName } from '../../store/peer-names.ts';
import { ageText, NOTHING } from './format.ts';

/**
 * Signs before names that programs asked for: `≈` before a name of the peer's address, which may have others too; `=` before
 * the name of the connection itself.
 */
const SIGNS: Readonly<Partial<Record<NameSource, string>>> = {
  dns: '≈ ',
  mdns: '≈ ',
  llmnr: '≈ ',
  tls: '= ',
  quic: '= ',
};

type NameSource = Extract<PeerName, { type: 'name' }>['from'];

/** Words for the source of a name. */
const SOURCES: Readonly<Record<NameSource, string>> = {
  hosts: '/etc/hosts',
  'reverse-dns': 'reverse DNS',
  dns: 'DNS',
  mdns: 'multicast DNS',
  llmnr: 'LLMNR',
  tls: 'TLS',
  quic: 'QUIC',
};

/** Returns a name with the sign of its source. Printable. */
export const signedName = ({ name, from }: Extract<PeerName, { type: 'name' }>): string =>
  `${SIGNS[from] ?? ''}${printable(name)}`;

/** Returns the name of the peer of a socket; `…` while it is being asked for, `?` without an answer. Printable. */
export function hostText(socket: Socket, lookups: Lookups): string {
  const [answer] = answersAbout(lookups, socket);
  if (answer?.type === 'name') return signedName(answer);
  if (answer?.type === 'failed') return '?';
  const isAsked = lookups.asksNames && answer === undefined && peerAddress(socket.remote) !== undefined;
  return isAsked ? '…' : NOTHING;
}

/** Returns what is known of the name of an address, with its source and age, in words. Printable. */
export function nameFacts(answer: PeerName, nowMs: number): readonly string[] {
  const age = `${ageText(Math.max(0, nowMs - answer.atMs))} ago`;
  switch (answer.type) {
    case 'name':
      return [
        signedName(answer),
        ...(answer.others > 0 ? [`and ${answer.others} more`] : []),
        `by ${SOURCES[answer.from]}, ${age}`,
      ];
    case 'none':
      return ['no name', `by reverse DNS, ${age}`];
    case 'failed':
      return [printable(shortened(answer.why, 100)), `reverse DNS, ${age}`];
  }
}
