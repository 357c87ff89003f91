import type { Evidence } from '../model/evidence.ts';
import { type Firewall, firewallTarget, isSameTarget } from '../model/firewall.ts';
import { firstOwner } from '../model/socket.ts';
import { pictureOf } from './picture.ts';
import type { State } from './state.ts';

/**
 * Returns the evidence about the process of a row. If none was read yet, it has no lines, and `update` asks for it. Returns
 * the evidence as it is if the socket is closed and the start of its process is unknown: another process may have the pid.
 */
export function evidenceOf(state: State, rowId: string | null): Evidence | null {
  const row = rowId === null ? undefined : pictureOf(state).rows.get(rowId);
  const { pid, startedAtMs } = row ? firstOwner(row.socket) : {};
  if (pid === undefined || (row?.mark === 'closed' && startedAtMs === undefined)) return state.evidence;
  const none = { pid, ...(startedAtMs !== undefined && { startedAtMs }), verdict: [], lines: [] };
  return isAbout(state.evidence, { ...none, isComplete: false })
    ? state.evidence
    : { ...none, isComplete: false };
}

/**
 * Returns the firewall rules about the listener of a row; null for another row. If none were read yet, there are no lines,
 * and `update` asks for them.
 */
export function firewallOf(state: State, rowId: string | null): Firewall | null {
  const row = rowId === null ? undefined : pictureOf(state).rows.get(rowId);
  const target = row && firewallTarget(row.socket);
  if (target === undefined) return null;
  return state.firewall && isSameTarget(state.firewall.target, target)
    ? state.firewall
    : { target, lines: [] };
}

/** Returns true if the evidence is about the same process as another one. */
export const isAbout = (one: Evidence | null, { pid, startedAtMs }: Evidence): boolean =>
  one?.pid === pid && one.startedAtMs === startedAtMs;
