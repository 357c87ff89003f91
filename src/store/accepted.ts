import { unmapped } from '../model/address.ts';
import { isConnection, listeningAddressesFor, scopeOf } from './listeners.ts';
import type { Row } from './row.ts';

/** The connections of a listener. */
export interface Accepted {
  /** Number of open connections, without those in TIME_WAIT: no program holds them. */
  readonly connections: number;
  /** Number of listeners of its endpoint, itself included: they share the connections (SO_REUSEPORT). */
  readonly listeners: number;
}

/** The last answer for these rows: counting reads every row, and most paints change none. */
const lastAnswers = new WeakMap<
  ReadonlyMap<string, Row>,
  { readonly id: string; readonly sequence: number; readonly accepted: Accepted }
>();

/**
 * Returns the connections that a listener has accepted. A connection belongs to the listener with its own address, else to
 * the listener on all addresses, as in the kernel.
 * @param sequence `sequence` of the table, which increases with each change of its rows
 */
export function acceptedBy(
  listener: Pick<Row, 'id' | 'socket'>,
  rows: ReadonlyMap<string, Row>,
  sequence: number,
): Accepted {
  const { id } = listener;
  const last = lastAnswers.get(rows);
  if (last?.id === id && last.sequence === sequence) return last.accepted;
  const accepted = count(listener, rows);
  lastAnswers.set(rows, { id, sequence, accepted });
  return accepted;
}

function count(
  { socket: { local, protocol }, socket: listener }: Pick<Row, 'socket'>,
  rows: ReadonlyMap<string, Row>,
): Accepted {
  const scope = scopeOf(listener);
  const address = unmapped(local.address);
  let listeners = 0;
  const addresses = new Set<string>();
  const connections: Row[] = [];
  for (const row of rows.values()) {
    const { socket, mark } = row;
    if (socket.local.port !== local.port || mark === 'closed' || scopeOf(socket) !== scope) continue;
    if (socket.state === 'LISTEN') {
      addresses.add(unmapped(socket.local.address));
      if (unmapped(socket.local.address) === address) listeners++;
    } else if (row.direction === 'in' && socket.state !== 'TIME_WAIT' && isConnection(socket))
      connections.push(row);
  }
  const isOwn = ({ socket }: Row): boolean =>
    listeningAddressesFor(socket.local, protocol).find((it) => addresses.has(it)) === address;
  return { connections: connections.filter(isOwn).length, listeners };
}
