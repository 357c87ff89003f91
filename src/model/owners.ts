import type { Owner } from './socket.ts';

/** The kernel appends this to the path of a program file that was deleted or replaced (proc_pid_exe(5)). */
const DELETED = / \(deleted\)$/;

const fileOf = ({ exe }: Owner): string | undefined => exe?.replace(DELETED, '');

function isSameProcess(one: Owner, other: Owner): boolean {
  if (one.pid === undefined || one.pid !== other.pid) return false;
  // When the wall clock is set, only owners that are read again get their start on the new clock.
  const start = one.startTicks !== undefined && other.startTicks !== undefined ? 'startTicks' : 'startedAtMs';
  return one[start] === undefined || other[start] === undefined || one[start] === other[start];
}

/** Returns true if the process has executed another program file (execve). A changed process name does not count. */
function hasExecuted(before: Owner, now: Owner): boolean {
  const [file, nowFile] = [fileOf(before), fileOf(now)];
  return before.nowProcess !== undefined || (file !== undefined && nowFile !== undefined && file !== nowFile);
}

/** Returns the owner as seen before, with the program it runs now in `nowProcess`; `now` if the program is the same. */
function withNowProcess(before: Owner, now: Owner): Owner {
  const nowProcess = now.nowProcess ?? now.process;
  if (nowProcess === undefined || nowProcess === before.process || !hasExecuted(before, now)) return now;
  return { ...before, knowledge: now.knowledge, nowProcess };
}

/**
 * Returns the owners of the later poll. A process that has executed another program since `before` keeps its earlier
 * one, because that program made the connection. Returns `now` itself if no process has.
 */
export function keepEarlierPrograms(before: readonly Owner[], now: readonly Owner[]): readonly Owner[] {
  if (before === now) return now;
  const owners = now.map((owner) => {
    const earlier = before.find((it) => isSameProcess(it, owner));
    return earlier ? withNowProcess(earlier, owner) : owner;
  });
  return owners.every((owner, i) => owner === now[i]) ? now : owners;
}

/** Maximum number of owners of one socket; a descriptor can be passed to any number of processes. */
const MAX_OWNERS = 8;

/**
 * Returns the makers of a socket, followed by other processes that were seen acting on it. The makers stay first: a
 * process to which the socket was passed may have done no more than close it.
 */
export function addActors(makers: readonly Owner[] | undefined, actors: readonly Owner[]): readonly Owner[] {
  if (makers === undefined) return actors;
  const others = actors.filter((it) => !makers.some((maker) => maker.pid === it.pid));
  const acted = makers.map((maker) => {
    const again = actors.find((it) => isSameProcess(maker, it));
    return again ? withNowProcess(maker, again) : maker;
  });
  // A process that only changed its name keeps the name it had when it made the socket.
  const kept = acted.map((it, i) => (it.nowProcess === undefined ? (makers[i] ?? it) : it));
  return others.length === 0 && kept.every((it, i) => it === makers[i])
    ? makers
    : [...kept, ...others].slice(0, MAX_OWNERS);
}
