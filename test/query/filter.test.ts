import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { serviceName } from '../../src/model/services.ts';
import type { Owner, Socket, SocketState } from '../../src/model/socket.ts';
import { compileFilter, describeFilter, type Filter, narrows } from '../../src/query/filter.ts';
import { listener, socket, udp } from '../helpers/fakes.ts';

const curl: Socket = {
  ...socket({ local: '192.0.2.10:40000', remote: '198.51.100.7:443', uid: 1000, user: 'Ana' }),
  owners: [{ knowledge: 'exact', pid: 4242, process: 'Curl', command: 'curl --Silent https://example.com' }],
};
const matches = (filter: Filter, it: Socket = curl) => compileFilter(filter)(it);
const finds = (text: string, it: Socket = curl) => matches({ text }, it);

describe('conditions', () => {
  test('none lets everything through', () => {
    expect([curl, listener(), udp()].every(compileFilter({}))).toBe(true);
  });

  test('protocol', () => {
    expect([matches({ protocol: 'tcp' }), matches({ protocol: 'udp' })]).toEqual([true, false]);
  });

  test('listening: TCP listeners and UDP sockets without a peer', () => {
    const connectedUdp = socket({ protocol: 'udp' });
    expect([curl, listener(), udp(), connectedUdp].map((it) => matches({ listening: true }, it))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  test('established', () => {
    const closing = socket({ state: 'CLOSE_WAIT' });
    expect([curl, listener(), udp(), closing].map((it) => matches({ established: true }, it))).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test('port, at either end, and whole', () => {
    expect([443, 40000, 44, 4, 0].map((port) => matches({ port }))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(matches({ port: 80 }, listener())).toBe(true);
    expect(matches({ port: 0 }, listener())).toBe(false);
  });

  test('program: a part of its name, of any that holds the socket, whatever the case', () => {
    expect(['curl', 'CUR', 'wget', 'silent'].map((name) => matches({ process: name }))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    const shared = {
      ...curl,
      owners: [...curl.owners, { knowledge: 'exact', pid: 7, process: 'wget' } as const],
    };
    expect(matches({ process: 'wget' }, shared)).toBe(true);
    expect(matches({ process: 'hidden' }, { ...curl, owners: [{ knowledge: 'hidden' }] })).toBe(false);
  });

  test('namespace: its whole name, or its inode', () => {
    const inside = socket({ netns: { inode: 4_026_532_201, name: 'web' } });
    expect(['web', '4026532201', 'we', 'WEB', '402'].map((netns) => matches({ netns }, inside))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    const nameless = socket({ netns: { inode: 7 } });
    expect(['7', 'undefined', ''].map((netns) => matches({ netns }, nameless))).toEqual([true, false, false]);
    expect(['undefined', ''].map((netns) => matches({ netns }))).toEqual([false, false]);
  });

  test('all of them hold together', () => {
    const filter: Filter = { protocol: 'tcp', established: true, port: 443, process: 'curl', text: 'ana' };
    expect(matches(filter)).toBe(true);
    for (const wrong of [{ protocol: 'udp' }, { port: 1 }, { process: 'x' }, { text: 'bob' }] as const) {
      expect(matches({ ...filter, ...wrong })).toBe(false);
    }
  });
});

describe('words', () => {
  test.each([
    'curl',
    'CURL',
    'rl',
    '4242',
    '42',
    'ana',
    'tcp',
    '192.0.2.10',
    '198.51.100.7:443',
    ':443',
    'established',
    'ESTAB',
    // A service is found by its name and by its number.
    'https',
    '443',
    'silent',
    'example.com',
    '',
    '   ',
  ])("'%s' is found", (text) => {
    expect(finds(text)).toBe(true);
  });

  test.each(['wget', '4243', 'tcp6', 'udp', 'listen', ':44300', 'ftp', '192.0.2.10:443', 'hidden', 'exact'])(
    "'%s' is not",
    (text) => {
      expect(finds(text)).toBe(false);
    },
  );

  test('all of them are to be found, in any order, each anywhere', () => {
    expect(finds('443  curl\testab')).toBe(true);
    expect(finds('443 wget')).toBe(false);
  });

  test('an IPv4 address by what is shown of a v4-mapped one', () => {
    const mapped = socket({ local: '[::ffff:192.0.2.10]:80' });
    expect([finds('192.0.2.10:80', mapped), finds('ffff', mapped), finds('tcp6', mapped)]).toEqual([
      true,
      false,
      true,
    ]);
  });

  test('why there is no name', () => {
    const hidden = { ...curl, owners: [{ knowledge: 'hidden' as const }] };
    expect([finds('hidden', hidden), finds('kernel', hidden)]).toEqual([true, false]);
  });

  test('a user by uid only where there is no name', () => {
    expect(finds('1000')).toBe(false);
    const { user: _, ...nameless } = curl;
    expect(finds('1000', nameless)).toBe(true);
  });

  test('namespace and interface by what is shown of them', () => {
    const inside = socket({ interface: 'veth0', netns: { inode: 4_026_532_201, name: 'Web-1' } });
    expect(['eth', 'web-', '4026'].map((text) => finds(text, inside))).toEqual([true, true, false]);
    const nameless = socket({ netns: { inode: 4_026_532_201 } });
    expect(['4026', 'web'].map((text) => finds(text, nameless))).toEqual([true, false]);
  });

  test('a Unix socket by its path, whatever the case', () => {
    const it: Socket = {
      ...socket({ protocol: 'unix', remote: null }),
      family: 'unix',
      local: { address: '/run/Docker.sock', port: 0 },
    };
    expect(['docker', 'run/d', 'unix', '/var'].map((text) => finds(text, it))).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  test('a raw or packet socket by the protocol it takes', () => {
    const raw = socket({ protocol: 'raw', local: '*:1', remote: null });
    expect(['icmp', 'raw', 'gre'].map((text) => finds(text, raw))).toEqual([true, true, false]);
    const packet = socket({ protocol: 'packet', local: '*:34997', remote: null });
    expect(['0x88b5', 'packet', '0x0800'].map((text) => finds(text, packet))).toEqual([true, true, false]);
  });

  test('a VSOCK port beyond 16 bits', () => {
    const it = socket({ protocol: 'vsock', local: '2:70000', remote: null });
    expect(['70000', '7000', '70001', '4464'].map((text) => finds(text, it))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test('one question is asked of many sockets, each answered for itself', () => {
    const word = compileFilter({ text: 'an' });
    const users = ['ana', 'bob', 'ana', 'jan', undefined, 'bob', undefined, 'ana'];
    expect(users.map((user) => word(socket({ process: 'x', ...(user !== undefined && { user }) })))).toEqual(
      users.map((user) => user?.includes('an') ?? false),
    );
  });

  test('letters of regular expressions mean nothing', () => {
    expect(['.*', '[', 'c.rl', '('].map((text) => finds(text))).toEqual([false, false, false, false]);
  });
});

const owner: fc.Arbitrary<Owner> = fc.oneof(
  fc.constantFrom<Owner>({ knowledge: 'hidden' }, { knowledge: 'gone' }, { knowledge: 'kernel' }),
  fc.record({
    knowledge: fc.constantFrom('exact' as const, 'inherited' as const),
    pid: fc.constantFrom(1, 22, 443),
    process: fc.constantFrom('SSHD', 'curl', 'a443b'),
    command: fc.constantFrom('/bin/sshd -D', 'curl -4'),
  }),
);

const anySocket: fc.Arbitrary<Socket> = fc
  .record({
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    local: fc.constantFrom('192.0.2.10:22', '[::ffff:192.0.2.10]:443', '[2001:db8::1]:53'),
    remote: fc.constantFrom('198.51.100.7:443', '[fe80::2%v0]:22', null),
    state: fc.constantFrom<SocketState>('LISTEN', 'ESTABLISHED', 'TIME_WAIT'),
    user: fc.constantFrom('Root', 'ana'),
    owners: fc.array(owner, { minLength: 1, maxLength: 2 }),
  })
  .map((fields) => socket(fields));

const word = fc.constantFrom(
  'SSH',
  'curl',
  '22',
  '443',
  'https',
  'domain',
  'tcp',
  'udp6',
  'root',
  'list',
  'hidden',
  '::',
  '-4',
  'time_',
  'zz',
);
const anyFilter: fc.Arbitrary<Filter> = fc.record(
  {
    text: fc.array(word, { maxLength: 3 }).map((words) => words.join(' ')),
    port: fc.constantFrom(22, 443, 53, 9),
    process: fc.constantFrom('ssh', 'CURL', '443'),
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    listening: fc.boolean(),
    established: fc.boolean(),
  },
  { requiredKeys: [] },
);

/** What the table shows of a socket, as one text a field. */
function shownTexts({ protocol, family, local, remote, state, user, owners }: Socket): string[] {
  const ends = [local, ...(remote ? [remote] : [])];
  const [first] = owners;
  return [
    `${protocol}${family === 'ipv6' ? '6' : ''}`,
    ...ends.map(({ address, port }) => `${address.replace(/^::ffff:(?=.*\.)/, '')}:${port}`),
    ...ends.map(({ port }) => serviceName(port, protocol) ?? ''),
    state ?? '',
    user ?? '',
    first?.process === undefined ? (first?.knowledge ?? '') : '',
    ...owners.flatMap((it) => [it.process ?? '', String(it.pid ?? ''), it.command ?? '']),
  ].map((text) => text.toLowerCase());
}

function naive(filter: Filter, it: Socket): boolean {
  const listens = it.state === 'LISTEN' || (it.protocol === 'udp' && !it.remote);
  const contains = (text: string | undefined, part: string) =>
    (text ?? '').toLowerCase().includes(part.toLowerCase());
  return (
    (filter.protocol ?? it.protocol) === it.protocol &&
    (!filter.listening || listens) &&
    (!filter.established || it.state === 'ESTABLISHED') &&
    (filter.port === undefined || [it.local.port, it.remote?.port].includes(filter.port)) &&
    it.owners.some(({ process }) => filter.process === undefined || contains(process, filter.process)) &&
    (filter.text ?? '')
      .toLowerCase()
      .split(' ')
      .every((part) => shownTexts(it).some((text) => text.includes(part)))
  );
}

test('whatever the filter: what it lets through is what its words say', () => {
  fc.assert(
    fc.property(anyFilter, fc.array(anySocket), (filter, sockets) => {
      expect(sockets.filter(compileFilter(filter))).toEqual(sockets.filter((it) => naive(filter, it)));
    }),
    { numRuns: 500 },
  );
});

/** Cut anywhere, as it is while it is being typed. */
const typed = fc
  .tuple(fc.array(word, { minLength: 1, maxLength: 3 }), fc.nat(20))
  .map(([words, length]) => ({ whole: words.join(' '), start: words.join(' ').slice(0, length).trimEnd() }));

test('whatever is typed: a longer text lets through nothing that its start does not', () => {
  fc.assert(
    fc.property(typed, anyFilter, fc.array(anySocket), ({ whole, start }, filter, sockets) => {
      const [before, now] = [
        { ...filter, text: start },
        { ...filter, text: whole },
      ];
      expect(narrows(before, now)).toBe(true);
      const left = sockets.filter(compileFilter(before));
      expect(left.filter(compileFilter(now))).toEqual(sockets.filter(compileFilter(now)));
    }),
    { numRuns: 500 },
  );
});

test.each<[Filter, Filter, boolean]>([
  [{}, { text: 'a' }, true],
  [{ text: 'a' }, { text: 'a', port: 1 }, false],
  [{ text: 'a', port: 1 }, { text: 'ab' }, false],
  [{ text: 'ab' }, { text: 'a' }, false],
  [{ text: 'b' }, { text: 'ab' }, false],
  [{ text: 'A' }, { text: 'ab' }, true],
  // A sigma at the end of a word is another letter in small.
  [{ text: 'ΑΣ' }, { text: 'ΑΣΑ' }, false],
])('from %o to %o: fewer and no others: %s', (before, now, expected) => {
  expect(narrows(before, now)).toBe(expected);
});

test('in words', () => {
  expect(describeFilter({})).toBe('');
  expect(describeFilter({ port: 0 })).toBe('port:0');
  expect(
    describeFilter({
      text: 'a b',
      process: 'node',
      port: 443,
      established: true,
      listening: true,
      protocol: 'tcp',
      netns: 'web',
    }),
  ).toBe('tcp listening established port:443 process:node ns:web a b');
});
