import { unmapped } from '../model/address.ts';
import { quotedName } from '../model/quoted-names.ts';
import { portOrProtocol, firstOwner, type Socket } from '../model/socket.ts';

/** Hides the sockets of a program with this peer at this port, for good. */
export interface HideRule {
  /** Name of the program, from `quotedName`; if unknown, the `knowledge` of the first owner. Untrusted text. */
  readonly process: string;
  /** Address of the peer; `*` without a peer. */
  readonly remote: string;
  /** Port of the service, or the protocol number of a raw socket: see `servicePort`. */
  readonly port: number;
}

/**
 * Returns the port of the service that a socket offers or uses: the port of the endpoint that accepted the connection.
 * If the direction is unknown, returns the lower port, by convention.
 */
export function servicePort({ local, remote }: Socket, direction: 'in' | 'out' | undefined): number {
  // A raw socket has a protocol number instead of ports.
  if (remote === null || direction === 'in' || local.protocol !== undefined) return portOrProtocol(local);
  return direction === 'out' ? remote.port : Math.min(local.port, remote.port);
}

/** Returns the hide rule that matches a socket. */
export function hideRuleOf(socket: Socket, direction: 'in' | 'out' | undefined): HideRule {
  const { process, knowledge } = firstOwner(socket);
  return {
    process: process === undefined ? knowledge : quotedName(process),
    remote: socket.remote ? unmapped(socket.remote.address) : '*',
    port: servicePort(socket, direction),
  };
}

const keyOf = ({ process, remote }: HideRule): string => `${process}\n${remote}`;

/** Returns the rules with one more, unless it is among them. */
export const withHideRule = (all: readonly HideRule[], rule: HideRule): readonly HideRule[] =>
  all.some((it) => it.port === rule.port && keyOf(it) === keyOf(rule)) ? all : [...all, rule];

/** Returns a function that returns true if any rule matches a socket; undefined without rules. */
export function compileHideRules(
  rules: readonly HideRule[],
): ((socket: Socket, direction: 'in' | 'out' | undefined) => boolean) | undefined {
  if (rules.length === 0) return undefined;
  const byPort = new Map<number, Set<string>>();
  for (const it of rules) {
    const keys = byPort.get(it.port) ?? new Set();
    byPort.set(it.port, keys.add(keyOf(it)));
  }
  // Ports are compared first: nearly every socket has a port that no rule has, and needs no key.
  return (socket, direction) =>
    byPort.get(servicePort(socket, direction))?.has(keyOf(hideRuleOf(socket, direction))) ?? false;
}
