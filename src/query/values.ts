import { isAnyAddress, unmapped } from '../model/address.ts';
import { hasPorts, protocolName, type Socket } from '../model/socket.ts';

/** What there is now, to choose from. All texts are hostile. */
export interface Values {
  readonly processes: Iterable<string>;
  readonly users: Iterable<string>;
  readonly states: Iterable<string>;
  readonly protocols: Iterable<string>;
  readonly interfaces: Iterable<string>;
  readonly namespaces: Iterable<string>;
  /** Addresses of peers, and names of hosts where some are known. */
  readonly hosts: Iterable<string>;
  readonly ports: Iterable<number>;
}

const isIp = ({ family }: Socket): boolean => family === 'ipv4' || family === 'ipv6';

/** The values of these sockets, each once. What is asked for is looked up then, and nothing else. */
export function valuesOf(sockets: Iterable<Socket>): Values {
  const found = <T>(read: (socket: Socket) => readonly (T | undefined)[]): Set<T> => {
    const values = new Set<T>();
    for (const socket of sockets) for (const value of read(socket)) if (value) values.add(value);
    return values;
  };
  return {
    get processes() {
      return found(({ owners }) => owners.map(({ process }) => process));
    },
    get users() {
      return found(({ user, uid, owners }) => [user ?? uid?.toString() ?? owners[0]?.user]);
    },
    get states() {
      return found(({ state }) => [state]);
    },
    get protocols() {
      return found((socket) => [protocolName(socket)]);
    },
    get interfaces() {
      return found((socket) => [socket.interface]);
    },
    get namespaces() {
      return found(({ netns }) => [netns && (netns.name ?? String(netns.inode))]);
    },
    get hosts() {
      return found((socket) => {
        const address = isIp(socket) ? socket.remote?.address : undefined;
        return address === undefined || isAnyAddress(address) ? [] : [unmapped(address)];
      });
    },
    get ports() {
      return found((socket) =>
        isIp(socket) && hasPorts(socket.protocol) ? [socket.local.port, socket.remote?.port] : [],
      );
    },
  };
}
