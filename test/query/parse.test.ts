import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printQuery, quoteWord } from '../../src/query/print.ts';
import { allOf, anyOf, type Expression, not, type Term, termsOf } from '../../src/query/expression.ts';
import { FIELDS } from '../../src/query/fields.ts';
import { FLAGS } from '../../src/query/flags.ts';
import { QUANTITIES } from '../../src/query/quantities.ts';
import { EVERYTHING, isEverything, parseQuery } from '../../src/query/query.ts';
import { TERMS } from '../../src/query/terms.ts';
import { queryFrom } from '../helpers/fakes.ts';
import { queryText, termText } from '../helpers/queries.ts';

const printed = (text: string): string => printQuery(queryFrom(text).expression);

describe('prints a typed query in canonical form', () => {
  test.each([
    ['', ''],
    ['   ', ''],
    ['curl', 'curl'],
    ['Curl  and\tana', 'Curl ana'],
    ['a or b c', 'a or b c'],
    ['(a or b) c', '(a or b) c'],
    ['((a)) (b c)', 'a b c'],
    ['not a', '!a'],
    ['! (a b)', '!(a b)'],
    ['!!a', '!!a'],
    ['a OR b or (c or d)', 'a or b or c or d'],
    ['"in" "or" "port:443" "a b"', '"in" "or" "port:443" "a b"'],
    ['"curl"', 'curl'],
    ['8080 "8080" 080 0', '8080 "8080" 80 0'],
    ['name:a program=b COMMAND:c', 'process:a process=b cmd:c'],
    ['sport:22 dport:https', 'lport:22 rport:https'],
    ['protocol:tcp iface:lo netns:web', 'proto:tcp if:lo ns:web'],
    ['LISTENING estab "listening"', 'listen established "listening"'],
    ['state:LISTENING,estab,fin-wait-1', 'state:LISTEN,ESTABLISHED,FIN_WAIT1'],
    ['remote:192.0.2.1 dst:[::1]:80 src:Example.COM', 'remote:192.0.2.1 remote:[::1]:80 local:example.com'],
    ['peer:443 local::80,443 remote:10.0.0.0/8', 'rport:443 lport:80,443 rnet:10.0.0.0/8'],
    ['peer:192.0.2.1:80 peer:10.0.0.0/8 peer:::1', 'remote:192.0.2.1:80 rnet:10.0.0.0/8 remote:[::1]'],
    ['peer:redis peer=node peer:/^a/ peer:"my app"', 'peer:redis peer=node peer:/^a/ peer:"my app"'],
    ['peer:"443" peer:"::1" peer:db.example', 'peer:"443" peer:"::1" peer:db.example'],
    ['host:192.0.2.1:22 ip:10.0.0.0/8 addr:::1', '@192.0.2.1:22 net:10.0.0.0/8 @[::1]'],
    ['"a\\"b\\\\c" "\\"a"', 'a"b\\c "\\"a"'],
    [
      'http://x a=b --name=foo ::1 fe80::1 10.0.0.5:443',
      'http://x a=b "--name=foo" "::1" fe80::1 10.0.0.5:443',
    ],
    [':443', ':443'],
    ['port:HTTPS,80-90', ':https,80-90'],
    ['lport:1-smtp', 'lport:1-25'],
    ['PID:1,5-9', 'pid:1,5-9'],
    [
      'process:"my app" process=x cmd:-v user:"" if:lo ns:web',
      'process:"my app" process=x cmd:-v user:"" if:lo ns:web',
    ],
    ['state=listen,timewait,listen', 'state:LISTEN,TIME_WAIT'],
    ['proto:TCP,udp6', 'proto:tcp,udp6'],
    ['@Example.COM. @[::FFFF:1.2.3.4]:80 @2001:DB8:0::1', '@example.com @1.2.3.4:80 @[2001:db8::1]'],
    ['net:10.1.2.3/8 lnet:fe80::1/10 rnet:1.2.3.4', 'net:10.0.0.0/8 lnet:fe80::/10 rnet:1.2.3.4/32'],
    ['Listen NEW', 'listen new'],
    ['TX/S>=1.5MiB rtt<50 pid=4', 'tx/s>=1.5MiB rtt<50 pid:4'],
    ['/a\\/b (c)/ process:/x/', '/a\\/b (c)/ process:/x/'],
    ['-iTCP', 'proto:tcp'],
    ['a -i tcp -i :22 b', 'a (proto:tcp or proto:tcp,udp,udplite :22) b'],
    ['-i or -i6', 'proto:tcp,udp,udplite or proto:tcp,udp,udplite ipv6'],
    ['-s TCP:LISTEN -sTCP:^CLOSE,CLOSE_WAIT x', 'state:LISTEN,CLOSE_WAIT !state:CLOSE x'],
    ['!-i udp', '!proto:udp'],
    ['-x', '"-x"'],
  ])('%s', (text, expected) => {
    expect(printed(text)).toBe(expected);
  });
});

describe('a problem has its column, its length and a helpful message', () => {
  test.each<[string, number, number, string]>([
    ['port:', 5, 0, 'expected ports: port:443'],
    ['curl :', 6, 0, 'expected ports: port:443'],
    ['@', 1, 0, 'expected an address or a host name'],
    ['(', 1, 0, 'expected a term'],
    ['(a', 2, 0, 'missing ) for the ( at column 1'],
    ['a)', 1, 1, 'unmatched )'],
    ['()', 1, 1, 'expected a term before )'],
    ['a or', 4, 0, 'expected a term'],
    ['a and or b', 6, 2, "expected a term before 'or'"],
    ['or', 0, 2, 'to search for the word, quote it: "or"'],
    ['!', 1, 0, 'expected a term'],
    ['tx/s>', 5, 0, 'expected a number of bytes such as 500, 100k'],
    ['tx/s>fast', 5, 4, "bad value 'fast' for tx/s; expected a number of bytes"],
    ['age<10q', 4, 3, 'expected a duration such as 500ms'],
    ['< 5', 0, 1, 'expected a field before <, without a space: age<10s'],
    ['foo>5', 0, 3, "cannot compare 'foo' (only age, rx"],
    ['port>5', 0, 5, 'port cannot be compared; expected ports: port:443'],
    ['agee>5', 0, 4, "cannot compare 'agee': did you mean age>?"],
    [
      '99999999999',
      0,
      11,
      "'99999999999' is too large for a port or pid (maximum 4294967295); to search for the text",
    ],
    ['remote:', 7, 0, 'expected an address or a host name'],
    ['sport:', 6, 0, 'expected ports: lport:443'],
    ['src!=1.2.3.4', 0, 5, 'put ! before the term: !src'],
    ['sport>5', 0, 6, 'sport cannot be compared'],
    ['state:UNCONN', 6, 6, 'for UDP sockets without a peer, write listen'],
    ['state:LISTNE', 6, 6, "unknown state 'LISTNE' (LISTEN, ESTABLISHED …): did you mean LISTEN?"],
    ['rtt:5', 0, 4, 'rtt needs a comparison, rtt>'],
    ['state!=LISTEN', 0, 7, 'put ! before the term: !state'],
    ['port:80,nope', 8, 4, "unknown service 'nope'"],
    ['port:80,,81', 8, 0, 'expected ports'],
    [':9000-8000', 1, 9, 'the range is reversed; write 8000-9000'],
    [':4294967296', 1, 10, '(maximum 4294967295)'],
    ['rport:99999999999', 6, 11, 'is too large (maximum 4294967295)'],
    ['pid:x', 4, 1, "bad pid 'x'"],
    ['state:LISTEN,open', 13, 4, "unknown state 'open' (LISTEN, ESTABLISHED …)"],
    ['proto:ip', 6, 2, "unknown protocol 'ip' (tcp"],
    ['net:10.0.0.0/33', 4, 11, "bad network '10.0.0.0/33'; expected one such as 10.0.0.0/8"],
    ['@1.2.3', 1, 5, "bad address or host name '1.2.3'"],
    ['@[::1', 1, 4, "bad host '[::1'"],
    ['@[x]:80', 2, 1, "bad address or host name 'x'"],
    ['@a:nope', 3, 4, 'unknown service'],
    ['process:', 8, 0, 'expected a name: process:curl'],
    ['"abc', 4, 0, 'missing closing "'],
    ['""', 0, 2, 'expected text between the quotes'],
    ['"a\\n"', 2, 1, 'write \\ as \\\\'],
    ['"a"b', 3, 1, 'expected a space after the closing quote'],
    ['/usr/bin/node', 5, 8, 'to search for a path, quote it'],
    ['/usr', 4, 0, 'missing closing / of the regex; to search for a path, quote it'],
    ['x //', 2, 2, 'empty regex'],
    ['/(/', 0, 3, 'bad regex: missing closing )'],
    ['cmd:/a**/', 4, 5, 'bad regex: invalid nested repetition operator'],
    ['/(a{1000}){1000}/', 0, 17, 'bad regex: invalid repeat count'],
    ['/.{900}/', 0, 8, 'regex too large'],
    [`/${'a'.repeat(201)}/`, 0, 203, 'regex too long: 201 characters (maximum 200)'],
    ['-i curl', 3, 4, "unknown protocol 'curl' after -i; expected -i"],
    ['-i tcp:', 7, 0, 'expected ports'],
    ['-i 6@1.2.3.4', 5, 7, 'expected an IPv6 address after -i 6, not IPv4'],
    ['-s', 2, 0, 'expected states after -s'],
    ['-s UDP:Idle', 3, 8, '-s does not support UDP'],
    ['-s TCP:^open', 7, 5, "unknown state 'open'"],
    ['x'.repeat(10_240), 4096, 6144, 'query too long: 10240 characters (maximum 4096)'],
    ['('.repeat(4000), 65, 0, 'nested too deeply (maximum 64 levels)'],
    ['!'.repeat(4000), 65, 3935, 'nested too deeply'],
    ['a '.repeat(2000), 0, 4000, 'too many terms: 2000 (maximum 100)'],
    [`${'x'.repeat(3500)}${' -i:1'.repeat(33)}`, 0, 3665, 'characters when written out'],
  ])('%s', (text, at, length, message) => {
    const parsed = parseQuery(text);
    if ('query' in parsed) throw new Error(`parsed as ${printQuery(parsed.query.expression)}`);
    expect(parsed.problem).toEqual({ at, length, message: expect.stringContaining(message) as string });
  });
});

/** Pieces of queries and random text, in any order. */
const scrawl = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 5 }),
      fc.constantFrom(
        ...Array.from('()!"/:@\\ ,-<>=%[]'),
        'port',
        'pid:',
        'or',
        ' and ',
        'not',
        '-i',
        '-s',
        'TCP:',
        'age',
        '10',
        'fe80::1%',
      ),
      queryText,
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

test('any text parses to a query that stays the same after printing and parsing, or to a problem within the text', () => {
  fc.assert(
    fc.property(scrawl, (text) => {
      const parsed = parseQuery(text);
      if ('query' in parsed) {
        const again = queryFrom(printQuery(parsed.query.expression));
        expect(again.expression).toEqual(parsed.query.expression);
        expect(printQuery(again.expression)).toBe(again.text);
      } else {
        const { at, length, message } = parsed.problem;
        expect([at >= 0, length >= 0, at + length <= text.length]).toEqual([true, true, true]);
        expect(message.length).toBeLessThan(125);
      }
    }),
    { numRuns: 2000 },
  );
});

test('any valid query stays the same after printing and parsing', () => {
  fc.assert(
    fc.property(queryText, (text) => {
      const { expression } = queryFrom(text);
      expect(queryFrom(printQuery(expression)).expression).toEqual(expression);
    }),
    { numRuns: 2000 },
  );
});

/** Texts that look like other terms, and random text. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1 }),
  fc.constantFrom(
    'or',
    'NOT',
    'in',
    'port:443',
    ':443',
    '/x/',
    '-i',
    '!',
    'age>1s',
    'a=b',
    '"',
    '\\',
    'a b',
    '@a',
    '(',
  ),
);

const anyTerm: fc.Arbitrary<Expression> = fc.oneof(
  termText.map((text) => queryFrom(text).expression).filter((it) => !('of' in it)),
  anyText.map((text): Term => ({ kind: 'word', text })),
  fc
    .record({
      field: fc.constantFrom('process' as const, 'cmd' as const, 'user' as const, 'if' as const),
      whole: fc.boolean(),
      value: fc.oneof(anyText, fc.constant('')),
    })
    .map((it): Term => ({ kind: 'text', ...it })),
  anyText.map((value): Term => ({ kind: 'exact', field: 'ns', value })),
);

const anyExpression = fc.letrec<{ it: Expression }>((tie) => ({
  it: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    anyTerm,
    fc.array(tie('it'), { minLength: 1, maxLength: 3 }).map(allOf),
    fc.array(tie('it'), { minLength: 1, maxLength: 3 }).map(anyOf),
    tie('it').map(not),
  ),
})).it;

test('any expression stays the same after printing and parsing', () => {
  fc.assert(
    fc.property(anyExpression, (expression) => {
      fc.pre(printQuery(expression).length <= 4096);
      expect(queryFrom(printQuery(expression)).expression).toEqual(expression);
    }),
    { numRuns: 2000 },
  );
});

test('the generated queries cover every kind of term', () => {
  const terms = fc
    .sample(termText, { numRuns: 3000, seed: 1 })
    .flatMap((it) => termsOf(queryFrom(it).expression));
  const kinds = new Set(
    terms.map((it) => {
      if (it.kind === 'flag') return it.flag;
      if (it.kind === 'compare') return `${it.quantity}>`;
      return 'field' in it ? `${it.field}:` : it.kind;
    }),
  );
  const expected = [
    ...['any:', 'word', 'number', 'host'],
    ...Object.keys(FIELDS).map((it) => `${it}:`),
    ...Object.keys(FLAGS),
    ...Object.keys(QUANTITIES).map((it) => `${it}>`),
  ];
  expect([...kinds].toSorted()).toEqual(expected.toSorted());
});

test('any quoted text is exactly the value of its term', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), scrawl), (value) => {
      expect(queryFrom(`process=${quoteWord(value)} :1`).expression).toMatchObject({
        of: [{ kind: 'text', field: 'process', whole: true, value }, { kind: 'ports' }],
      });
    }),
  );
});

test('every example in the help parses', () => {
  const problems = TERMS.filter(
    ({ syntax, example }) => !/^[> ]/.test(syntax) && 'problem' in parseQuery(example),
  );
  expect(problems).toEqual([]);
  expect(new Set(TERMS.map(({ syntax }) => syntax)).size).toBe(TERMS.length);
});

test('each description of a term names what it is about: a search in the help shows it without the others', () => {
  expect(TERMS.map(({ about }) => about).filter((it) => /^the same\b|\bthese texts\b/.test(it))).toEqual([]);
});

test('a query reports whether it is timed, its host names, and whether it matches everything', () => {
  expect(queryFrom('age<1s or x').isTimed).toBe(true);
  expect(queryFrom('new rtt>1').isTimed).toBe(false);
  expect(queryFrom('@a.example (@B.example or !@a.example:80) @1.2.3.4').hosts).toEqual([
    'a.example',
    'b.example',
  ]);
  expect([isEverything(EVERYTHING), isEverything(queryFrom(' ')), isEverything(queryFrom('a'))]).toEqual([
    true,
    true,
    false,
  ]);
});
