import type { Evidence } from '../model/evidence.ts';
import type { ProcessTarget } from '../model/process.ts';

/**
 * Reads what is known of a process besides its sockets, the quick parts first. Never rejects.
 * @param onEvidence gets all that has been read so far, at each step; the last time it is complete
 * @param isWanted returns false when nothing more is needed
 */
export async function readEvidence(
  target: ProcessTarget,
  onEvidence: (evidence: Evidence) => void,
  isWanted: () => boolean,
): Promise<void> {
  if (process.platform === 'linux') {
    const { readLinuxEvidence } = await import('./linux/read-evidence.ts');
    return readLinuxEvidence(target, onEvidence, isWanted);
  }
  const text = 'netpane reads this on Linux only';
  onEvidence({ ...target, verdict: [], lines: [{ label: 'why', text, from: 'netpane' }], isComplete: true });
}
