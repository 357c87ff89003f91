import type { Evidence } from '../model/evidence.ts';
import type { ProcessTarget } from '../model/process.ts';

/**
 * Reads the evidence about a process, the quick parts first. Never rejects.
 * @param onEvidence gets all that has been read so far, after each part; complete after the last one
 * @param isWanted returns false when nothing more is needed; it is then never complete
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
  const text = 'netpane reads evidence on Linux only';
  onEvidence({ ...target, verdict: [], lines: [{ label: 'why', text, from: 'netpane' }], isComplete: true });
}
