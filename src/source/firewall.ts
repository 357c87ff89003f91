import type { EvidenceLine } from '../model/evidence.ts';
import type { FirewallTarget } from '../model/firewall.ts';

/** Returns what local tools list about a listener; nothing if they cannot be asked. Never rejects. */
export async function readFirewall(target: FirewallTarget): Promise<readonly EvidenceLine[]> {
  if (process.platform !== 'linux') return [];
  const { readLinuxFirewall } = await import('./linux/read-firewall.ts');
  return readLinuxFirewall(target);
}
