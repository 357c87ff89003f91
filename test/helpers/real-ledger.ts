import { Bpf } from '../../src/source/linux/ledger/bpf.ts';
import { openCgroup } from '../../src/source/linux/ledger/cgroup.ts';
import { Ledger, LedgerUnavailable } from '../../src/source/linux/ledger/ledger.ts';
import type { Cookie } from '../../src/source/linux/netlink/cookie.ts';
import { Native } from '../../src/source/linux/netlink/native.ts';

/** Opens a ledger of the real kernel. */
export async function openLedger(
  maxSockets = 4096,
  readUdpCookies = (): readonly Cookie[] => [],
): Promise<Ledger> {
  const native = await Native.load();
  return Ledger.open({
    bpf: new Bpf(native),
    openCgroup: () => openCgroup({ native, procRoot: '/proc' }),
    isRoot: process.geteuid?.() === 0,
    readUdpCookies,
    maxSockets,
  });
}

/** Returns why there is no ledger here: the reason that netpane shows; undefined if there is one. */
export async function whyNoLedger(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'this is not Linux';
  try {
    const ledger = await openLedger();
    ledger.close();
    return ledger.noOwnersReason ?? ledger.noTrafficReason;
  } catch (error) {
    // Any other reason is a defect.
    if (
      error instanceof LedgerUnavailable &&
      /denied|needs root|no bpf|no cgroup|too old/.test(error.message)
    )
      return error.message;
    throw error;
  }
}
