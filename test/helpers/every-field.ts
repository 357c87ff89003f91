import { type FieldRow, fieldNames, SOCKET_FIELDS } from '../../src/model/fields.ts';
import type {
  Endpoint,
  NetworkNamespace,
  Owner,
  Socket,
  TcpInfo,
  Timer,
  Traffic,
} from '../../src/model/socket.ts';

/** An endpoint with every field. */
const ENDPOINT: Required<Endpoint> = { address: '::1', port: 1, protocol: 58 };
const NETNS: Required<NetworkNamespace> = { inode: 1, name: '~ana/web', claimedBy: 1000, own: true };
const TIMER: Required<Timer> = { kind: 'on', dueAtMs: 1, retransmits: 0 };
const TCP: TcpInfo = { sndMss: 1 };

const TRAFFIC: Required<Traffic> = {
  rxBytes: 1,
  txBytes: 0,
  rxSegments: 3,
  txSegments: 4,
  retransmits: 0,
  rttMicros: 6,
  rttVarMicros: 7,
  cwnd: 8,
  deliveryRate: 9,
  recvQueue: 0,
  sendQueue: 11,
  lastSentAtMs: 12,
  lastReceivedAtMs: 13,
};

const OWNER: Required<Owner> = {
  knowledge: 'exact',
  pid: 7,
  process: 'node',
  nowProcess: 'sh',
  command: 'node a.js',
  exe: '/usr/bin/node',
  directory: '/srv/a',
  user: 'www',
  startedAtMs: 8,
  startTicks: 9,
  tried: 'not among the threads',
};

/** A socket with every field of the model: `Required` makes a new field a type error here until it is added. */
export const EVERY_FIELD = {
  opened: 'in',
  id: 'sk:1',
  protocol: 'raw',
  family: 'ipv6',
  local: ENDPOINT,
  remote: { ...ENDPOINT, address: '::2' },
  state: 'ESTABLISHED',
  inode: 7,
  uid: 0,
  user: '',
  interface: 'lo',
  netns: NETNS,
  createdAtMs: 9,
  traffic: TRAFFIC,
  peers: [{ address: '::3', port: 53 }],
  timer: TIMER,
  tcp: TCP,
  owners: [OWNER],
} as const satisfies Required<Socket>;

/** A field of the model, and `EVERY_FIELD` with another value in it. */
interface FieldChange {
  /** The field, after the name of its object: `timer.kind`. */
  readonly name: string;
  readonly row: FieldRow;
  readonly changed: Socket;
}

/** Returns another value of the same type. */
const otherValue = (value: unknown): unknown =>
  typeof value === 'number' ? value + 1000 : `${String(value)}x`;

const withOther = (it: object, name: string): object => ({
  ...it,
  [name]: otherValue((it as Record<string, unknown>)[name]),
});

/** One change for each row of the tables of the model. */
export const FIELD_CHANGES: readonly FieldChange[] = fieldNames(SOCKET_FIELDS).flatMap((name) => {
  const table: { readonly fields?: object | string } & FieldRow = SOCKET_FIELDS[name];
  if (typeof table.fields === 'string') return [];
  if (table.fields === undefined)
    return [{ name, row: table, changed: withOther(EVERY_FIELD, name) as Socket }];
  const isList = name === 'owners' || name === 'peers';
  const object: object = isList ? EVERY_FIELD[name][0] : (EVERY_FIELD[name] as object);
  return Object.entries(table.fields as Record<string, FieldRow>).map(([field, row]) => {
    const other = withOther(object, field);
    const changed = { ...EVERY_FIELD, [name]: isList ? [other] : other } as Socket;
    return { name: `${name}.${field}`, row, changed };
  });
});
