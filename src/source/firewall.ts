import type { EvidenceLine } from '../model/evidence.ts';
import type { FirewallTarget } from '../model/firewall.ts';

/** Returns the firewall rules that local tools list about a listener; empty if they cannot be listed. Never rejects. */
export async function readFirewall(target: FirewallTarget): Promise<readonly EvidenceLine[]> {
  if (process.platform !== 'linux') return [];
  const { readLinuxFirewall } = await import('./linux/read-firewall.ts');
  return readLinuxFirewall(target);
}
