import type { Degradation } from '../../model/batch.ts';
import type { Protocol } from '../../model/socket.ts';
import { counted } from '../../model/text.ts';
import type { Ledger } from './ledger/ledger.ts';

export const STALE: Degradation = {
  code: 'stale',
  text: 'a list of sockets from the kernel was incomplete: missing sockets are shown as last seen',
  short: 'partly stale',
};

export const unreadableMessages = (count: number): Degradation => ({
  code: 'unreadable-messages',
  text: `${count} ${count === 1 ? 'message' : 'messages'} from the kernel could not be decoded`,
  short: `${count} messages unreadable`,
});

export const interruptedDumps = (count: number): Degradation => ({
  code: 'interrupted-dumps',
  text: `${count} socket ${count === 1 ? 'list' : 'lists'} of the kernel changed during every read: sockets may be missing or already closed`,
  short: `${count} lists inconsistent`,
});

export const missingKinds = (kinds: readonly Protocol[]): Degradation => ({
  code: 'missing-kinds',
  text: `this kernel does not list ${kinds.join(', ')} sockets`,
  short: `no ${kinds.join(', ')}`,
});

export const tablesUnread = (kinds: readonly Protocol[]): Degradation => ({
  code: 'tables-unread',
  text: `${kinds.join(', ')} sockets in /proc/net could not be read: they are missing or outdated`,
  short: `${kinds.join(', ')} unread`,
});

/** Returns the notices about traffic that is not counted. @param ledger without a ledger the reason, a clause */
export function ledgerNotices(ledger: Ledger | string): Degradation[] {
  const noTraffic = typeof ledger === 'string' ? ledger : ledger.noTrafficReason;
  if (noTraffic !== undefined || typeof ledger === 'string') return [uncounted(`(${noTraffic})`)];
  const { isPartial, lost } = ledger;
  return [
    ...(lost > 0 ? [entriesLost(lost)] : []),
    ...(isPartial ? [uncounted('outside the container of netpane')] : []),
  ];
}

const uncounted = (where: string): Degradation => ({
  code: 'uncounted-traffic',
  text: `bytes of UDP and raw sockets are not counted ${where}: sums leave them out`,
  short: 'UDP bytes unknown',
});

const entriesLost = (count: number): Degradation => ({
  code: 'ledger-lost',
  text: `${counted(count, 'entry', 'entries')} of the ledger lost, which was full: some programs and UDP bytes are unknown`,
  short: `${counted(count, 'entry', 'entries')} lost`,
});
