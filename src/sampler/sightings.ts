import { keepEarlierPrograms } from '../model/owners.ts';
import type { Knowledge, Owner, Socket } from '../model/socket.ts';

/** How much an answer says of who is behind a socket. */
const WORTH: Readonly<Record<Knowledge, number>> = {
  exact: 4,
  inherited: 3,
  listener: 2,
  sender: 2,
  hidden: 1,
  kernel: 1,
  unknown: 1,
  pending: 1,
  gone: 0,
};

const worthOf = ([owner]: readonly Owner[]): number => WORTH[owner?.knowledge ?? 'gone'];

/** The owners that say more; `owners` where the others say as much. */
export const betterOwners = (
  owners: readonly Owner[],
  others: readonly Owner[] | undefined,
): readonly Owner[] => (others && worthOf(others) > worthOf(owners) ? others : owners);

/** The owners of a socket that they have let go. */
export const inherited = (owners: readonly Owner[]): readonly Owner[] =>
  owners.map((owner) => (owner.knowledge === 'exact' ? { ...owner, knowledge: 'inherited' } : owner));

/** The owners by a later sighting; where the earlier ones say more, those are the last known by now. */
export const laterOwners = (before: readonly Owner[], now: readonly Owner[]): readonly Owner[] =>
  betterOwners(now, before) === now ? keepEarlierPrograms(before, now) : inherited(before);

/** A sighting of a socket with what only another one, `known`, tells of it. */
export function completed(socket: Socket, known: Socket): Socket {
  const uid = socket.uid ?? known.uid;
  const user = socket.user ?? known.user;
  const opened = socket.opened ?? known.opened;
  const traffic = known.traffic ? { ...known.traffic, ...socket.traffic } : socket.traffic;
  return {
    ...socket,
    ...(uid !== undefined && { uid }),
    ...(user !== undefined && { user }),
    ...(opened && { opened }),
    ...(traffic && { traffic }),
  };
}

/** A later sighting of a socket, with what only the earlier one knew. */
export const continued = (before: Socket, now: Socket): Socket => ({
  ...completed(now, before),
  id: before.id,
  owners: laterOwners(before.owners, now.owners),
});

/** The owners at the end; one that has become another program by then is known to have made the connection before. */
const endOwners = (before: readonly Owner[], end: readonly Owner[]): readonly Owner[] =>
  betterOwners(before, end) === end || end.some(({ nowProcess }) => nowProcess !== undefined) ? end : before;

/** A socket as it was last, by what was known of it and what its end tells: its last counters. */
export function final(before: Socket, end: Socket): Socket {
  const traffic = end.traffic ? { ...before.traffic, ...end.traffic } : before.traffic;
  return {
    ...completed(before, end),
    ...(traffic && { traffic }),
    // An end without an owner does not replace the owner that is known.
    owners: endOwners(before.owners, end.owners),
  };
}
