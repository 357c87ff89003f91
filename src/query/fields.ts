import { SOCKET_STATES } from '../model/socket.ts';
import { type FieldRow, netField, portsField } from './field-kinds.ts';
import { isProtocol, PROTOCOL_FAMILY, PROTOCOL_NAMES, readProtocols } from './protocols.ts';
import { readAsns, readPids } from './ranges.ts';
import { readStates } from './states.ts';

/**
 * Every field that is written with a colon, in the order of the help. To add one is to add a row, and a row to the
 * table in docs/query.md. If it tests a text that no other field tests, also add that to `search-fields.ts`.
 */
export const FIELDS = {
  port: portsField('port', 'either', {
    syntax: ':PORTS, port:PORTS',
    example: ':443',
    about: 'local or remote port: numbers, services, ranges 8000-8100, lists',
  }),
  lport: portsField('lport', 'local', { syntax: 'lport:PORTS', example: 'lport:ssh', about: 'local port' }),
  rport: portsField('rport', 'remote', {
    syntax: 'rport:PORTS',
    example: 'rport:80,8000-8100',
    about: 'remote port',
  }),
  pid: {
    kind: 'ranges',
    syntax: 'pid:PIDS',
    example: 'pid:1,100-200',
    about: 'process ids, ranges, lists',
    expected: 'pids: pid:1, pid:1,100-200, pid>1000',
    read: readPids,
    numbers: (names) => names.ofOwners('pid'),
  },
  process: {
    kind: 'text',
    takesRegex: true,
    syntax: 'process:TEXT, process=NAME',
    example: 'process:curl',
    about: 'part of the program name, or with = the whole name; * stands for any text; /regex/ too',
    expected: 'a name: process:curl, process=curl, process:/^ssh/',
    texts: (names) => names.ofOwners('process'),
    live: ({ processes }) => processes,
  },
  peer: {
    kind: 'text',
    takesRegex: true,
    testsPeer: true,
    syntax: 'peer:TEXT, peer=NAME',
    example: 'peer:redis',
    about: 'part of the program name of the peer, if it is on this machine',
    expected: 'a name: peer:redis, peer=redis, peer:/^redis/',
    texts: (names) => names.ofOwners('process'),
    live: ({ processes }) => processes,
  },
  host: {
    kind: 'text',
    takesRegex: true,
    syntax: 'host:TEXT, host=NAME',
    example: 'host:*.example',
    about: 'name of the peer, as far as HOST has shown it; * stands for any text',
    expected: 'a name or an address: host:example, host:*.example, host:192.0.2.1',
    texts: () => [],
    lookupText: (socket, _, context) => context.nameOf?.(socket),
    unknownIn: ['poll', 'event'],
  },
  country: {
    kind: 'text',
    takesRegex: true,
    syntax: 'country:CODE',
    example: 'country:DE',
    about: 'country of the remote address, from a file of this machine (--geo)',
    expected: 'the two letters of a country: country:DE',
    texts: () => [],
    lookupText: (_, address, context) => context.locationOf?.(address).country,
    geoPart: 'country',
  },
  org: {
    kind: 'text',
    takesRegex: true,
    syntax: 'org:TEXT, org=NAME',
    example: 'org:hetzner',
    about: 'network operator of the remote address, as ORG shows it, from a file of this machine',
    expected: 'a name or a number: org:hetzner, org:*cloud*, org:AS13335',
    texts: () => [],
    lookupText: (_, address, context) => context.locationOf?.(address).org,
    geoPart: 'org',
  },
  asn: {
    kind: 'ranges',
    syntax: 'asn:NUMBERS',
    example: 'asn:13335',
    about: 'AS number of the network operator of the remote address, from a file of this machine',
    expected: 'numbers of autonomous systems: asn:13335, asn:64512-65534',
    read: readAsns,
    numbers: () => [],
    lookupNumber: (address, context) => context.locationOf?.(address).asn,
    geoPart: 'org',
  },
  cmd: {
    kind: 'text',
    takesRegex: true,
    syntax: 'cmd:TEXT, cmd=TEXT',
    example: 'cmd:--verbose',
    about: 'part of the command line of the program, or with = all of it',
    expected: 'part of a command line: cmd:--verbose, cmd:/-v+/',
    texts: (names) => names.ofOwners('command'),
  },
  user: {
    kind: 'text',
    syntax: 'user:TEXT, user=NAME',
    example: 'user=root',
    about: 'user of the socket',
    expected: 'a user: user:root',
    texts: (names) => [names.ofSocket('user')],
    live: ({ users }) => users,
  },
  state: {
    kind: 'list',
    syntax: 'state:STATES',
    example: 'state:close_wait,fin_wait2',
    about: 'TCP states, in any case, with or without underscores',
    expected: 'states: state:LISTEN, state:close_wait,fin_wait2',
    read: readStates,
    compile: (states) => {
      const wanted = new Set(states.map((it) => it.toLowerCase()));
      return (names) => wanted.has(names.ofSocket('state'));
    },
    live: ({ states }) => states,
    possible: () => SOCKET_STATES,
  },
  proto: {
    kind: 'list',
    syntax: 'proto:PROTOCOLS',
    example: 'proto:tcp6,udp',
    about: 'protocols; tcp is tcp4 and tcp6',
    expected: 'protocols: proto:tcp, proto:udp6,raw',
    read: readProtocols,
    compile: (protocols) => (names) =>
      protocols.some((it) => isProtocol(it, names.ofSocket('protocol'), names.ofSocket('family'))),
    wider: (protocol) => protocol.replace(PROTOCOL_FAMILY, ''),
    live: ({ protocols }) => protocols,
    possible: () => PROTOCOL_NAMES,
  },
  ns: {
    kind: 'exact',
    syntax: 'ns:NAME',
    example: 'ns:web',
    about: 'network namespace, by its full name or inode',
    expected: 'the name or inode of a namespace: ns:web, ns:4026531840',
    texts: (names) => [names.ofSocket('netnsInode'), names.ofSocket('netnsName')],
    live: ({ namespaces }) => namespaces,
  },
  if: {
    kind: 'text',
    syntax: 'if:TEXT, if=NAME',
    example: 'if:eth0',
    about: 'network interface',
    expected: 'an interface: if:eth0',
    texts: (names) => [names.ofSocket('interface')],
    live: ({ interfaces }) => interfaces,
  },
  net: netField('net', 'either', {
    example: 'net:10.0.0.0/8',
    about: 'the local or remote address is in this network',
  }),
  lnet: netField('lnet', 'local', {
    example: 'lnet:fe80::/10',
    about: 'the local address is in this network',
  }),
  rnet: netField('rnet', 'remote', {
    example: 'rnet:192.168.0.0/16',
    about: 'the remote address is in this network',
  }),
} satisfies Record<string, FieldRow>;

/** Name of a field. */
export type Field = keyof typeof FIELDS;

/** Names of the fields of one kind. */
export type FieldOf<Kind extends FieldRow['kind']> = {
  [F in Field]: (typeof FIELDS)[F]['kind'] extends Kind ? F : never;
}[Field];

export const isField = (name: string): name is Field => Object.hasOwn(FIELDS, name);

/** Returns the row of a field. */
export const fieldRow = (field: Field): FieldRow => FIELDS[field];

export const isFieldOf = <Kind extends FieldRow['kind']>(field: Field, kind: Kind): field is FieldOf<Kind> =>
  FIELDS[field].kind === kind;
