import { counted } from '../../model/text.ts';
import type { SumEvent } from '../../model/event.ts';
import { firstOwner } from '../../model/socket.ts';
import { directionSign } from '../text/direction-sign.ts';
import { addressText, countText, endpointText, ownerText, portText } from '../text/format.ts';

/** Returns the program of the connections of a sum; `several` if they differ. */
export const sumProgramText = ({ socket, differs }: SumEvent): string =>
  differs.includes('program') ? 'several' : ownerText(socket);

/** Returns the pid of the connections of a sum; undefined when unknown, or if they have several. */
export const sumPid = ({ socket, differs }: SumEvent): number | undefined =>
  differs.includes('program') || differs.includes('pid') ? undefined : firstOwner(socket).pid;

/**
 * Returns the parts of the endpoints that the connections of a sum have in common: `tcp → 192.0.2.1:443`,
 * `tcp :80 ← 192.0.2.1`.
 * @param hasProtocol false for a narrow pane
 */
export function sumEndpointsText({ socket, differs }: SumEvent, hasProtocol = true): string {
  const { protocol, local, remote, opened } = socket;
  const words: string[] = hasProtocol ? [protocol] : [];
  if (!differs.includes('localPort')) words.push(`:${portText(local, socket, false)}`);
  if (remote === null && !differs.includes('remoteAddress')) return words.join(' ');
  words.push(directionSign(opened));
  const hasPort = !differs.includes('remotePort');
  if (!differs.includes('remoteAddress'))
    words.push(hasPort ? endpointText(remote, socket) : addressText(remote));
  else words.push('several peers', ...(hasPort ? [`:${portText(remote, socket, false)}`] : []));
  return words.join(' ');
}

/** Returns three texts for the number of connections of a sum, from long to short, for panes of any width. */
export const sumCountTexts = ({ count }: SumEvent): readonly [string, string, string] => [
  counted(count, 'short connection'),
  `${countText(count)} short`,
  `×${countText(count)}`,
];
