import type { Owner } from './socket.ts';

/** The kernel says so of a file that was replaced while it ran (proc_pid_exe(5)). */
const DELETED = / \(deleted\)$/;

const fileOf = ({ exe }: Owner): string | undefined => exe?.replace(DELETED, '');

const isSameProcess = (one: Owner, other: Owner): boolean =>
  one.pid !== undefined &&
  one.pid === other.pid &&
  (one.startedAtMs === undefined || other.startedAtMs === undefined || one.startedAtMs === other.startedAtMs);

/** Returns true where a process runs another program (execve); another name alone does not make it one. */
function hasBecomeOther(before: Owner, now: Owner): boolean {
  const [file, nowFile] = [fileOf(before), fileOf(now)];
  return before.nowProcess !== undefined || (file !== undefined && nowFile !== undefined && file !== nowFile);
}

/** A process that acted on a socket, after it was seen again: as the program that acted, with the one it has become. */
function continuedAs(before: Owner, now: Owner): Owner {
  const nowProcess = now.nowProcess ?? now.process;
  if (nowProcess === undefined || nowProcess === before.process || !hasBecomeOther(before, now)) return now;
  return { ...before, knowledge: now.knowledge, nowProcess };
}

/**
 * Returns the owners of a later sighting. Where a process has become another program since the earlier sighting, the
 * earlier program stays, for it made the connection. The same array where nothing differs.
 */
export function keepEarlierPrograms(before: readonly Owner[], now: readonly Owner[]): readonly Owner[] {
  if (before === now) return now;
  const owners = now.map((owner) => {
    const earlier = before.find((it) => isSameProcess(it, owner));
    return earlier ? continuedAs(earlier, owner) : owner;
  });
  return owners.every((owner, i) => owner === now[i]) ? now : owners;
}

/** Maximum number of owners of one socket: a descriptor may be passed on for ever. */
const MOST_OWNERS = 8;

/**
 * Returns the owners of a socket after a process was seen acting on it. The one that made it stays the first: a process
 * that the socket is passed to may only close it.
 */
export function addActors(makers: readonly Owner[] | undefined, actors: readonly Owner[]): readonly Owner[] {
  if (makers === undefined) return actors;
  const others = actors.filter((it) => !makers.some((maker) => maker.pid === it.pid));
  const acted = makers.map((maker) => {
    const again = actors.find((it) => isSameProcess(maker, it));
    return again ? continuedAs(maker, again) : maker;
  });
  // A process that only has another name is still named as it was when it made the socket.
  const kept = acted.map((it, i) => (it.nowProcess === undefined ? (makers[i] ?? it) : it));
  return others.length === 0 && kept.every((it, i) => it === makers[i])
    ? makers
    : [...kept, ...others].slice(0, MOST_OWNERS);
}
