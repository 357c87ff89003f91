import type { Degradation } from '../../model/batch.ts';
import type { Socket } from '../../model/socket.ts';
import { counted } from '../../model/text.ts';
import type { ParsedRow, RawConnection, System } from './normalise.ts';

const BSD_NOTICE: Degradation = {
  code: 'bsd-incomplete',
  // systeminformation expects seven columns and a state for UDP; `netstat -na` prints six, and no state for UDP.
  text: 'most established connections, UDP and all owners are missing: systeminformation cannot read them on BSD',
  short: 'list incomplete',
};
const LINUX_NOTICE: Degradation = {
  code: 'udp-missing',
  text: 'unconnected UDP sockets are not shown: systeminformation leaves them out on Linux',
  short: 'UDP incomplete',
};
const SS_NOTICE: Degradation = {
  code: 'half-closed-missing',
  // systeminformation searches the output of ss for FIN-WAIT1 and FIN-WAIT2, but ss prints FIN-WAIT-1 and FIN-WAIT-2.
  text: 'sockets in FIN_WAIT1 and FIN_WAIT2 are not shown: netstat is missing (install net-tools)',
  short: 'FIN_WAIT missing',
};
const EMPTY_NOTICE: Degradation = {
  code: 'empty-list',
  // systeminformation also returns an empty list if its commands fail.
  text: 'netstat lists no sockets: if there are any, netstat and ss are missing or fail',
  short: 'empty list',
};

/** Continues the notice `the owners of 3 sockets …`: why they are missing, and what helps. */
const WHY_HIDDEN: Readonly<Record<Exclude<System, 'bsd'>, (are: string, them: string) => string>> = {
  linux: (are, them) => `${are} hidden: run with sudo to see ${them}`,
  win32: (are, them) => `${are} hidden: run as administrator to see ${them}`,
  // netstat on macOS shows all pids to every user. Here an owner is hidden if its pid is wrong: see `isWrongPid`.
  darwin: () => 'cannot be read from the output of netstat',
};

/** Replaces `WHY_HIDDEN` for root on Linux. */
const whyHiddenFromRoot = (are: string) => `${are} hidden: even root may not inspect the processes here`;

/** Returns notices about sockets and owners that systeminformation does not read on this system, and about an empty list. */
export function systemNotices(connections: readonly RawConnection[], system: System): readonly Degradation[] {
  if (system === 'bsd') return [BSD_NOTICE];
  if (system !== 'linux') return [];
  // Only ss prints brackets and a bare asterisk; systeminformation runs it if netstat fails.
  const isFromSs = connections.some(
    ({ localAddress }) => localAddress.startsWith('[') || localAddress === '*',
  );
  return [
    LINUX_NOTICE,
    ...(isFromSs ? [SS_NOTICE] : []),
    ...(connections.length === 0 ? [EMPTY_NOTICE] : []),
  ];
}

/** Returns notices about owners, names and lines that this poll could not read. @param problems number of unreadable lines */
export function pollNotices(
  rows: readonly ParsedRow[],
  problems: number,
  sockets: ReadonlyMap<string, Socket>,
  system: System,
  isRoot: boolean,
): readonly Degradation[] {
  const all = [...sockets.values()].flatMap((socket) => socket.owners);
  const hidden = all.filter((owner) => owner.knowledge === 'hidden').length;
  const nameless = new Set(all.filter((it) => it.pid !== undefined && !it.process).map((it) => it.pid)).size;
  const unknown = rows.filter((row) => row.isStateUnknown).length;
  const truncated = rows.filter((row) => row.isTruncated).length;
  const found: Degradation[] = [];
  if (hidden > 0 && system !== 'bsd') {
    const [owners, are, them] =
      hidden === 1 ? (['owner', 'is', 'it'] as const) : (['owners', 'are', 'them'] as const);
    const why = isRoot ? whyHiddenFromRoot(are) : WHY_HIDDEN[system](are, them);
    found.push({
      code: 'owners-hidden',
      text: `the ${owners} of ${counted(hidden, 'socket')} ${why}`,
      short: counted(hidden, 'owner hidden', 'owners hidden'),
    });
  }
  if (nameless > 0) {
    found.push({
      code: 'names-missing',
      text: `${counted(nameless, 'program is', 'programs are')} shown by pid only: they are missing from the process list`,
      short: counted(nameless, 'name missing', 'names missing'),
    });
  }
  if (truncated > 0) {
    found.push({
      code: 'cut-addresses',
      text: `netstat truncates long IPv6 addresses: ${counted(truncated, 'socket has', 'sockets have')} one that ends in …`,
      short: counted(truncated, 'address truncated', 'addresses truncated'),
    });
  }
  if (unknown > 0) {
    found.push({
      code: 'unreadable-states',
      text: `netstat prints a state that netpane does not know for ${counted(unknown, 'connection')}`,
      short: counted(unknown, 'state unknown', 'states unknown'),
    });
  }
  if (problems > 0) {
    found.push({
      code: 'unreadable-lines',
      text: `${counted(problems, 'line', 'lines')} of the output of netstat could not be read`,
      short: counted(problems, 'line unreadable', 'lines unreadable'),
    });
  }
  return found;
}
