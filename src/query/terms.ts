import { QUANTITY_NAMES } from './amounts.ts';
import type { Flag, Quantity } from './expression.ts';
import type { Field } from './fields.ts';
import { FLAGS } from './names.ts';

/** One line of the grammar, as help tells it. */
export interface TermHelp {
  readonly syntax: string;
  /** A query of its own. */
  readonly example: string;
  readonly about: string;
}

const FIELD_HELP = {
  port: {
    syntax: ':PORTS, port:PORTS',
    example: ':443',
    about: 'a port at either end: numbers, services, ranges 8000-8100, lists',
  },
  lport: { syntax: 'lport:PORTS', example: 'lport:ssh', about: 'the local port' },
  rport: { syntax: 'rport:PORTS', example: 'rport:80,8000-8100', about: 'the port of the peer' },
  pid: { syntax: 'pid:PIDS', example: 'pid:1,100-200', about: 'process ids, ranges, lists' },
  process: {
    syntax: 'process:TEXT, process=NAME',
    example: 'process:curl',
    about: 'a part of the name of the program; with = the whole; /regex/ too',
  },
  cmd: { syntax: 'cmd:TEXT, cmd=TEXT', example: 'cmd:--verbose', about: 'the same of its command line' },
  user: { syntax: 'user:TEXT, user=NAME', example: 'user=root', about: 'the user that the socket is of' },
  state: {
    syntax: 'state:STATES',
    example: 'state:close_wait,fin_wait2',
    about: 'states of TCP in any case, with or without underscores',
  },
  proto: { syntax: 'proto:PROTOCOLS', example: 'proto:tcp6,udp', about: 'protocols; tcp is tcp4 and tcp6' },
  ns: { syntax: 'ns:NAME', example: 'ns:web', about: 'a network namespace by its whole name, or its number' },
  if: { syntax: 'if:TEXT, if=NAME', example: 'if:eth0', about: 'the interface' },
  net: { syntax: 'net:NETWORK', example: 'net:10.0.0.0/8', about: 'a network, IPv4 or IPv6, at either end' },
  lnet: {
    syntax: 'lnet:NETWORK',
    example: 'lnet:fe80::/10',
    about: 'a network that the local address is in',
  },
  rnet: { syntax: 'rnet:NETWORK', example: 'rnet:192.168.0.0/16', about: 'a network that the peer is in' },
} satisfies Record<Field, TermHelp>;

const compared = (example: string, about: string): Omit<TermHelp, 'syntax'> => ({ example, about });

const QUANTITY_HELP = {
  age: compared('age<10s', 'how long it is there, or lived: ms s m h d'),
  rx: compared('rx>1M', 'bytes received: k M G T are powers of 1000, KiB MiB GiB TiB of 1024'),
  tx: compared('tx>=1GiB', 'bytes sent'),
  bytes: compared('bytes>10M', 'bytes both ways together'),
  'rx/s': compared('rx/s>100k', 'bytes received a second'),
  'tx/s': compared('tx/s>100k', 'bytes sent a second'),
  rate: compared('rate>1M', 'bytes a second both ways together'),
  rtt: compared('rtt>50ms', 'round-trip time: us ms s'),
  recvq: compared('recvq>0', 'bytes that the program has not read; connections that wait at a listener'),
  sendq: compared('sendq>64KiB', 'bytes that the peer has not acknowledged'),
  queue: compared('queue>0', 'bytes in both queues together'),
  retr: compared('retr>=3', 'segments sent again'),
  pid: compared('pid>1000', 'process id'),
} satisfies Record<Quantity, Omit<TermHelp, 'syntax'>>;

/** All that a query can say. Help and README are made of it. */
export const TERMS: readonly TermHelp[] = [
  {
    syntax: 'WORD, "TEXT"',
    example: 'curl',
    about: 'a part of anything shown: program, command line, address, port, service, user and so on',
  },
  {
    syntax: '/REGEX/',
    example: '/^(ssh|sftp)/',
    about: 'a regex (RE2) that any of these texts fits; case does not matter',
  },
  ...Object.values(FIELD_HELP),
  {
    syntax: '@HOST, @HOST:PORTS',
    example: '@192.0.2.1:443',
    about: 'an address in any spelling, or a host name, at either end',
  },
  ...(Object.keys(FLAGS) as Flag[]).map((flag) => ({ syntax: flag, example: flag, about: FLAGS[flag] })),
  ...QUANTITY_NAMES.map((name) => ({ syntax: `${name}>N`, ...QUANTITY_HELP[name] })),
  { syntax: '> >= < <= =', example: 'rtt<=1ms', about: 'ways to compare; what is not known fits none' },
  { syntax: 'A B, A and B', example: 'curl and :443', about: 'both' },
  { syntax: 'A or B', example: ':80 or :443', about: 'one of them; and binds closer' },
  { syntax: '!A, not A', example: '!loopback', about: 'all but these' },
  { syntax: '( )', example: '(:80 or :443) !curl', about: 'what belongs together' },
  {
    syntax: '-i FORM',
    example: '-i tcp@192.0.2.1:22',
    about: 'as lsof has it: [46][tcp|udp][@host][:ports]; of several, one',
  },
  {
    syntax: '-s TCP:STATES',
    example: '-s TCP:^LISTEN',
    about: 'as lsof has it: these states, or with ^ all but these',
  },
];
