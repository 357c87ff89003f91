import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { complete } from '../../src/query/complete.ts';
import { conjuncts } from '../../src/query/expression.ts';
import { parseQuery } from '../../src/query/query.ts';
import type { Values } from '../../src/query/values.ts';
import { queryFrom } from '../helpers/fakes.ts';
import { termText } from '../helpers/queries.ts';

const NOTHING: Values = {
  processes: [],
  users: [],
  states: [],
  protocols: [],
  interfaces: [],
  namespaces: [],
  hosts: [],
  ports: [],
};

const VALUES: Values = {
  processes: ['curl', 'Cupsd', 'my app', 'a"b', '/bin/sh', 'node'],
  users: ['root', 'ana'],
  states: ['LISTEN', 'CLOSE_WAIT'],
  protocols: ['tcp', 'tcp6', 'udp'],
  interfaces: ['eth0', 'lo'],
  namespaces: ['web', '4026531840'],
  hosts: ['10.0.0.10', '10.0.0.9', '2001:db8::1', 'db.example'],
  ports: [443, 53, 8080],
};

/** Returns the whole text after each completion at the cursor `|`. */
const offered = (marked: string, values = VALUES): string[] => {
  const cursor = marked.indexOf('|');
  const text = marked.replace('|', '');
  const { from, to, choices } = complete(text, cursor, values);
  return choices.map((it) => text.slice(0, from) + it + text.slice(to));
};

describe('completes', () => {
  test.each<[string, string[]]>([
    ['liste|', ['listen']],
    ['LI|', ['listen']],
    ['i|', ['if:', 'in', 'ipv4', 'ipv6']],
    ['rp|', ['rport:']],
    ['lp|', ['lport:']],
    ['rx|', ['rx/s<', 'rx/s>', 'rx<', 'rx>']],
    ['rx/|', ['rx/s<', 'rx/s>']],
    ['listen|', []],
    ['nothing|', []],
    // Values of current sockets come before other valid values.
    ['state:|', ['state:CLOSE_WAIT', 'state:LISTEN', 'state:BOUND_INACTIVE', 'state:CLOSE']],
    ['state:cl|', ['state:CLOSE_WAIT', 'state:CLOSE', 'state:CLOSING']],
    ['state=LISTEN,cl|', ['state=LISTEN,CLOSE_WAIT', 'state=LISTEN,CLOSE', 'state=LISTEN,CLOSING']],
    ['proto:t|', ['proto:tcp', 'proto:tcp6', 'proto:tcp4']],
    // Numbers are sorted by value.
    [':|', [':53', ':443', ':8080', ':afp']],
    ['port:80,4|', ['port:80,443']],
    ['rport:htt|', ['rport:http', 'rport:http-alt', 'rport:https', 'rport:https-alt']],
    ['peer:cu|', ['peer:Cupsd', 'peer:curl']],
    ['process:cu|', ['process:Cupsd', 'process:curl']],
    ['process=M|', ['process="my app"']],
    ['process:"my |', ['process:"my app"']],
    ['process:"a\\"|', ['process:a"b']],
    ['process:/|', ['process:"/bin/sh"']],
    ['user:|', ['user:ana', 'user:root']],
    ['if:e|', ['if:eth0']],
    ['ns:4|', ['ns:4026531840']],
    ['@10|', ['@10.0.0.9', '@10.0.0.10']],
    ['@|', ['@10.0.0.9', '@10.0.0.10', '@2001:db8::1', '@db.example']],
    ['@DB|', ['@db.example']],
    ['remote:10|', ['remote:10.0.0.9', 'remote:10.0.0.10']],
    ['host:10|', ['host:10.0.0.9', 'host:10.0.0.10']],
    // No completions.
    ['cmd:c|', []],
    ['net:1|', []],
    ['age>|', []],
    ['"li|', []],
    ['/li|', []],
  ])('%s', (marked, expected) => {
    expect(offered(marked).slice(0, 4)).toEqual(expected);
  });

  test('offers the first hundred of very many values, whatever their order', () => {
    const hosts = Array.from({ length: 2000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    const first = hosts.slice(0, 100).map((it) => `@${it}`);
    const shuffled = hosts.toSorted(
      (a, b) => a.length * 7919 + Number(a.at(-1)) - (b.length * 7919 + Number(b.at(-1))),
    );
    for (const order of [hosts, hosts.toReversed(), shuffled])
      expect(offered('@|', { ...NOTHING, hosts: order })).toEqual(first);
  });

  test('offers names of terms at the start', () => {
    expect(offered('|')).toEqual(expect.arrayContaining(['listen', 'port:', 'rtt>', 'state:']));
  });

  test('completes anywhere in the text and keeps the rest', () => {
    expect(offered('(a or !liste|) x')).toEqual(['(a or !listen) x']);
    expect(offered('a liste| :443')).toEqual(['a listen :443']);
    // Replaces the rest of the word after the cursor.
    expect(offered('a li|sting :443')).toEqual(['a listen :443']);
    expect(offered('process:cur|d)')).toEqual(['process:curl)']);
    expect(offered('"a (b" ns:w|')).toEqual(['"a (b" ns:web']);
    // An escaped quote does not end the text.
    expect(offered('"a\\" ns:w|')).toEqual([]);
    expect(offered('process:"a b" use|')).toEqual(['process:"a b" user:']);
    // A quote inside a word does not start a quoted text.
    expect(offered('19" liste|')).toEqual(['19" listen']);
  });

  test('offers each value once, even if it is both current and valid', () => {
    const all = offered('proto:|');
    expect(new Set(all).size).toBe(all.length);
  });

  test('does not offer current values that a query cannot express', () => {
    const odd = {
      ...NOTHING,
      hosts: ['not a host', '', '[x', '10.0.0.1', 'a b', 'a or b', 'a)', '!a'],
      states: ['ODD STATE', 'LISTEN'],
      protocols: ['??', 'udp'],
    };
    expect(offered('@|', odd)).toEqual(['@10.0.0.1']);
    expect(offered('state:|', odd)).not.toContain('state:ODD STATE');
    expect(offered('proto:|', odd)[0]).toBe('proto:udp');
  });
});

const hostile = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1 }),
  fc.constantFrom('my app', 'a"b', '\\', '"', '\x1b[2J', '/x/', ':443', '(', ')', '!', 'or', 'a,b', '日本'),
);
const anyValues: fc.Arbitrary<Values> = fc.record({
  processes: fc.array(hostile),
  users: fc.array(hostile),
  states: fc.array(hostile),
  protocols: fc.array(hostile),
  interfaces: fc.array(hostile),
  namespaces: fc.array(hostile),
  hosts: fc.array(fc.oneof(hostile, fc.constantFrom('::1', 'fe80::1%eth0', '10.0.0.1', 'a.example'))),
  ports: fc.array(fc.nat(65_535)),
});

const FIELDS = ['process', 'user', 'if', 'ns', 'state', 'proto', 'port', 'lport', 'rport'] as const;

describe('with any values', () => {
  test('a choice adds exactly one term and keeps the others', () => {
    fc.assert(
      fc.property(
        termText,
        termText,
        fc.oneof(
          fc.tuple(fc.constantFrom(...FIELDS), fc.constantFrom(':', '=')).map((it) => it.join('')),
          fc.constantFrom('@', ':'),
        ),
        fc.nat(1),
        anyValues,
        (left, right, head, letters, values) => {
          // The typed text is the start of one of the values.
          const [first = ''] = [...values.processes, ...values.users];
          const typed = head + first.slice(0, letters).replace(/[\s()"/\\]/g, '');
          const text = `${left} ${typed} ${right}`;
          const { from, to, choices } = complete(text, left.length + 1 + typed.length, values);
          const faults = choices.filter((choice) => {
            const whole = text.slice(0, from) + choice + text.slice(to);
            const alone = whole.slice(left.length + 1, whole.length - right.length - 1);
            const [it, ...others] = conjuncts(queryFrom(alone).expression);
            const all = conjuncts(queryFrom(`(${left}) ${alone}`).expression);
            return !(
              whole.startsWith(`${left} ${head}`) &&
              whole.endsWith(` ${right}`) &&
              others.length === 0 &&
              all.some((other) => isDeepStrictEqual(other, it))
            );
          });
          // One call for all: each takes longer than the work of a choice.
          expect(faults).toEqual([]);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('a choice matches exactly its value, quoted if necessary', () => {
    fc.assert(
      fc.property(fc.array(hostile, { minLength: 1 }), (processes) => {
        const asked = offered('process=|', { ...NOTHING, processes }).map((it) => queryFrom(it).expression);
        expect(asked.map((it) => it.kind === 'text' && it.value).toSorted()).toEqual(
          [...new Set(processes)].toSorted(),
        );
      }),
    );
  });

  test('any text: replaces the word at the cursor with distinct choices', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(fc.oneof(termText, fc.constantFrom('(', ')', '!', '"', ' ', 'process:"', ':', '@')))
        .map((it) => it.join(' ')),
    );
    fc.assert(
      fc.property(text, fc.nat(), anyValues, (typed, at, values) => {
        const cursor = at % (typed.length + 1);
        const { from, to, choices } = complete(typed, cursor, values);
        expect(0 <= from && from <= cursor && cursor <= to && to <= typed.length).toBe(true);
        expect(typed.slice(cursor, to)).not.toMatch(/[\s()]/);
        expect(choices.length).toBeLessThanOrEqual(100);
        expect(new Set(choices).size).toBe(choices.length);
        expect(choices).not.toContain('');
      }),
    );
  });
});

test('every offered name starts a term', () => {
  const names = Array.from('abcdefghijklmnopqrstuvwxyz').flatMap((letter) => offered(`${letter}|`, NOTHING));
  expect(names.length).toBeGreaterThan(40);
  for (const name of names) {
    if (!/[:<>]$/.test(name)) expect(queryFrom(name).expression.kind).toBe('flag');
    else {
      // Only the value is missing.
      expect(parseQuery(name)).toMatchObject({
        problem: { at: name.length, length: 0, message: expect.stringContaining('expected') as string },
      });
    }
  }
});
