import { unmapped } from '../model/address.ts';
import { quotedName } from '../model/marks.ts';
import { portOrProtocol, firstOwner, type Socket } from '../model/socket.ts';

/** What the user has seen and knows: a program, whom it talks to, and at which port. */
export interface HideRule {
  /** Name of the program, as `quotedName` has it, or how its owner is known where it has none. Hostile text. */
  readonly process: string;
  /** Address of the peer; `*` for none. */
  readonly remote: string;
  /** Port of the service, or the protocol of a raw socket: see `servicePort`. */
  readonly port: number;
}

/**
 * The port by which one calls what a socket serves or uses: that of the end that was called, else the lower one, by
 * custom.
 */
export function servicePort({ local, remote }: Socket, direction: 'in' | 'out' | undefined): number {
  // A raw socket has the protocol that it takes, whatever its peer.
  if (remote === null || direction === 'in' || local.protocol !== undefined) return portOrProtocol(local);
  return direction === 'out' ? remote.port : Math.min(local.port, remote.port);
}

/** What is to be known of a socket lest it be shown. */
export function hideRuleOf(socket: Socket, direction: 'in' | 'out' | undefined): HideRule {
  const { process, knowledge } = firstOwner(socket);
  return {
    process: process === undefined ? knowledge : quotedName(process),
    remote: socket.remote ? unmapped(socket.remote.address) : '*',
    port: servicePort(socket, direction),
  };
}

const keyOf = ({ process, remote }: HideRule): string => `${process}\n${remote}`;

/** What is known with one more, once. */
export const withHideRule = (all: readonly HideRule[], known: HideRule): readonly HideRule[] =>
  all.some((it) => it.port === known.port && keyOf(it) === keyOf(known)) ? all : [...all, known];

/** Compiles what is known to the question whether a socket is. */
export function compileHideRules(
  known: readonly HideRule[],
): ((socket: Socket, direction: 'in' | 'out' | undefined) => boolean) | undefined {
  if (known.length === 0) return undefined;
  const byPort = new Map<number, Set<string>>();
  for (const it of known) {
    const keys = byPort.get(it.port) ?? new Set();
    byPort.set(it.port, keys.add(keyOf(it)));
  }
  // Nearly every socket is told apart by a number.
  return (socket, direction) =>
    byPort.get(servicePort(socket, direction))?.has(keyOf(hideRuleOf(socket, direction))) ?? false;
}
