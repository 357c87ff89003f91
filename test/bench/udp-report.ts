import { count, figure, spreadText, tableText } from './stats.ts';
import { atMost, type Target } from './targets.ts';
import type { UdpFigures } from './udp.ts';

/** Formats what netpane reports of UDP, and the cost of a packet. */
export function udpText({ short, transfers }: UdpFigures): string {
  const { made, rate, closes, right, withBytes, missed, cpu } = short;
  return [
    `\nUDP sockets that are bound, send one datagram and are closed: ${count(Math.round(rate))} per second\n\n`,
    tableText([
      ['watcher', 'made', 'closes', 'right program', 'right bytes', 'reported missed', 'CPU %'],
      ['netpane, root', ...[made, closes, right, withBytes, missed].map(count), figure(cpu)],
    ]),
    '\nUDP transfers over loopback by one socket; CPU of a packet in the sender, nanoseconds, median (min–max)\n\n',
    tableText([
      ['socket', 'Gbit/s', 'bytes sent', 'bytes reported', 'a packet', 'netpane adds'],
      ...transfers.map(({ name, bitRate, sent, reported, nanoseconds, addedNanoseconds }) => [
        name,
        figure(bitRate / 1e9),
        count(sent),
        count(reported),
        spreadText(nanoseconds),
        spreadText(addedNanoseconds),
      ]),
    ]),
  ].join('');
}

/** Returns the targets of UDP. */
export const udpTargets = ({ short, transfers }: UdpFigures): Target[] => [
  atMost(
    'UDP: short sockets without a close event that are not counted as missed',
    0,
    '',
    short.made - short.closes - short.missed,
  ),
  atMost('UDP: short sockets without the right program', 0, '', short.made - short.right),
  atMost('UDP: short sockets without the right bytes', 0, '', short.made - short.withBytes),
  ...transfers.flatMap(({ name, sent, reported, addedNanoseconds }) => [
    atMost(`UDP, ${name}: bytes that are not reported`, 0, '', Math.abs(sent - reported)),
    atMost(`UDP, ${name}: what netpane adds to a packet`, 150, 'ns', addedNanoseconds.median),
  ]),
];
