import {
  type Endpoint,
  type NetworkNamespace,
  type Owner,
  sameEndpoint,
  sameEndpoints,
  type Socket,
  type Timer,
  type Traffic,
} from './socket.ts';

/*
 * Every field of the model, once, in the order of JSON and CSV.
 *
 * - Made from these tables: equality (below), JSON and CSV (`export/`).
 * - Written by hand, because it runs for every changed socket, and tested against these tables: `sameEndpoint` and
 *   `isNotable` (`socket.ts`), the copy for the screen's thread (`compact.ts`), the search fields
 *   (`query/search-fields.ts`).
 */

/** A field with one value: a text or a number. */
export interface FieldRow {
  /** The search fields of a query contain the field: see `hasSameSearchFields`. */
  readonly searched?: true;
  /** A change of the field makes an event: see `isNotable`. */
  readonly notable?: true;
  /**
   * Name of its CSV column. @default the name of the field; a field of an endpoint, namespace or timer has the name of
   * that object before it, such as `timerKind`
   */
  readonly column?: string;
}

/** A field with an object. The fields of `tcp` are named by the kernel and are in no table. */
interface ObjectRow {
  readonly fields: Readonly<Record<string, FieldRow>> | 'named by the kernel';
}

export const ENDPOINT_FIELDS = {
  address: { searched: true, notable: true },
  port: { searched: true, notable: true },
  protocol: { searched: true, notable: true },
} as const satisfies Record<keyof Endpoint, FieldRow>;

/** Fields of each peer of a socket without a remote endpoint. */
export const PEER_FIELDS = {
  address: { searched: true },
  port: {},
} as const satisfies Record<keyof Omit<Endpoint, 'protocol'>, FieldRow>;

export const NETNS_FIELDS = {
  inode: { searched: true },
  name: { searched: true },
  claimedBy: {},
  own: {},
} as const satisfies Record<keyof NetworkNamespace, FieldRow>;

export const TRAFFIC_FIELDS = {
  rxBytes: {},
  txBytes: {},
  rxSegments: {},
  txSegments: {},
  rttMicros: {},
  rttVarMicros: {},
  retransmits: {},
  cwnd: {},
  deliveryRate: {},
  recvQueue: {},
  sendQueue: {},
  lastSentAtMs: {},
  lastReceivedAtMs: {},
} as const satisfies Record<keyof Traffic, FieldRow>;

export const TIMER_FIELDS = {
  kind: {},
  dueAtMs: {},
  retransmits: {},
} as const satisfies Record<keyof Timer, FieldRow>;

export const OWNER_FIELDS = {
  pid: { searched: true, notable: true },
  process: { searched: true },
  nowProcess: { searched: true },
  command: { searched: true },
  exe: {},
  directory: {},
  user: { searched: true, column: 'processUser' },
  startedAtMs: {},
  startTicks: {},
  knowledge: { searched: true },
  tried: {},
} as const satisfies Record<keyof Owner, FieldRow>;

/** Fields of a socket with one value. */
export type PlainField = {
  [K in keyof Socket]-?: NonNullable<Socket[K]> extends string | number ? K : never;
}[keyof Socket];

/** Fields of a socket with an object. */
export type ObjectField = Exclude<keyof Socket, PlainField>;

export const SOCKET_FIELDS = {
  id: {},
  protocol: { searched: true },
  family: { searched: true },
  local: { fields: ENDPOINT_FIELDS },
  remote: { fields: ENDPOINT_FIELDS },
  state: { searched: true, notable: true },
  opened: {},
  inode: {},
  uid: { searched: true },
  user: { searched: true },
  interface: { searched: true },
  netns: { fields: NETNS_FIELDS },
  createdAtMs: {},
  traffic: { fields: TRAFFIC_FIELDS },
  peers: { fields: PEER_FIELDS },
  timer: { fields: TIMER_FIELDS },
  tcp: { fields: 'named by the kernel' },
  owners: { fields: OWNER_FIELDS },
} as const satisfies Record<PlainField, FieldRow> & Record<ObjectField, ObjectRow>;

/** Returns the names of a table in order. */
export const fieldNames = <Name extends string>(table: Readonly<Record<Name, unknown>>): Name[] =>
  Object.keys(table) as Name[];

export const isPlainField = (name: keyof Socket): name is PlainField => !('fields' in SOCKET_FIELDS[name]);

/** Returns a function that returns true if two objects are equal in these fields, or both absent. */
function sameIn<Name extends string>(
  table: Readonly<Record<Name, FieldRow>>,
): (a: Readonly<Partial<Record<Name, unknown>>> | undefined, b: typeof a) => boolean {
  const names = fieldNames(table);
  return (a, b) =>
    a === b || (a !== undefined && b !== undefined && names.every((name) => a[name] === b[name]));
}

export const sameOwner: (a: Owner | undefined, b: Owner | undefined) => boolean = sameIn(OWNER_FIELDS);

/** Returns true if the lists have equal owners in the same order. */
export const sameOwners = (a: readonly Owner[], b: readonly Owner[]): boolean =>
  a === b || (a.length === b.length && a.every((owner, i) => sameOwner(owner, b[i])));

const PLAIN_FIELDS = fieldNames(SOCKET_FIELDS).filter(isPlainField);
const sameNetns = sameIn(NETNS_FIELDS);
const sameTraffic = sameIn(TRAFFIC_FIELDS);
const sameTimer = sameIn(TIMER_FIELDS);

/**
 * Returns true if all fields are equal; `tcp` must be the same object. Too slow for every socket of a `sock_diag` poll,
 * where `netlink/slots.ts` compares numbers.
 */
export const sameSocket = (a: Socket, b: Socket): boolean =>
  a === b ||
  (PLAIN_FIELDS.every((name) => a[name] === b[name]) &&
    sameEndpoint(a.local, b.local) &&
    sameEndpoint(a.remote, b.remote) &&
    sameNetns(a.netns, b.netns) &&
    sameTraffic(a.traffic, b.traffic) &&
    sameEndpoints(a.peers, b.peers) &&
    sameTimer(a.timer, b.timer) &&
    a.tcp === b.tcp &&
    sameOwners(a.owners, b.owners));
