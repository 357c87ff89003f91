import { keepEarlierPrograms } from '../../model/owners.ts';
import type { Knowledge, Owner, Socket } from '../../model/socket.ts';

/*
 * A sighting is a socket as a poll or a kernel event shows it. These functions merge two sightings of one life.
 */

/** How much each kind of knowledge says about the process behind a socket; more is better. */
const WORTH: Readonly<Record<Knowledge, number>> = {
  exact: 5,
  inherited: 4,
  creator: 3,
  listener: 2,
  sender: 2,
  hidden: 1,
  kernel: 1,
  unknown: 1,
  pending: 1,
  gone: 0,
};

const worthOf = ([owner]: readonly Owner[]): number => WORTH[owner?.knowledge ?? 'gone'];

/** Returns the owners that say more about the process; `owners` when both say as much. */
export const betterOwners = (
  owners: readonly Owner[],
  others: readonly Owner[] | undefined,
): readonly Owner[] => (others && worthOf(others) > worthOf(owners) ? others : owners);

/** Results of `asInherited` by its argument: thousands of remnants can be of one process. */
const INHERITED = new WeakMap<readonly Owner[], readonly Owner[]>();

/** Returns the owners of a socket after they closed it: `exact` becomes `inherited`. */
export function asInherited(owners: readonly Owner[]): readonly Owner[] {
  let inherited = INHERITED.get(owners);
  if (inherited === undefined) {
    inherited = owners.map((owner) =>
      owner.knowledge === 'exact' ? { ...owner, knowledge: 'inherited' } : owner,
    );
    INHERITED.set(owners, inherited);
  }
  return inherited;
}

/** Returns the owners after a later sighting. If the earlier owners say more, they are kept as inherited. */
export const laterOwners = (before: readonly Owner[], now: readonly Owner[]): readonly Owner[] =>
  betterOwners(now, before) === now ? keepEarlierPrograms(before, now) : asInherited(before);

/** Returns a sighting of a socket; user, direction and counters that it lacks come from another sighting. */
export function filledFrom(socket: Socket, other: Socket): Socket {
  const uid = socket.uid ?? other.uid;
  const user = socket.user ?? other.user;
  const opened = socket.opened ?? other.opened;
  const createdAtMs = socket.createdAtMs ?? other.createdAtMs;
  const traffic = other.traffic ? { ...other.traffic, ...socket.traffic } : socket.traffic;
  return {
    ...socket,
    ...(uid !== undefined && { uid }),
    ...(user !== undefined && { user }),
    ...(opened && { opened }),
    ...(createdAtMs !== undefined && { createdAtMs }),
    ...(traffic && { traffic }),
  };
}

/** Returns a later sighting of a socket, with the id of the earlier one and what only that one has (`filledFrom`). */
export const withEarlier = (before: Socket, now: Socket): Socket => ({
  ...filledFrom(now, before),
  id: before.id,
  owners: laterOwners(before.owners, now.owners),
});

/**
 * Returns the owners at the end of a socket. An owner that has started another program since it connected
 * (`nowProcess`) still names the program that connected.
 */
const endOwners = (before: readonly Owner[], end: readonly Owner[]): readonly Owner[] =>
  betterOwners(before, end) === end || end.some(({ nowProcess }) => nowProcess !== undefined) ? end : before;

/** Returns the final state of a socket: the earlier sighting, with the last counters from the kernel event. */
export function withEnd(before: Socket, end: Socket): Socket {
  const traffic = end.traffic ? { ...before.traffic, ...end.traffic } : before.traffic;
  return {
    ...filledFrom(before, end),
    ...(traffic && { traffic }),
    // An end without an owner does not replace the owner that is known.
    owners: endOwners(before.owners, end.owners),
  };
}
