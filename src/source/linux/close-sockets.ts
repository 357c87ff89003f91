import { type CloseResult, closeResult, type SocketToClose } from '../../model/close.ts';
import type { Networks } from './namespaces/networks.ts';
import { ERRNO } from './netlink/errno.ts';
import type { ClosableProtocol } from './netlink/inet-requests.ts';
import { isSystemError } from './netlink/system.ts';

const isClosable = (protocol: string): protocol is ClosableProtocol =>
  protocol === 'tcp' || protocol === 'udp';

/** Why the kernel did not close a socket, by errno, as clauses for the user. */
const REASONS: ReadonlyMap<number, string> = new Map([
  [ERRNO.ENOENT, 'closed already'],
  [ERRNO.EINTR, 'the sockets changed while the kernel listed them: try again'],
  [ERRNO.EPERM, 'not permitted: run netpane with sudo'],
  [ERRNO.EACCES, 'not permitted: run netpane with sudo'],
  [ERRNO.EOPNOTSUPP, 'this kernel cannot close it'],
  [ERRNO.EINVAL, 'this kernel cannot close it (CONFIG_INET_DIAG_DESTROY)'],
]);

/** Returns why a socket was not closed; undefined if it was. */
const reasonOf = (errno: number): string | undefined =>
  errno === 0 ? undefined : (REASONS.get(errno) ?? `the kernel refuses with error ${errno}`);

/** Closes sockets of any namespace that netpane has open (SOCK_DESTROY). Failures are part of the result. */
export function closeSocketsIn(networks: Networks, sockets: readonly SocketToClose[]): CloseResult {
  const groups = new Map<string, SocketToClose[]>();
  for (const socket of sockets) {
    const key = `${socket.protocol} ${socket.netns?.inode ?? ''}`;
    const group = groups.get(key);
    if (group) group.push(socket);
    else groups.set(key, [socket]);
  }
  return closeResult([...groups.values()].flatMap((group) => closeGroup(networks, group)));
}

/** Closes sockets of one protocol and namespace. @returns why each was not closed; undefined for a closed one */
function closeGroup(networks: Networks, sockets: readonly SocketToClose[]): (string | undefined)[] {
  const [{ protocol, netns } = {}] = sockets;
  const all = (why: string) => sockets.map(() => why);
  if (protocol === undefined || !isClosable(protocol))
    return all(`the kernel cannot close a socket of type ${protocol ?? ''}`);
  const network =
    networks.get(netns?.inode) ??
    (netns === undefined ? [...networks.values()].find(({ isOwn }) => isOwn) : undefined);
  if (network === undefined) return all('netpane cannot enter its network namespace any more');
  try {
    const errnos = network.closeSockets(protocol, new Set(sockets.map(({ id }) => id)));
    return sockets.map(({ id }) => reasonOf(errnos.get(id) ?? ERRNO.ENOENT));
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return all(error.message);
  }
}
