import type { Coverage } from '../../model/event.ts';
import type { Facilities } from '../types.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { Networks } from './namespaces/networks.ts';

/**
 * Returns what the source `sock_diag` uses of the kernel.
 * @param ledger the ledger, or the reason why there is none; undefined if none was requested
 * @param coverage that of its event source; undefined if none was requested
 */
export function facilitiesOf(
  networks: Pick<Networks, 'values'>,
  ledger: Pick<Ledger, 'noOwnersReason' | 'noTrafficReason'> | string | undefined,
  coverage: Coverage | undefined,
): Facilities {
  const open = [...networks.values()];
  return {
    closeMessages:
      open.some(({ closes }) => closes !== undefined) || 'this kernel does not report closed sockets',
    ledger:
      typeof ledger === 'object'
        ? (ledger.noOwnersReason ?? ledger.noTrafficReason ?? true)
        : (ledger ?? 'not requested'),
    trace:
      coverage?.level === 'changes'
        ? true
        : coverage?.level === 'lives'
          ? 'not needed: the ledger names the programs'
          : (coverage?.why ?? 'not requested'),
    namespaces: open.length,
  };
}
