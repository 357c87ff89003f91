import type { Knowledge, Owner } from '../../model/socket.ts';
import { type Processes, SYSTEM_PID } from './processes.ts';
import type { Row } from './row.ts';

/** States in which the process may have closed the socket: then no process holds it. */
const MAY_BE_CLOSED: ReadonlySet<string | undefined> = new Set([
  'TIME_WAIT',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'CLOSING',
  'LAST_ACK',
  'CLOSE',
]);

/** A process may start this much later than its socket, units of 100 ns: Windows reads the clock for each. */
const SAME_TIME = 10_000_000;

/**
 * Returns the owners of a socket: one, with how it is known.
 *
 * Windows names the process that bound, connected or accepted a socket, even after that process has ended and another
 * one has inherited the socket. A third process may have that pid by now: it started after the socket was made. Where one
 * of the two times is unknown, the owner is not exact.
 * @param before the owners of the same socket in the last poll
 */
export function ownersOf(
  row: Row,
  before: readonly Owner[] | undefined,
  processes: Processes,
): readonly Owner[] {
  const { pid, state, tag, created } = row;
  if (pid === 0) return inherited(before) ?? [withoutProcess(row)];
  const identity = processes.identityOf(pid, tag);
  // The pid is not identified, so it belongs to another process than in the last poll: a process known then has ended.
  if (identity.type === 'pending') return inherited(before) ?? [{ knowledge: 'pending', pid }];
  if (identity.type === 'ended') return inherited(before) ?? [{ knowledge: 'gone', pid }];
  const { program } = identity;
  if (created !== 0 && identity.created > created + SAME_TIME) {
    const tried = `process ${pid} (${program.process ?? '?'}) started after the socket was made`;
    return inherited(before) ?? [{ knowledge: 'unknown', tried }];
  }
  if (pid === SYSTEM_PID) return [{ knowledge: 'kernel', ...program }];
  const isSureOfPid = created !== 0 && identity.created !== 0;
  if (!isSureOfPid || MAY_BE_CLOSED.has(state)) return [{ knowledge: 'inherited', ...program }];
  // A connection gets a process only after its handshake; until then Windows names that of the listener.
  return [{ knowledge: state === 'SYN_RECV' ? 'listener' : 'exact', ...program }];
}

/**
 * Returns the owner of a connection that has ended, by the process that an event names.
 * @param startedAt FILETIME of the connection; undefined if unknown
 */
export function ownerOfEnded(pid: number, startedAt: number | undefined, processes: Processes): Owner {
  const identity = pid === 0 ? undefined : processes.identityOf(pid, 0);
  // A process that started later has got the pid of another one.
  if (identity?.type !== 'known' || (startedAt !== undefined && identity.created > startedAt + SAME_TIME))
    return { knowledge: 'gone', ...(isPid(pid) && { pid }) };
  return { knowledge: pid === SYSTEM_PID ? 'kernel' : 'inherited', ...identity.program };
}

/** Returns false for the two numbers that Windows uses for no process. */
const isPid = (pid: number): boolean => pid !== 0 && pid !== 0xffff_ffff;

/** Knowledge of a pid alone: netpane never identified its process. */
const UNIDENTIFIED: ReadonlySet<Knowledge> = new Set<Knowledge>(['pending', 'gone']);

/** Returns the owners as the last known ones; undefined if no process among them was identified. */
function inherited(before: readonly Owner[] | undefined): readonly Owner[] | undefined {
  if (!before?.some(({ pid, knowledge }) => pid !== undefined && !UNIDENTIFIED.has(knowledge)))
    return undefined;
  return before.map((owner) => ({ ...owner, knowledge: 'inherited' }));
}

/** Returns an owner that says why a socket has no process. */
const withoutProcess = ({ state }: Row): Owner =>
  MAY_BE_CLOSED.has(state)
    ? { knowledge: 'gone' }
    : { knowledge: 'unknown', tried: 'Windows names no process for it' };
