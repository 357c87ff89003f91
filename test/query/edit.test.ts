import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileForSubjects } from '../../src/query/compile.ts';
import { hasTerm, replaceField, withoutTerm, withTerm } from '../../src/query/edit.ts';
import { conjuncts } from '../../src/query/expression.ts';
import { printQuery } from '../../src/query/print.ts';
import { EVERYTHING, type Parsed, parseQuery, type Query } from '../../src/query/query.ts';
import { queryFrom } from '../helpers/fakes.ts';
import { anySubject, queryText, termText } from '../helpers/queries.ts';

const textOf = (query: Query): string => printQuery(query.expression);

const edited = (parsed: Parsed): Query => {
  if ('problem' in parsed) throw new Error(parsed.problem.message);
  return parsed.query;
};

const context = { nowMs: 10_000, baselineMs: 500, addressesOf: () => ['10.0.0.5'] };

describe('withTerm', () => {
  test.each([
    ['', ':443', ':443'],
    ['curl', ':443', 'curl :443'],
    // Added once, even in another spelling.
    ['curl :443', 'port:https,443', 'curl :443 :https,443'],
    [':https x', 'PORT:https', ':https x'],
    ['a or b', 'c', '(a or b) c'],
    ['a', 'b or c', 'a (b or c)'],
    ['a b', 'b c', 'a b c'],
    ['!a', 'a', '!a a'],
    ['x', '!process="my app"', 'x !process="my app"'],
  ])('%s with %s', (text, term, expected) => {
    expect(textOf(edited(withTerm(queryFrom(text), term)))).toBe(expected);
  });

  test('a term that the query has already leaves its text as typed', () => {
    const query = queryFrom('  curl   and :443');
    expect(edited(withTerm(query, ':443'))).toBe(query);
  });

  test('an invalid term is a problem, and withoutTerm ignores it', () => {
    const query = queryFrom('a');
    expect(withTerm(query, 'port:nope')).toHaveProperty('problem');
    expect(hasTerm(query, 'port:nope')).toBe(false);
    expect(withoutTerm(query, 'port:nope')).toBe(query);
  });

  test('a query without the empty term is the same query: it has no condition to remove', () => {
    const query = queryFrom('a :443');
    expect(withoutTerm(query, '')).toBe(query);
  });

  test('a term that makes the query too long is a problem', () => {
    const long = queryFrom('x'.repeat(4090));
    expect(withTerm(long, 'longer')).toMatchObject({
      problem: { message: expect.stringContaining('too long') as string },
    });
    const many = queryFrom('a '.repeat(100));
    expect(withTerm(many, 'b')).toMatchObject({
      problem: { message: expect.stringContaining('too many terms: 101') as string },
    });
  });

  test('any query with any term: both conditions hold, the text parses to it, and adding it again changes nothing', () => {
    fc.assert(
      fc.property(queryText, termText, fc.array(anySubject, { maxLength: 6 }), (text, term, subjects) => {
        const query = queryFrom(text);
        const more = edited(withTerm(query, term));
        expect(hasTerm(more, term)).toBe(true);
        expect(queryFrom(more.text).expression).toEqual(more.expression);
        expect(edited(withTerm(more, term))).toBe(more);
        const [both, one, other] = [more, query, queryFrom(term)].map((it) =>
          compileForSubjects(it, context),
        );
        for (const it of subjects) expect(both?.(it)).toBe(one?.(it) && other?.(it));
      }),
    );
  });

  test('any query with any new term: removing the term restores the query', () => {
    fc.assert(
      fc.property(queryText, termText, (text, term) => {
        const query = queryFrom(text);
        const parts = conjuncts(queryFrom(term).expression).map(printQuery);
        const own = conjuncts(query.expression).map(printQuery);
        fc.pre(!parts.some((it) => own.includes(it)));
        const back = withoutTerm(edited(withTerm(query, term)), term);
        expect(back.expression).toEqual(query.expression);
        expect(queryFrom(back.text).expression).toEqual(query.expression);
        expect([back.isTimed, back.hosts]).toEqual([query.isTimed, query.hosts]);
      }),
    );
  });
});

describe('withoutTerm', () => {
  test.each([
    ['a :443 b', ':443', 'a b'],
    ['a b c', 'c a', 'b'],
    ['a', 'a', ''],
    // Only top-level conditions are removed.
    ['a or b', 'a', 'a or b'],
    ['!a', 'a', '!a'],
    ['a b', 'b c', 'a b'],
    ['(a or b) c', 'b or a', '(a or b) c'],
    ['(a or b) c', 'a or b', 'c'],
  ])('%s without %s', (text, term, expected) => {
    expect(textOf(withoutTerm(queryFrom(text), term))).toBe(expected);
  });

  test('any query and term: removes the term and nothing else', () => {
    fc.assert(
      fc.property(queryText, termText, (text, term) => {
        const query = queryFrom(text);
        const less = withoutTerm(query, term);
        expect(hasTerm(less, term)).toBe(false);
        const gone = new Set(conjuncts(queryFrom(term).expression).map(printQuery));
        const own = conjuncts(query.expression).map(printQuery);
        const left = hasTerm(query, term) ? own.filter((it) => !gone.has(it)) : own;
        expect(conjuncts(less.expression).map(printQuery)).toEqual(left);
        expect(withoutTerm(less, term)).toBe(less);
      }),
    );
  });
});

describe('replaceField', () => {
  test.each([
    ['', 'port', ':443', ':443'],
    ['a :80 b :90', 'port', ':443', 'a b :443'],
    ['lport:80 :90', 'port', ':443', 'lport:80 :443'],
    ['process=a process:/b/ c', 'process', 'process:d', 'c process:d'],
    ['cmd:a process:b', 'cmd', 'cmd:c', 'process:b cmd:c'],
    ['user:a if:b', 'user', 'user:c', 'if:b user:c'],
    ['pid:1 pid>4', 'pid', 'pid:5', 'pid:5'],
    ['state:LISTEN proto:tcp', 'state', 'state:CLOSE', 'proto:tcp state:CLOSE'],
    ['state:LISTEN proto:tcp', 'proto', 'proto:udp', 'state:LISTEN proto:udp'],
    ['ns:a ns:b', 'ns', 'ns:c', 'ns:c'],
    ['@1.2.3.4 @a:80', 'host', '@b', '@b'],
    ['net:10.0.0.0/8 lnet:10.0.0.0/8', 'net', 'net:::/0', 'lnet:10.0.0.0/8 net:::/0'],
    ['tx>1 rx>1', 'tx', 'tx>2', 'rx>1 tx>2'],
    // Negated terms and alternatives stay.
    ['!:80 (:90 or x)', 'port', ':443', '!:80 (:90 or x) :443'],
  ] as const)('%s with %s: %s', (text, field, term, expected) => {
    const replaced = edited(replaceField(queryFrom(text), field, term));
    expect(textOf(replaced)).toBe(expected);
    expect(edited(replaceField(replaced, field, term)).expression).toEqual(replaced.expression);
  });

  test('without a new term only removes the old ones', () => {
    expect(textOf(edited(replaceField(queryFrom('a :80 b'), 'port', undefined)))).toBe('a b');
    expect(edited(replaceField(queryFrom(':80'), 'port', undefined)).expression).toEqual(
      EVERYTHING.expression,
    );
  });

  test('an invalid term is a problem', () => {
    expect(replaceField(queryFrom('a :80'), 'port', 'port:nope')).toMatchObject({
      problem: { at: 5, length: 4 },
    });
  });

  test('any query: the new term is the only one of its field, and the rest stays', () => {
    fc.assert(
      fc.property(queryText, (text) => {
        const query = queryFrom(text);
        const replaced = edited(replaceField(query, 'port', ':4711'));
        const ports = conjuncts(replaced.expression).filter(
          (it) => it.kind === 'ports' && it.field === 'port',
        );
        expect(ports.map(printQuery)).toEqual([':4711']);
        const without = edited(replaceField(query, 'port', undefined));
        expect(withoutTerm(replaced, ':4711').expression).toEqual(without.expression);
        const again = parseQuery(replaced.text);
        expect('query' in again && again.query.expression).toEqual(replaced.expression);
      }),
    );
  });
});
