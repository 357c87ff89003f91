import { LOCAL_HOST } from '../../src/model/host.ts';
import type { Batch, Cost, Snapshot } from '../../src/model/batch.ts';
import { previousFields, type Event } from '../../src/model/event.ts';
import {
  type Endpoint,
  hasPorts,
  isNotable,
  type Owner,
  type Protocol,
  type Socket,
} from '../../src/model/socket.ts';
import { EVERYTHING, parseQuery, type Query } from '../../src/query/query.ts';
import { type InitialSettings, initialState } from '../../src/store/initial.ts';
import { reduce } from '../../src/store/reduce.ts';
import type { Action } from '../../src/store/actions.ts';
import type { State } from '../../src/store/state.ts';
import type { Seen } from '../../src/store/seen-fields.ts';
import type { SocketTable } from '../../src/store/table.ts';

/** Returns the endpoint of a text such as `192.0.2.1:80`, `[::1]:80` or `*:80`. */
export function endpoint(text: string): Endpoint {
  const [, bracketed, plain = '', port = '0'] = /^(?:\[(.*)\]|([^\]]*)):(\d+|\*)$/.exec(text) ?? [];
  const address = bracketed ?? (plain === '*' ? '0.0.0.0' : plain);
  return { address, port: port === '*' ? 0 : Number(port) };
}

/** Fields of a socket, with endpoints as text. `process` and `pid` stand for one exact owner. */
export interface SocketFields extends Omit<Partial<Socket>, 'local' | 'remote' | 'owners'> {
  readonly local?: string;
  readonly remote?: string | null;
  readonly process?: string;
  readonly pid?: number;
  readonly owners?: readonly Owner[];
}

/**
 * Returns the endpoint as a socket of this protocol has it: the port of a raw or packet socket becomes its protocol
 * number.
 */
export const endOf = ({ address, port }: Endpoint, protocol: Protocol): Endpoint => ({
  address,
  port: hasPorts(protocol) ? port : 0,
  ...((protocol === 'raw' || protocol === 'packet') && port !== 0 && { protocol: port }),
});

/**
 * Returns an established TCP connection of `curl`, changed by `fields`. Its id is made of its endpoints unless given.
 */
export function socket({ local, remote, process = 'curl', pid = 100, ...rest }: SocketFields = {}): Socket {
  const protocol = rest.protocol ?? 'tcp';
  const end = (text: string): Endpoint => endOf(endpoint(text), protocol);
  const near = end(local ?? '192.0.2.10:40000');
  const far = remote === null ? null : end(remote ?? '198.51.100.7:443');
  return {
    id: `${protocol} ${near.address}:${near.port} ${far ? `${far.address}:${far.port}` : '*'}`,
    protocol,
    family: near.address.includes(':') ? 'ipv6' : 'ipv4',
    local: near,
    remote: far,
    ...(far && { state: 'ESTABLISHED' as const }),
    owners: [{ knowledge: 'exact', pid, process }],
    ...rest,
  };
}

/** Returns a TCP listener. */
export const listener = (fields: SocketFields = {}): Socket =>
  socket({ local: '*:80', remote: null, state: 'LISTEN', process: 'nginx', pid: 80, ...fields });

/** Returns an unconnected UDP socket. */
export const udp = (fields: SocketFields = {}): Socket =>
  socket({ local: '*:68', remote: null, protocol: 'udp', process: 'dhcpcd', pid: 68, ...fields });

/** Returns connections of programs named `p000`, `p001`, … in this order. */
export const crowd = (count: number, from = 0): Socket[] =>
  Array.from({ length: count }, (_, i) => {
    const name = `p${String(from + i).padStart(3, '0')}`;
    return socket({ id: name, process: name, local: `192.0.2.10:${10_000 + from + i}` });
  });

/** Wall-clock time at which the monotonic clock of fake batches is 0: noon, UTC. */
export const NOON_MS = Date.UTC(2026, 0, 2, 12);

const COST: Cost = { socketsMs: 1, ownersMs: 1, diffMs: 0 };

/** Returns a batch after the first, empty except for `fields`. `takenAtMs` is `NOON_MS` plus `monotonicMs`. */
export function batch(fields: Partial<Batch> = {}): Batch {
  const monotonicMs = fields.monotonicMs ?? 1000;
  return {
    spawned: [],
    changed: [],
    closed: [],
    baseline: false,
    partial: false,
    host: LOCAL_HOST,
    source: '/proc/net',
    takenAtMs: NOON_MS + monotonicMs,
    monotonicMs,
    pacedIntervalMs: 1000,
    interfaces: [],
    degradations: [],
    events: [],
    coverage: { level: 'polls' },
    cost: COST,
    ...fields,
  };
}

/** Returns the first batch, with these sockets. */
export const baseline = (spawned: readonly Socket[], fields: Partial<Batch> = {}): Batch =>
  batch({ spawned, baseline: true, monotonicMs: 0, ...fields });

/**
 * Returns these batches, each with the events that polls alone would make of its lists, unless it has events already.
 */
export function withEvents(...batches: readonly Batch[]): Batch[] {
  const open = new Map<string, { socket: Socket; atMs: number; isAtLeast: boolean }>();
  return batches.map((it) => {
    const { spawned, changed, closed, baseline: isAtLeast, takenAtMs: atMs } = it;
    const events: Event[] = [];
    for (const now of spawned) {
      open.set(now.id, { socket: now, atMs, isAtLeast });
      if (!isAtLeast) events.push({ type: 'spawn', atMs, socket: now, learntBy: 'poll' });
    }
    for (const now of changed) {
      const life = open.get(now.id);
      if (life === undefined) continue;
      if (isNotable(life.socket, now))
        events.push({
          type: 'change',
          atMs,
          socket: now,
          learntBy: 'poll',
          was: previousFields(life.socket, now),
          ageMs: atMs - life.atMs,
          ...(life.isAtLeast && { isBaseline: true }),
        });
      life.socket = now;
    }
    for (const id of closed) {
      const life = open.get(id);
      if (life === undefined) continue;
      const { socket: last, isAtLeast: least } = life;
      const lifetimeMs = atMs - life.atMs;
      events.push({
        type: 'close',
        atMs,
        socket: last,
        learntBy: 'poll',
        lifetimeMs,
        ...(least && { isAtLeast: true, isBaseline: true }),
      });
      open.delete(id);
    }
    return it.events.length > 0 ? it : { ...it, events };
  });
}

export const byId = (sockets: readonly Socket[]): Map<string, Socket> =>
  new Map(sockets.map((it) => [it.id, it]));

export const snapshot = (sockets: readonly Socket[] | ReadonlyMap<string, Socket>): Snapshot => ({
  sockets: Array.isArray(sockets) ? byId(sockets) : (sockets as ReadonlyMap<string, Socket>),
  interfaces: [],
  degradations: [],
  socketsMs: 0,
  ownersMs: 0,
});

/** `Seen` of a source with all fields. */
export const ALL_SEEN: Seen = {
  traffic: true,
  queues: true,
  namespaces: true,
  interfaces: true,
  names: false,
};

export const LINGER_MS = 3000;

/** Settings of an example machine. */
export const SETTINGS: InitialSettings = {
  host: 'build-07',
  system: 'Linux 6.18',
  intervalMs: 1000,
  lingerMs: LINGER_MS,
  query: EVERYTHING,
  palette: 'standard',
};

/** Returns the query of a text. Throws if the text is not a valid query. */
export function queryFrom(text: string): Query {
  const parsed = parseQuery(text);
  if ('problem' in parsed) throw new Error(`'${text}': ${parsed.problem.message}`);
  return parsed.query;
}

/** Returns the state before the first batch, with this query. */
export const emptyState = (query = ''): State => initialState({ ...SETTINGS, query: queryFrom(query) });

/** Returns the state after some actions. A batch stands for the action that applies it. */
export const after = (state: State, ...actions: readonly (Action | Batch)[]): State =>
  actions.reduce<State>(
    (before, action) =>
      reduce(before, 'type' in action ? action : { type: 'batch', batch: action, atMs: action.monotonicMs }),
    state,
  );

/** Returns the owners as text: `exact node 81234, exact node 81235`. */
export const ownersText = ({ owners }: Socket): string =>
  owners.map(({ process, pid, knowledge }) => `${knowledge} ${process ?? '-'} ${pid ?? '-'}`).join(', ');

/** Returns a function that returns the ids of the rows changed since its last call, or since this call. */
export function followChanges(table: SocketTable): () => ReadonlySet<string> {
  let { sequence } = table;
  return () => {
    const changes = table.changesSince(sequence);
    if (changes === 'everything') throw new Error('too many changes since the last call');
    ({ sequence } = table);
    return changes;
  };
}
