import type { Evidence } from '../model/evidence.ts';
import type { ProcessTarget } from '../model/process.ts';

/**
 * Reads the evidence about a process, the quick parts first. Never rejects.
 * @param onEvidence called after each part with the evidence read so far; it is complete after the last part
 * @param isWanted returns false when no more evidence is needed: the reading stops, and the evidence stays incomplete
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
