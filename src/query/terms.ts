import { QUANTITY_NAMES } from './amounts.ts';
import type { Flag, Quantity } from './expression.ts';
import type { Field } from './fields.ts';
import { FLAGS } from './names.ts';

/** Help about one kind of term. */
export interface TermHelp {
  readonly syntax: string;
  /** A complete query. */
  readonly example: string;
  readonly about: string;
}

const FIELD_HELP = {
  port: {
    syntax: ':PORTS, port:PORTS',
    example: ':443',
    about: 'local or remote port: numbers, services, ranges 8000-8100, lists',
  },
  lport: { syntax: 'lport:PORTS', example: 'lport:ssh', about: 'local port' },
  rport: { syntax: 'rport:PORTS', example: 'rport:80,8000-8100', about: 'remote port' },
  pid: { syntax: 'pid:PIDS', example: 'pid:1,100-200', about: 'process ids, ranges, lists' },
  process: {
    syntax: 'process:TEXT, process=NAME',
    example: 'process:curl',
    about: 'part of the program name, or with = the whole name; /regex/ too',
  },
  cmd: { syntax: 'cmd:TEXT, cmd=TEXT', example: 'cmd:--verbose', about: 'the same for its command line' },
  user: { syntax: 'user:TEXT, user=NAME', example: 'user=root', about: 'user of the socket' },
  state: {
    syntax: 'state:STATES',
    example: 'state:close_wait,fin_wait2',
    about: 'TCP states, in any case, with or without underscores',
  },
  proto: { syntax: 'proto:PROTOCOLS', example: 'proto:tcp6,udp', about: 'protocols; tcp is tcp4 and tcp6' },
  ns: { syntax: 'ns:NAME', example: 'ns:web', about: 'network namespace, by its full name or inode' },
  if: { syntax: 'if:TEXT, if=NAME', example: 'if:eth0', about: 'network interface' },
  net: {
    syntax: 'net:NETWORK',
    example: 'net:10.0.0.0/8',
    about: 'the local or remote address is in this network',
  },
  lnet: {
    syntax: 'lnet:NETWORK',
    example: 'lnet:fe80::/10',
    about: 'the local address is in this network',
  },
  rnet: {
    syntax: 'rnet:NETWORK',
    example: 'rnet:192.168.0.0/16',
    about: 'the remote address is in this network',
  },
} satisfies Record<Field, TermHelp>;

const compared = (example: string, about: string): Omit<TermHelp, 'syntax'> => ({ example, about });

const QUANTITY_HELP = {
  age: compared('age<10s', 'time since first seen, or lifetime of a closed socket: ms s m h d'),
  rx: compared('rx>1M', 'bytes received: k M G T are powers of 1000, KiB MiB GiB TiB of 1024'),
  tx: compared('tx>=1GiB', 'bytes sent'),
  bytes: compared('bytes>10M', 'bytes received and sent'),
  'rx/s': compared('rx/s>100k', 'bytes received per second'),
  'tx/s': compared('tx/s>100k', 'bytes sent per second'),
  rate: compared('rate>1M', 'bytes received and sent per second'),
  rtt: compared('rtt>50ms', 'round-trip time: us ms s'),
  recvq: compared(
    'recvq>0',
    'bytes that the program has not read; for a listener, connections not yet accepted',
  ),
  sendq: compared('sendq>64KiB', 'bytes that the peer has not acknowledged'),
  queue: compared('queue>0', 'bytes in both queues'),
  retr: compared('retr>=3', 'retransmitted segments'),
  pid: compared('pid>1000', 'process id'),
} satisfies Record<Quantity, Omit<TermHelp, 'syntax'>>;

/** Help about every term of the query language. The help screen and the table in README show it. */
export const TERMS: readonly TermHelp[] = [
  {
    syntax: 'WORD, "TEXT"',
    example: 'curl',
    about: 'part of anything shown: program, command line, address, port, service, user and so on',
  },
  {
    syntax: '/REGEX/',
    example: '/^(ssh|sftp)/',
    about: 'a regex (RE2) that matches any of these texts, ignoring case',
  },
  ...Object.values(FIELD_HELP),
  {
    syntax: '@HOST, @HOST:PORTS',
    example: '@192.0.2.1:443',
    about: 'local or remote address in any spelling, or a host name',
  },
  ...(Object.keys(FLAGS) as Flag[]).map((flag) => ({ syntax: flag, example: flag, about: FLAGS[flag] })),
  ...QUANTITY_NAMES.map((name) => ({ syntax: `${name}>N`, ...QUANTITY_HELP[name] })),
  { syntax: '> >= < <= =', example: 'rtt<=1ms', about: 'comparisons; an unknown value matches none' },
  { syntax: 'A B, A and B', example: 'curl and :443', about: 'both' },
  { syntax: 'A or B', example: ':80 or :443', about: 'either or both; and binds tighter' },
  { syntax: '!A, not A', example: '!loopback', about: 'not A' },
  { syntax: '( )', example: '(:80 or :443) !curl', about: 'grouping' },
  {
    syntax: '-i FORM',
    example: '-i tcp@192.0.2.1:22',
    about: 'as lsof -i: [46][tcp|udp][@host][:ports]; if repeated, any may match',
  },
  {
    syntax: '-s TCP:STATES',
    example: '-s TCP:^LISTEN',
    about: 'as lsof -s: these states, or with ^ all but these',
  },
];
