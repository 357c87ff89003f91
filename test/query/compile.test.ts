import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unmapped } from '../../src/model/address.ts';
import type { Socket } from '../../src/model/socket.ts';
import { compileForSubjects, compileQuery, type QueryContext } from '../../src/query/compile.ts';
import { narrows } from '../../src/query/narrows.ts';
import type { Subject } from '../../src/query/subject.ts';
import { TextPool } from '../../src/query/texts.ts';
import { takeSearchFields } from '../../src/query/search-fields.ts';
import { listener, queryFrom, socket, udp } from '../helpers/fakes.ts';
import { naive } from '../helpers/naive-query.ts';
import { anySubject, queryText, subject } from '../helpers/queries.ts';

const HOSTS = new Map([
  ['db.example', ['10.0.0.5', '2001:DB8:0::5']],
  ['mapped.example', ['::ffff:203.0.113.7']],
]);
const NAMES = new Map([
  ['10.0.0.5', 'db.example'],
  ['203.0.113.7', 'web.example'],
  ['2001:db8::5', 'dex.east'],
]);
const LOCATIONS = new Map([
  ['10.0.0.5', { country: 'de', org: 'as1 alpha', asn: 1 }],
  ['203.0.113.7', { country: 'fr', org: 'beta' }],
  ['2001:db8::5', { org: 'as20 gamma', asn: 20 }],
]);
const context: QueryContext = {
  nowMs: 10_000,
  baselineMs: 500,
  addressesOf: (host) => HOSTS.get(host),
  nameOf: ({ remote }) => NAMES.get(unmapped(remote?.address ?? '').replace(/%.*/, '')),
  locationOf: (address) => LOCATIONS.get(address) ?? {},
};

/** The peer of each incoming connection. */
const NODE: Socket = {
  ...socket(),
  owners: [
    { knowledge: 'exact', pid: 8, process: 'Node', nowProcess: 'my app' },
    { knowledge: 'exact', pid: 9, process: 'curl' },
  ],
};
const withPeers: QueryContext = {
  ...context,
  peerOf: ({ direction }) => (direction === 'in' ? NODE : undefined),
};

const finds = (text: string, of: Socket | Subject, where: QueryContext = context): boolean =>
  compileForSubjects(queryFrom(text), where)('socket' in of ? of : subject(of));

test('finds a process that executed another program by both names', () => {
  const became = socket({
    owners: [{ knowledge: 'exact', pid: 7, process: 'python3', nowProcess: 'sleep' }],
  });
  const texts = ['process:python', 'process:sleep', 'process=sleep', 'sleep', 'pid:7', 'process:/^sle/'];
  expect(texts.filter((text) => !finds(text, became))).toEqual([]);
  expect(['process:curl', 'pid:8', 'command:sleep'].filter((text) => finds(text, became))).toEqual([]);
});

const curl: Socket = {
  ...socket({ local: '10.0.0.5:40001', remote: '203.0.113.7:443', user: 'Ana', interface: 'eth0' }),
  netns: { inode: 7, name: 'web' },
  owners: [
    { knowledge: 'exact', pid: 42, process: 'Curl', command: 'curl --Silent https://x' },
    { knowledge: 'exact', pid: 43, process: 'my app' },
  ],
  traffic: { rxBytes: 1000, txBytes: 24, rttMicros: 50_000, recvQueue: 0, sendQueue: 5, retransmits: 2 },
};

describe('matches', () => {
  test.each([
    '',
    'cur AP silent ana eth0 web tcp https 443 42 estab',
    '10.0.0.5:400 203.0.113.7:443 "my app" .7:4',
    ':443 :https :1-500 port:22,443 lport:40001 rport:443 !lport:443 !rport:40001 !:44',
    'pid:42 pid:43 pid:1-50 !pid:44 pid>42 !pid>43 pid=42',
    'process:UR process=curl !process=cur process:/^cu/ cmd:--silent cmd:/x$/ process="MY app" !cmd=curl',
    'process:c*L process:* !process:ur* !process:*ur cmd:*silent* user:A* if:e*0 !process=c*l',
    'user:an user=ana !user=an if:ETH if=eth0 !if=eth ns:web ns:7 !ns:we',
    'state:established state:listen,ESTABLISHED !state:listen',
    'proto:tcp proto:tcp4 proto:udp,tcp !proto:tcp6 ipv4 !ipv6',
    '@10.0.0.5 @203.0.113.7:443 @203.0.113.7:https !@10.0.0.5:443 @::ffff:a00:5 @db.example !@db.example:443',
    '@mapped.example !@unknown.example',
    'net:10.0.0.0/8 lnet:10.0.0.5/32 rnet:203.0.113.0/24 !rnet:10.0.0.0/8 !net:::/0',
    'public !private !loopback !exposed !listen established',
    'rx>=1k !rx>1k rx=1000 tx<1KiB bytes=1024 bytes=1KiB rtt>49 rtt<=50ms rtt>49999us recvq=0 sendq>4b queue=5 retr>1',
    '/^my APP$/ /^203\\./ /^443$/ /^https$/ !/^44$/ !/:443/',
    'nope or curl',
    '!(nope or wget) (curl or x) (x or ana)',
    '-i -i udp -iTCP:https -i4 -s TCP:established',
  ])('%s', (text) => {
    expect(finds(text, curl)).toBe(true);
  });

  test('a star does not match an unknown value', () => {
    expect(
      ['process:*', 'cmd:*', 'if:*', 'host:*', 'peer:*'].filter((text) =>
        finds(text, socket({ owners: [] })),
      ),
    ).toEqual([]);
  });

  test('an unknown value matches no comparison', () => {
    const unknown = socket();
    for (const name of [
      'rx',
      'tx',
      'bytes',
      'rx/s',
      'tx/s',
      'rate',
      'rtt',
      'recvq',
      'sendq',
      'queue',
      'retr',
    ])
      expect([
        finds(`${name}>=0`, unknown),
        finds(`${name}<1`, unknown),
        finds(`!${name}>=0`, unknown),
      ]).toEqual([false, false, true]);
    const half: Socket = { ...socket(), traffic: { rxBytes: 1 } };
    expect([finds('rx>0', half), finds('bytes>0', half)]).toEqual([true, false]);
  });

  test('listen matches UDP listeners too, exposed only those beyond loopback', () => {
    const all = [
      listener(),
      listener({ local: '127.0.0.1:80' }),
      listener({ local: '[::1]:80' }),
      udp(),
      socket(),
    ];
    const answers = (text: string) => all.map((it) => finds(text, it));
    expect(answers('listen')).toEqual([true, true, true, true, false]);
    expect(answers('exposed')).toEqual([true, false, false, true, false]);
    expect(answers('loopback')).toEqual([false, true, true, false, false]);
    expect(answers('public or private')).toEqual([false, false, false, false, true]);
    expect(
      finds(
        'listen exposed',
        socket({ protocol: 'unix', family: 'unix', local: '/run/x:0', remote: null, state: 'LISTEN' }),
      ),
    ).toBe(false);
    // The send queue of a listener is its backlog limit.
    expect(finds('queue>0', { ...listener(), traffic: { recvQueue: 0, sendQueue: 128 } })).toBe(false);
  });

  test('tests rates, direction, new and closed', () => {
    const row = subject(curl, {
      rxRate: 1000,
      txRate: 500,
      direction: 'out',
      firstSeenMs: 501,
      mark: 'closed',
    });
    expect(finds('rx/s=1k tx/s<1k rate=1500 out !in new closed', row)).toBe(true);
    expect(finds('new', { ...row, firstSeenMs: 500 })).toBe(false);
    expect(finds('new', { ...row, baseline: true })).toBe(false);
    expect(finds('new', { ...row, firstSeenMs: -1 }, { ...context, baselineMs: undefined })).toBe(true);
  });

  test('age is the lifetime of a closed socket, and a lower bound for a baseline socket', () => {
    const row = subject(curl, { firstSeenMs: 4000 });
    expect(finds('age=6s age<=6s age>5999ms !age>1m', row)).toBe(true);
    expect(finds('age=20ms', { ...row, mark: 'closed', lifetimeMs: 20 })).toBe(true);
    // The remnant of a connection has an age of its own.
    expect(finds('age=20ms', { ...row, lifetimeMs: 20 })).toBe(false);
    const before = { ...row, baseline: true };
    expect(['age>5s', 'age>=6s', 'age<1d', 'age<=6s', 'age=6s'].map((it) => finds(it, before))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  test('an address without a scope matches any scope', () => {
    const linked = socket({ local: '[fe80::1%v0]:7000', remote: '[fe80::2%v0]:1' });
    expect(finds('@fe80::1 @[fe80::2%V0]:1 !@fe80::1%v1 net:fe80::/10 private', linked)).toBe(true);
  });

  test('a bare number is a whole port or process id, and never part of an inode or an address', () => {
    const it: Socket = {
      ...curl,
      netns: { inode: 4026531840 },
      local: { address: '10.0.22.5', port: 40022 },
    };
    expect(['443', '40022', '42', '43'].filter((text) => !finds(text, it))).toEqual([]);
    expect(['44', '22', '40', '4026531840', '10', '5', '4'].filter((text) => finds(text, it))).toEqual([]);
    expect(['"22"', '"4026"', '"44"'].filter((text) => !finds(text, it))).toEqual([]);
  });

  test('local: and remote: test one endpoint', () => {
    expect(finds('remote:203.0.113.7 dst:203.0.113.7:443 peer:443 local:10.0.0.5 src:10.0.0.0/8', curl)).toBe(
      true,
    );
    expect(
      ['local:203.0.113.7', 'remote:10.0.0.5', 'remote:203.0.113.7:80', 'src:443', 'dst:10.0.0.0/8'].filter(
        (text) => finds(text, curl),
      ),
    ).toEqual([]);
    expect([finds('local:db.example', curl), finds('remote:db.example', curl)]).toEqual([true, false]);
  });

  test('peer: tests the programs of the peer', () => {
    const incoming = subject(socket({ process: 'nginx' }), { direction: 'in' });
    const found = ['peer:nod', 'peer=node', 'peer:/^n/', 'peer="my app"', 'peer:curl', '!peer:nginx'];
    expect(found.filter((text) => !finds(text, incoming, withPeers))).toEqual([]);
    expect(['peer:nginx', 'peer=nod', 'peer:/x/'].filter((text) => finds(text, incoming, withPeers))).toEqual(
      [],
    );
    const outgoing = subject(socket(), { direction: 'out' });
    expect([finds('peer:node', outgoing, withPeers), finds('peer:node', incoming)]).toEqual([false, false]);
  });

  test('a word matches neither across two texts nor in a text that is not shown', () => {
    expect(finds('"42curl" or "curl\0"', curl)).toBe(false);
    expect([
      finds('ipv', curl),
      finds('ipv4x', curl),
      finds('"7"', { ...curl, netns: { inode: 987654321, name: 'web' } }),
    ]).toEqual([false, false, true]);
    expect(finds('98765', { ...curl, netns: { inode: 987654321, name: 'web' } })).toBe(false);
  });
});

test('reads clock, baseline and host addresses on every call', () => {
  const now = {
    nowMs: 0,
    baselineMs: undefined as number | undefined,
    known: undefined as string[] | undefined,
  };
  const moving: QueryContext = {
    get nowMs() {
      return now.nowMs;
    },
    get baselineMs() {
      return now.baselineMs;
    },
    addressesOf: () => now.known,
  };
  const matches = compileForSubjects(queryFrom('age>5s'), moving);
  const isNew = compileForSubjects(queryFrom('new'), moving);
  const isHost = compileForSubjects(queryFrom('@db.example'), moving);
  const before = [matches, isNew, isHost].map((it) => it(subject(curl)));
  Object.assign(now, { nowMs: 6000, baselineMs: 3000, known: ['203.0.113.7'] });
  expect([before, [matches, isNew, isHost].map((it) => it(subject(curl)))]).toEqual([
    [false, true, false],
    [true, false, true],
  ]);
});

test('any query matches the same sockets as a naive evaluation, with and without a shared pool', () => {
  fc.assert(
    fc.property(queryText, fc.array(anySubject, { maxLength: 12 }), (text, subjects) => {
      const query = queryFrom(text);
      const expected = subjects.filter((it) => naive(query.expression, it, withPeers));
      // Not `expect`, which takes longer than the query.
      assert.deepEqual(subjects.filter(compileForSubjects(query, withPeers)), expected);
      const pool = new TextPool();
      const fields = subjects.map((it) => takeSearchFields(it.socket, pool));
      const matches = compileQuery(query, pool, withPeers);
      const matched = subjects.filter((it, i) => fields[i] && matches(fields[i], it));
      assert.deepEqual(matched, expected);
    }),
    { numRuns: 3000 },
  );
});

describe('narrows', () => {
  test.each<[string, string, boolean]>([
    ['', 'a', true],
    ['cur', 'curl', true],
    ['url', 'CURL', true],
    ['curl', 'cur', false],
    ['a', 'a b', true],
    ['a b', 'a', false],
    ['b a', 'ab :1 b', true],
    ['a or b', 'a', true],
    ['a or b', 'a or bc', true],
    ['a', 'a or b', false],
    ['a or b', '(a or b) c', true],
    ['!curl', '!cur', true],
    ['!cur', '!curl', false],
    [':1-100', ':80,90-95', true],
    [':80', 'lport:80', true],
    ['lport:80', ':80', false],
    [':http', ':http', true],
    [':80', ':http', false],
    ['pid:1-9', 'pid:3', true],
    ['state:LISTEN,CLOSE', 'state:CLOSE', true],
    ['proto:tcp', 'proto:tcp6', true],
    ['proto:tcp6', 'proto:tcp', false],
    ['process:cur', 'process=curl', true],
    ['process=curl', 'process:curl', false],
    ['process:a', 'cmd:a', false],
    ['tx>1k', 'tx>=2k', true],
    ['tx>1k', 'tx>=1k', false],
    ['tx>=1k', 'tx=1k', true],
    ['tx>1k', 'tx<2k', false],
    ['liste', 'listen', false],
    ['@a.example', '@a.example x', true],
    // With time, sockets that did not match may match.
    ['age>1s', 'age>1s x', false],
    ['x', 'x age>1s', true],
    // A final sigma has a different lower-case letter.
    ['ΑΣ', 'ΑΣΑ', false],
  ])('from %s to %s: %s', (before, after, expected) => {
    expect(narrows(queryFrom(before), queryFrom(after))).toBe(expected);
  });

  test('any query that narrows another matches no further sockets', () => {
    const pair = fc.oneof(
      fc.tuple(queryText, queryText),
      fc.tuple(queryText, queryText).map(([a, b]): [string, string] => [a, `(${a}) (${b})`]),
      fc.tuple(queryText, queryText).map(([a, b]): [string, string] => [`(${a}) or (${b})`, a]),
    );
    fc.assert(
      fc.property(pair, fc.array(anySubject, { maxLength: 8 }), ([from, to], subjects) => {
        const [before, after] = [queryFrom(from), queryFrom(to)];
        if (!narrows(before, after)) return;
        const left = subjects.filter(compileForSubjects(before, context));
        assert.deepEqual(
          left.filter(compileForSubjects(after, context)),
          subjects.filter(compileForSubjects(after, context)),
        );
      }),
      { numRuns: 3000 },
    );
  });

  test('detects an added condition, and is fast for the longest queries', () => {
    fc.assert(
      fc.property(queryText, queryText, (a, b) => {
        const before = queryFrom(a);
        fc.pre(!before.isTimed);
        expect(narrows(before, queryFrom(`(${a}) (${b})`))).toBe(true);
      }),
    );
    const deep = (word: string) => `${`(${word} or (${word} (`.repeat(14)}${word}${')))'.repeat(14)}`;
    expect(narrows(queryFrom(deep('a')), queryFrom(deep('b')))).toBe(false);
  });
});
