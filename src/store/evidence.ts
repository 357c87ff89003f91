import type { Evidence } from '../model/evidence.ts';
import { type Firewall, firewallTarget, isSameTarget } from '../model/firewall.ts';
import { isIdentified, type ProcessTarget, targetOf } from '../model/process.ts';
import { firstOwner } from '../model/socket.ts';
import { pictureOf } from './picture.ts';
import type { State } from './state.ts';

/**
 * Returns the evidence about the process of a row. If none was read yet, it has no lines, and `update` asks for it. Returns
 * the evidence as it is if another process may have the pid.
 */
export function evidenceOf(state: State, rowId: string | null): Evidence | null {
  const row = rowId === null ? undefined : pictureOf(state).rows.get(rowId);
  if (row === undefined) return state.evidence;
  const owner = firstOwner(row.socket);
  const target = targetOf(owner);
  if (target === undefined || !isIdentified(owner, row.mark !== 'closed')) return state.evidence;
  return isAbout(state.evidence, target)
    ? state.evidence
    : { ...target, verdict: [], lines: [], isComplete: false };
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

/** Returns true if the evidence is about a process. */
export const isAbout = (
  evidence: Evidence | null,
  { pid, startTicks, startedAtMs }: ProcessTarget,
): boolean =>
  evidence?.pid === pid &&
  evidence.startTicks === startTicks &&
  (startTicks !== undefined || evidence.startedAtMs === startedAtMs);
