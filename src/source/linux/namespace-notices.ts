import type { Degradation } from '../../model/batch.ts';
import { counted } from '../../model/text.ts';
import type { SearchResult } from './namespace-search.ts';
import type { Namespaces } from './namespaces.ts';
import type { Networks } from './networks.ts';
import { type Privileges, SUDO, whyUnseen } from './privileges.ts';

/** Everything that is not seen of network namespaces, each with the reason that is known. */
export function namespaceNotices(
  networks: Networks,
  namespaces: Namespaces,
  privileges: Privileges,
  { unsearched, unreachable, unlisted }: SearchResult & { readonly unlisted: number },
): Degradation[] {
  const all = [...networks.values()];
  const unheard = all.filter(({ lacksCloseListener }) => lacksCloseListener).length;
  const unlinked = all.flatMap(({ interfacesFailure }) => interfacesFailure ?? []);
  const procFailure = namespaces.procFailure ?? privileges.procFailure;
  return [
    ...(procFailure === undefined ? unseen(all.length, namespaces, privileges) : [noProc(procFailure)]),
    ...(networks.forbidden.size > 0 ? [closed([...networks.forbidden.values()], privileges)] : []),
    ...(networks.failed.size > 0 ? [failed([...networks.failed.values()])] : []),
    ...(unheard > 0 ? [deaf(unheard)] : []),
    ...(unreachable.size > 0 ? [unreached(unreachable.size)] : []),
    ...(unlisted > 0 ? [tcpUnlisted(unlisted)] : []),
    ...(unsearched > 0 ? [searchUnfinished(unsearched)] : []),
    ...(unlinked.length > 0 ? [interfacesUnread(unlinked)] : []),
  ];
}

/** The first of several messages, and how many of them differ. */
const firstOf = (messages: readonly string[]): string => {
  const others = new Set(messages).size - 1;
  return `${messages[0] ?? ''}${others > 0 ? `, and ${counted(others, 'other reason')}` : ''}`;
};

const noProc = (message: string): Degradation => ({
  code: 'no-proc',
  text: `/proc cannot be read (${message}): programs, other network namespaces and ping sockets are not shown`,
  short: 'no /proc',
});

/** Namespaces that may be there and that nothing which can be read tells of. */
function unseen(shown: number, namespaces: Namespaces, privileges: Privileges): Degradation[] {
  const { unreadableProcesses, hasUnlistedProcesses } = namespaces;
  const why = whyUnseen(privileges, ['CAP_SYS_PTRACE', 'CAP_SYS_ADMIN']);
  if (unreadableProcesses === 0 && !hasUnlistedProcesses && why === undefined) return [];
  if (shown === 1 && why !== undefined) {
    return [
      {
        code: 'one-namespace',
        text: `only the network namespace that netpane runs in is shown: ${why}${why === SUDO ? ' to see those of containers too' : ''}`,
        short: `one namespace${why === SUDO ? ': sudo' : ''}`,
      },
    ];
  }
  const who =
    unreadableProcesses > 0 ? counted(unreadableProcesses, 'process', 'processes') : 'some processes';
  return [
    {
      code: 'namespaces-unseen',
      text: `the network namespace of ${who} is hidden; if it is one that netpane has not found, its sockets are not shown: ${why ?? `the kernel refuses even ${privileges.isRoot ? 'root' : 'CAP_SYS_PTRACE'}`}`,
      short: 'namespaces unseen',
    },
  ];
}

const closed = (messages: readonly string[], privileges: Privileges): Degradation => {
  const count = messages.length;
  const why = whyUnseen(privileges, ['CAP_SYS_ADMIN']);
  return {
    code: 'namespaces-closed',
    text:
      `${counted(count, 'network namespace')} may not be entered, and ${count === 1 ? 'its' : 'their'} sockets are not shown: ` +
      (why ?? firstOf(messages)),
    short: `${counted(count, 'namespace')} closed`,
  };
};

const failed = (messages: readonly string[]): Degradation => ({
  code: 'namespaces-failed',
  text: `${counted(messages.length, 'network namespace')} could not be opened, and ${messages.length === 1 ? 'its' : 'their'} sockets are not shown: ${firstOf(messages)}`,
  short: `${counted(messages.length, 'namespace')} not opened`,
});

const deaf = (count: number): Degradation => ({
  code: 'few-descriptors',
  text: `sockets that close between two polls in ${counted(count, 'network namespace')} are not seen: too few descriptors to listen there (ulimit -n)`,
  short: `${counted(count, 'namespace')} polled only`,
});

const unreached = (count: number): Degradation => ({
  code: 'namespaces-unreachable',
  text: `${counted(count, 'network namespace')} could not be entered: ${count === 1 ? 'it is' : 'they are'} known only by a mount in another mount namespace, out of reach`,
  short: `${counted(count, 'namespace')} out of reach`,
});

const tcpUnlisted = (count: number): Degradation => ({
  code: 'tcp-unlisted',
  text: `${counted(count, 'TCP socket')} in no list of the kernel: not bound yet, closed but still held, or in a network namespace that netpane cannot enter`,
  short: `${counted(count, 'TCP socket')} unlisted`,
});

const searchUnfinished = (count: number): Degradation => ({
  code: 'search-unfinished',
  text: `${counted(count, 'process', 'processes')} not yet searched for network namespaces that no process is in`,
  short: 'namespace search unfinished',
});

const interfacesUnread = (messages: readonly string[]): Degradation => ({
  code: 'interfaces-unread',
  text: `the interfaces of ${counted(messages.length, 'network namespace')} could not be read, and are missing or as they were: ${firstOf(messages)}`,
  short: 'interfaces unread',
});
