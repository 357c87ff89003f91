import type { Degradation } from '../../../model/batch.ts';
import { counted } from '../../../model/text.ts';
import type { SearchResult } from './namespace-search.ts';
import type { Namespaces } from './namespaces.ts';
import type { Networks } from './networks.ts';
import { type Privileges, SUDO, whyUnseen } from '../proc/privileges.ts';

/** Returns notices about network namespaces that cannot be read, each with its reason. */
export function namespaceNotices(
  networks: Networks,
  namespaces: Namespaces,
  privileges: Privileges,
  { unsearched, unreachable, unlisted }: SearchResult & { readonly unlisted: number },
): Degradation[] {
  const all = [...networks.values()];
  const pollOnly = all.filter(({ lacksCloseReceiver }) => lacksCloseReceiver).length;
  const interfaceFailures = all.flatMap(({ interfacesFailure }) => interfacesFailure ?? []);
  const procFailure = namespaces.procFailure ?? privileges.procFailure;
  return [
    ...(procFailure === undefined
      ? hiddenNamespaces(all.length, namespaces, privileges)
      : [noProc(procFailure)]),
    ...(networks.forbidden.size > 0 ? [denied([...networks.forbidden.values()], privileges)] : []),
    ...(networks.failed.size > 0 ? [failed([...networks.failed.values()])] : []),
    ...(pollOnly > 0 ? [fewDescriptors(pollOnly)] : []),
    ...(unreachable.size > 0 ? [unreachableMounts(unreachable.size)] : []),
    ...(unlisted > 0 ? [tcpUnlisted(unlisted)] : []),
    ...(unsearched > 0 ? [searchUnfinished(unsearched)] : []),
    ...(interfaceFailures.length > 0 ? [interfacesUnread(interfaceFailures)] : []),
  ];
}

/** Returns the first of several messages, and the number of other distinct ones. */
const firstOf = (messages: readonly string[]): string => {
  const others = new Set(messages).size - 1;
  return `${messages[0] ?? ''}${others > 0 ? `, and ${counted(others, 'other reason')}` : ''}`;
};

const noProc = (message: string): Degradation => ({
  code: 'no-proc',
  text: `/proc cannot be read (${message}): programs, other network namespaces and ping sockets are not shown`,
  short: 'no /proc',
});

/** Returns a notice if namespaces may exist that this user cannot see. @param shown number of namespaces shown */
function hiddenNamespaces(shown: number, namespaces: Namespaces, privileges: Privileges): Degradation[] {
  const { unreadableProcesses, hasUnlistedProcesses } = namespaces;
  const why = whyUnseen(privileges, ['CAP_SYS_PTRACE', 'CAP_SYS_ADMIN']);
  if (unreadableProcesses === 0 && !hasUnlistedProcesses && why === undefined) return [];
  if (shown === 1 && why !== undefined) {
    return [
      {
        code: 'one-namespace',
        text: `only the network namespace that netpane runs in is shown: ${why}${why === SUDO ? ' to see those of containers too' : ''}`,
        short: `one namespace${why === SUDO ? ': use sudo' : ''}`,
      },
    ];
  }
  const who =
    unreadableProcesses > 0 ? counted(unreadableProcesses, 'process', 'processes') : 'some processes';
  return [
    {
      code: 'namespaces-unseen',
      text: `the network namespace of ${who} is hidden, so that sockets may be missing: ${why ?? `the kernel refuses even ${privileges.isRoot ? 'root' : 'CAP_SYS_PTRACE'}`}`,
      short: 'namespaces hidden',
    },
  ];
}

const denied = (messages: readonly string[], privileges: Privileges): Degradation => {
  const count = messages.length;
  const why = whyUnseen(privileges, ['CAP_SYS_ADMIN']);
  return {
    code: 'namespaces-closed',
    text:
      `access to ${counted(count, 'network namespace')} denied, ${count === 1 ? 'its' : 'their'} sockets are not shown: ` +
      (why ?? firstOf(messages)),
    short: `${counted(count, 'namespace')} denied`,
  };
};

const failed = (messages: readonly string[]): Degradation => ({
  code: 'namespaces-failed',
  text: `${counted(messages.length, 'network namespace')} could not be opened, ${messages.length === 1 ? 'its' : 'their'} sockets are not shown: ${firstOf(messages)}`,
  short: `${counted(messages.length, 'namespace')} not opened`,
});

const fewDescriptors = (count: number): Degradation => ({
  code: 'few-descriptors',
  text: `sockets that close between two polls in ${counted(count, 'network namespace')} are missed: too few file descriptors (raise ulimit -n)`,
  short: `${counted(count, 'namespace')} polled only`,
});

const unreachableMounts = (count: number): Degradation => ({
  code: 'namespaces-unreachable',
  text: `${counted(count, 'network namespace')} cannot be entered: mounted only in another mount namespace`,
  short: `${counted(count, 'namespace')} unreachable`,
});

const tcpUnlisted = (count: number): Degradation => ({
  code: 'tcp-unlisted',
  text: `${counted(count, 'TCP socket')} missing from the socket lists of the kernel: not bound yet, closed but still held by a process, or in a network namespace that netpane cannot enter`,
  short: `${counted(count, 'TCP socket')} unlisted`,
});

const searchUnfinished = (count: number): Degradation => ({
  code: 'search-unfinished',
  text: `${counted(count, 'process', 'processes')} not yet searched for further network namespaces`,
  short: 'namespace search unfinished',
});

const interfacesUnread = (messages: readonly string[]): Degradation => ({
  code: 'interfaces-unread',
  text: `the interfaces of ${counted(messages.length, 'network namespace')} could not be read; they are missing or out of date: ${firstOf(messages)}`,
  short: 'interfaces unread',
});
