import type { GapEvent, PreviousFields, SocketEvent } from '../../model/event.ts';
import type { Owner, Socket } from '../../model/socket.ts';
import { countText, endpointText } from './format.ts';
import { programText } from './program-text.ts';

/** Returns the first program with its pid, and the number of others: `nginx 80 +2`. */
function programsText([first, ...more]: readonly Owner[]): string {
  if (first === undefined) return '';
  return `${programText(first)} ${first.pid}${more.length > 0 ? ` +${more.length}` : ''}`;
}

/** Returns which programs hold the socket now and did not before, and which released it. */
function ownerWords(before: readonly Owner[], now: readonly Owner[]): string[] {
  const missingIn = (others: readonly Owner[]) => {
    const pids = new Set(others.map(({ pid }) => pid));
    return ({ pid }: Owner): boolean => pid !== undefined && !pids.has(pid);
  };
  const came = now.filter(missingIn(before));
  const went = before.filter(missingIn(now));
  // A program that was found late may have held the socket from the start.
  const isFound = before.every(({ pid }) => pid === undefined);
  return [
    ...(came.length > 0 ? [`${isFound ? 'found:' : 'now held by'} ${programsText(came)}`] : []),
    ...(went.length > 0 ? [`released by ${programsText(went)}`] : []),
  ];
}

function peerWords(before: PreviousFields, socket: Socket): string[] {
  if (before.remote === undefined) return [];
  if (before.remote === null) return ['connected'];
  return socket.remote === null
    ? [`disconnected from ${endpointText(before.remote, socket)}`]
    : [`peer was ${endpointText(before.remote, socket)}`];
}

/** Returns the words for a change, the most important first; only the state if the event names no change. */
export function changeWords({ socket, was = {} }: Pick<SocketEvent, 'socket' | 'was'>): string[] {
  const state = socket.state ?? 'unconnected';
  const others = [
    ...peerWords(was, socket),
    ...(was.local ? [`local was ${endpointText(was.local, socket)}`] : []),
    ...(was.owners ? ownerWords(was.owners, socket.owners) : []),
  ];
  return was.state ? [`${was.state} → ${state}`, ...others] : [...others, state];
}

const MISSED: Readonly<Record<GapEvent['learntBy'], readonly [one: string, many: string]>> = {
  destroy: ['close', 'closes'],
  trace: ['state change', 'state changes'],
};

/** Returns `12 closes missed`; `some closes missed` if their number is unknown. */
export function missedText({ learntBy, missed }: Pick<GapEvent, 'learntBy' | 'missed'>): string {
  const [one, many] = MISSED[learntBy];
  return `${missed === undefined ? 'some' : countText(missed)} ${missed === 1 ? one : many} missed`;
}
