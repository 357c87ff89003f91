import fc from 'fast-check';
import type { Owner, Protocol, Socket, SocketState } from '../../src/model/socket.ts';
import type { Subject } from '../../src/query/subject.ts';
import { endOf, socket } from './fakes.ts';

/** Returns a subject with default fields. */
export const subject = (of: Socket = socket(), fields: Partial<Subject> = {}): Subject => ({
  socket: of,
  mark: 'none',
  firstSeenMs: 0,
  baseline: false,
  rxRate: undefined,
  txRate: undefined,
  ...fields,
});

const pick = fc.constantFrom;
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

const V4 = [
  '127.0.0.1',
  '10.0.0.5',
  '10.1.2.3',
  '192.168.1.9',
  '203.0.113.7',
  '100.64.0.9',
  '224.0.0.251',
  '0.0.0.0',
];
const V6 = [
  '::1',
  '2001:db8::5',
  'fe80::1%eth0',
  'fd00::7',
  '::ffff:10.0.0.5',
  '::ffff:203.0.113.7',
  '::',
  'ff02::fb',
];
const PORTS = [0, 22, 53, 80, 443, 8000, 8080, 40001];

const endpoint = (family: string) =>
  fc.record({ address: pick(...(family === 'ipv6' ? V6 : V4)), port: pick(...PORTS) });

const owner: fc.Arbitrary<Owner> = fc.record(
  {
    knowledge: pick('exact', 'hidden', 'kernel'),
    pid: pick(1, 42, 443, 1000),
    process: pick('curl', 'Curl', 'my app', 'a"b\\c', 'node', 'A\nB'),
    user: pick('ana', 'bob'),
    command: pick('curl --Silent https://x', 'node server.js', '/usr/bin/my app'),
  },
  { requiredKeys: ['knowledge'] },
);

const STATES: SocketState[] = ['ESTABLISHED', 'LISTEN', 'TIME_WAIT', 'CLOSE_WAIT'];
const amount = pick(0, 1, 1000, 1024, 50_000, 2_000_000);
const traffic = fc.record(
  {
    rxBytes: amount,
    txBytes: amount,
    rttMicros: amount,
    recvQueue: amount,
    sendQueue: amount,
    retransmits: pick(0, 1, 3),
  },
  { requiredKeys: [] },
);

/** Any of a set of similar sockets, so that a query matches some of them. */
const anySocket: fc.Arbitrary<Socket> = pick('ipv4' as const, 'ipv6' as const).chain((family) =>
  fc
    .record(
      {
        protocol: pick<Protocol[]>('tcp', 'udp', 'raw', 'udplite', 'icmp'),
        local: endpoint(family),
        remote: fc.option(endpoint(family), { freq: 3 }),
        owners: fc.array(owner, { minLength: 1, maxLength: 2 }),
        state: pick(...STATES),
        uid: pick(0, 1000),
        user: pick('root', 'Ana'),
        interface: pick('eth0', 'lo'),
        netns: fc.record({ inode: pick(7, 4026), name: pick('web', 'DB') }, { requiredKeys: ['inode'] }),
        traffic,
      },
      { requiredKeys: ['protocol', 'local', 'remote', 'owners'] },
    )
    .map(({ local, remote, ...it }) => ({
      id: 'x',
      family,
      ...it,
      local: endOf(local, it.protocol),
      remote: remote && { address: remote.address, port: endOf(remote, it.protocol).port },
    })),
);

/** Any row of such a socket. */
export const anySubject: fc.Arbitrary<Subject> = fc
  .record({
    socket: anySocket,
    mark: pick('none' as const, 'spawned' as const, 'closed' as const),
    firstSeenMs: pick(0, 500, 5000, 9000),
    baseline: fc.boolean(),
    direction: maybe(pick('in' as const, 'out' as const)),
    rxRate: maybe(amount),
    txRate: maybe(amount),
    lifetimeMs: maybe(pick(3, 20_000)),
  })
  .map(({ direction, lifetimeMs, ...rest }) => ({
    ...rest,
    ...(direction && { direction }),
    ...(lifetimeMs !== undefined && { lifetimeMs }),
  }));

const joinedBy = (list: readonly string[]): fc.Arbitrary<string> =>
  fc.array(pick(...list), { minLength: 1, maxLength: 3 }).map((it) => it.join(','));

const portList = joinedBy(['443', 'https', '8000-8100', '80', '22', '0', 'domain', '1-ssh']);

/** One term as a user types it. */
export const termText: fc.Arbitrary<string> = fc.oneof(
  pick(
    'curl',
    'CURL',
    'cur',
    '443',
    '44',
    '80',
    '42',
    'ana',
    'tcp',
    '10.0.0.5',
    '.5:80',
    '::1',
    'hidden',
    'estab',
    '"443"',
    '"0"',
    'http',
    'web',
  ),
  pick(
    '"my app"',
    '"a\\"b\\\\c"',
    '"in"',
    '"and"',
    '"port:443"',
    '"/usr/bin"',
    '"A\nB"',
    '"("',
    '"curl --s"',
  ),
  pick('/^cur/', '/^(node|curl)$/', 'process:/^c.*l$/', 'cmd:/server\\.js/', '/^80$/', '/[0-9]{3}/', '/\\//'),
  pick(
    'process:cur',
    'process=CURL',
    'process:c*L',
    'peer:*de',
    'process="my app"',
    'process:"a\\"b"',
    'process="A\nB"',
    'process:""',
    'process=""',
    'peer:cur',
    'peer=NODE',
    'peer="my app"',
    'peer:/^n/',
    'peer:"443"',
    'peer:"10.0.0.5"',
  ),
  pick(
    'cmd:silent',
    'cmd:"/usr"',
    'user:ro',
    'user=ana',
    'user:1000',
    'user:a*',
    'if:eth',
    'if:*0',
    'if=LO',
    'ns:web',
    'ns:db',
    'ns:7',
  ),
  portList.map((it) => `:${it}`),
  portList.map((it) => `lport:${it}`),
  portList.map((it) => `rport:${it}`),
  pick('pid:42', 'pid:1-100', 'pid:443,1000', 'pid>42', 'pid<=42', 'pid=1'),
  joinedBy(['LISTEN', 'established', 'timewait', 'Close_Wait']).map((it) => `state:${it}`),
  joinedBy(['tcp', 'UDP', 'tcp6', 'udp4', 'raw', 'udplite']).map((it) => `proto:${it}`),
  pick(
    '@10.0.0.5',
    '@::ffff:10.0.0.5',
    '@[::1]:443',
    '@fe80::1',
    '@fe80::1%eth0',
    '@db.example',
    '@db.example:443',
  ),
  pick('@203.0.113.7:80,443', '@2001:DB8:0::5', '@unknown.example', '@[::ffff:a00:5]', '@10.0.0.5:8000-8100'),
  pick(
    'net:10.0.0.0/8',
    'net:10.1.2.3/15',
    'lnet:::/0',
    'rnet:fd00::/8',
    'net:0.0.0.0/0',
    'net:::ffff:10.0.0.0/104',
  ),
  pick(
    'local:10.0.0.5',
    'remote:203.0.113.7:80,443',
    'dst:db.example',
    'src:[::1]:443',
    'remote:443',
    'peer:10.0.0.0/8',
    'host:10.0.0.5',
    'host:example',
    'host:*.example',
    'host:d*.e*e',
    'host=DB.example',
    'host:/^db/',
    'country:DE',
    'country:/^[df]/',
    'org:alpha',
    'org:AS*l*a',
    'org="AS1 Alpha"',
    'asn:1',
    'asn:AS2-30,7',
    'sport:22,443',
    'program:cur',
  ),
  pick('rnet:203.0.113.7', 'net:2001:db8::/33', 'lnet:10.0.0.4/31'),
  pick(
    'in',
    'OUT',
    'listen',
    'established',
    'new',
    'closed',
    'loopback',
    'public',
    'private',
    'exposed',
    'ipv4',
    'ipv6',
  ),
  pick(
    'age<10s',
    'age>=1s',
    'age=1s',
    'rx>1k',
    'tx<=1KiB',
    'bytes>=50k',
    'rx/s>1000',
    'tx/s<2M',
    'rate=2000',
  ),
  pick('rtt>50ms', 'rtt<1', 'recvq>0', 'sendq=0', 'queue>1k', 'retr>=3', 'RX>=0.5M'),
  pick(
    // In parentheses: otherwise the next word would be its form.
    '(-i)',
    '-i tcp',
    '-iUDP:53',
    '-i 6',
    '-i4tcp@10.0.0.5:22',
    '-i @db.example',
    '-s TCP:LISTEN',
    '-sTCP:^LISTEN',
  ),
);

/** A whole query as a user types it. */
export const queryText: fc.Arbitrary<string> = fc.letrec<{ query: string }>((tie) => ({
  query: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    termText,
    tie('query').map((it) => `!(${it})`),
    tie('query').map((it) => `not ( ${it} )`),
    termText.map((it) => `!${it}`),
    fc.tuple(tie('query'), pick(' ', ' and ', '  ', ' or ', ' OR '), tie('query')).map((it) => it.join('')),
    fc.tuple(tie('query'), pick(' ', ' or '), tie('query')).map(([a, tie_, b]) => `(${a})${tie_}(${b})`),
  ),
})).query;
