// Why a machine has no ledger.
import { Bpf } from '../../src/source/linux/ledger/bpf.ts';
import { openCgroup } from '../../src/source/linux/ledger/cgroup.ts';
import { Ledger, LedgerUnavailable } from '../../src/source/linux/ledger/ledger.ts';
import { Native } from '../../src/source/linux/netlink/native.ts';
import { isRoot } from './netpane.ts';

/** Returns why there is no ledger here; undefined if there is one. */
async function whyNot(): Promise<string | undefined> {
  if (!isRoot) return 'it needs root';
  const native = await Native.load();
  try {
    const options = { bpf: new Bpf(native), openCgroup: () => openCgroup({ native, procRoot: '/proc' }) };
    const ledger = Ledger.open({ ...options, isRoot });
    ledger.close();
    return ledger.noOwnersReason ?? ledger.noTrafficReason;
  } catch (error) {
    if (error instanceof LedgerUnavailable) return error.message;
    throw error;
  }
}
/** Why there is no ledger here; undefined if there is one. */
export const noLedger = await whyNot();

/** The same for the title of a test that is skipped. */
export const whyNoLedger = noLedger === undefined ? '' : ` (skipped: ${noLedger})`;
