import type { Evidence } from '../model/evidence.ts';
import { type Firewall, firewallTarget, isSameTarget } from '../model/firewall.ts';
import { firstOwner } from '../model/socket.ts';
import { pictureOf } from './picture.ts';
import type { State } from './state.ts';

/**
 * Returns the evidence of the process of a row: what is known, or nothing yet, for which `update` asks. The process of a
 * closed socket may have ended: only with its start is it certain that another one with its pid is not read.
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

/** Returns what is known of the rules about the listener of a row: nothing yet if it is another one, for which `update` asks. */
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
