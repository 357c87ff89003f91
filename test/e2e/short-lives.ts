// Reports of `watch` on connections that live shorter than an interval: the events of each end, its owner and bytes; and
// why a machine cannot report them.
import { hasNetlink, isRoot } from './netpane.ts';
import type { ProgramResult, Server } from './server.ts';
import { noNetwork, type Stage } from './stage.ts';
import type { Watcher, WatchEvent } from './watcher.ts';

export const MANY = 1000;
/** Bytes sent by the client of a connection; see short-lived.cjs. */
const REQUEST = 5;
/** Bytes sent by the server of a connection. */
export const RESPONSE = 3;

export const every = (interval: string, ...args: string[]) => ({ args: ['--interval', interval, ...args] });
/** An interval longer than any of these tests: the first poll is the only one. */
export const ONE_POLL = every('60m');

/**
 * Returns the events of one socket for each of `keys` (`54321→8080`). A key that occurs twice stands for two sockets: the
 * kernel may assign a port again as soon as it is free.
 */
export function livesAt(
  watcher: Watcher,
  keys: readonly string[],
  protocol: 'tcp' | 'udp' = 'tcp',
): WatchEvent[][] {
  const bySocket = watcher.bySocket((socket) => socket.protocol === protocol);
  const totals = new Map<string, number>();
  for (const key of keys) totals.set(key, (totals.get(key) ?? 0) + 1);
  const counts = new Map<string, number>();
  return keys.map((key) => {
    const events = bySocket.get(key) ?? [];
    const ids = [...new Set(events.map(({ socket }) => socket.id))];
    const nth = counts.get(key) ?? 0;
    counts.set(key, nth + 1);
    // All events if the number of sockets is wrong, so that the test fails.
    return ids.length === totals.get(key) ? events.filter(({ socket }) => socket.id === ids[nth]) : events;
  });
}

/** Returns the events of both ends of each connection that a program made. */
export const endsOf = (
  watcher: Watcher,
  { port }: Pick<Server, 'port'>,
  { ports }: Pick<ProgramResult, 'ports'>,
) => ({
  near: livesAt(
    watcher,
    ports.map((own) => `${own}→${port}`),
  ),
  far: livesAt(
    watcher,
    ports.map((peer) => `${port}→${peer}`),
  ),
});

/**
 * Makes a connection that polls and kernel events show, and 30 UDP sockets that live a moment. Returns their programs, and
 * the events of both ends and of each UDP socket.
 * @param marker has the sockets by which a poll is noticed
 */
export async function seenByPollsToo(stage: Stage, watcher: Watcher, marker: Server) {
  const server = await stage.serve();
  const client = await stage.stay({ port: server.port });
  await watcher.poll(marker);
  await watcher.poll(marker);
  await client.end();
  const drop = await stage.run('drop', { count: 30 });
  await watcher.closes(2, server.port);
  await watcher.poll(marker);
  const sent = livesAt(
    watcher,
    drop.ports.map((port) => `${port}→*`),
    'udp',
  );
  return { server, client, drop, ...endsOf(watcher, server, client), sent };
}

/** Returns a value as a key of {@link countBy}. */
export const asKey = (value: unknown) => JSON.stringify([value]);

/** Returns how many items have each value of `valueOf`. A failure shows at a glance how many differ. */
export function countBy<T>(items: readonly T[], valueOf: (item: T) => unknown): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) {
    const key = asKey(valueOf(item));
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** The result of {@link countBy} when all items have the same value. */
export const all = (count: number, value: unknown) => ({ [asKey(value)]: count });

export const typesOf = (events: readonly WatchEvent[]) =>
  events.map(({ type }) => type).filter((type) => type !== 'change');

/** The event types of a socket that spawned and closed. */
export const ONCE_EACH = ['spawn', 'close'];

export const closeOf = (events: readonly WatchEvent[]) => events.find(({ type }) => type === 'close');

/** Returns the owner in the close event. */
export function ownerOf(events: readonly WatchEvent[]) {
  const { pid, process, knowledge } = closeOf(events)?.socket.owners[0] ?? {};
  return { pid, process, knowledge };
}

export const exactly = ({ pid, name: process }: { pid: number; name: string }) => ({
  pid,
  process,
  knowledge: 'exact',
});

/** Returns the owner in the close event, with the knowledge `exact` instead of `listener`. */
export const exactOwnerOf = (events: readonly WatchEvent[]) => {
  const owner = ownerOf(events);
  return owner.knowledge === 'listener' ? { ...owner, knowledge: 'exact' } : owner;
};

export const bytesOf = (events: readonly WatchEvent[]) => {
  const { rxBytes, txBytes } = closeOf(events)?.socket ?? {};
  return { rxBytes, txBytes };
};
/**
 * Returns the bytes of the end that connected. The kernel counts the peer's FIN as a received byte, which netpane
 * subtracts. If the peer closed late, its kernel acknowledged the FIN of this end separately, and nothing shows whether
 * the counter includes the peer's FIN: one byte too few is accepted.
 */
export const nearBytesOf = (events: readonly WatchEvent[]) => {
  const { rxBytes, txBytes } = bytesOf(events);
  const isSlow = (closeOf(events)?.lifetimeMs ?? 0) >= DELAYED_ACK_MS;
  return { rxBytes: isSlow && rxBytes === RESPONSE - 1 ? RESPONSE : rxBytes, txBytes };
};
/** TCP_DELACK_MIN minus the delay of the kernel's clock, milliseconds. */
const DELAYED_ACK_MS = 30;
export const NEAR_BYTES = { rxBytes: RESPONSE, txBytes: REQUEST };
export const FAR_BYTES = { rxBytes: REQUEST, txBytes: RESPONSE };

export const why = (reason: string | undefined) => (reason === undefined ? '' : ` (skipped: ${reason})`);
export const noEvents = hasNetlink ? undefined : 'netlink cannot be used here';
export const noTrace = noEvents ?? (isRoot ? undefined : 'tracing needs root');
export const noStage = noEvents ?? noNetwork;
