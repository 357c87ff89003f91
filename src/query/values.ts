import { isAnyAddress, unmapped } from '../model/address.ts';
import { hasPorts, protocolName, type Socket } from '../model/socket.ts';

/** Values of the current sockets, for completion. All texts are untrusted. */
export interface Values {
  readonly processes: Iterable<string>;
  readonly users: Iterable<string>;
  readonly states: Iterable<string>;
  readonly protocols: Iterable<string>;
  readonly interfaces: Iterable<string>;
  readonly namespaces: Iterable<string>;
  /** Remote addresses, without wildcard addresses. */
  readonly hosts: Iterable<string>;
  readonly ports: Iterable<number>;
}

const isIp = ({ family }: Socket): boolean => family === 'ipv4' || family === 'ipv6';

/** Returns the distinct values of these sockets. Each property reads all sockets when it is used. */
export function valuesOf(sockets: Iterable<Socket>): Values {
  const distinct = <T>(read: (socket: Socket) => readonly (T | undefined)[]): Set<T> => {
    const values = new Set<T>();
    for (const socket of sockets) for (const value of read(socket)) if (value) values.add(value);
    return values;
  };
  return {
    get processes() {
      return distinct(({ owners }) => owners.map(({ process }) => process));
    },
    get users() {
      return distinct(({ user, uid, owners }) => [user ?? uid?.toString() ?? owners[0]?.user]);
    },
    get states() {
      return distinct(({ state }) => [state]);
    },
    get protocols() {
      return distinct((socket) => [protocolName(socket)]);
    },
    get interfaces() {
      return distinct((socket) => [socket.interface]);
    },
    get namespaces() {
      return distinct(({ netns }) => [netns && (netns.name ?? String(netns.inode))]);
    },
    get hosts() {
      return distinct((socket) => {
        const address = isIp(socket) ? socket.remote?.address : undefined;
        return address === undefined || isAnyAddress(address) ? [] : [unmapped(address)];
      });
    },
    get ports() {
      return distinct((socket) =>
        isIp(socket) && hasPorts(socket.protocol) ? [socket.local.port, socket.remote?.port] : [],
      );
    },
  };
}
