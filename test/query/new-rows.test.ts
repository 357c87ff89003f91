import { describe, expect, test } from 'vitest';
import type { Condition } from '../../src/query/condition.ts';
import { type FieldRow, netField, portsField } from '../../src/query/field-kinds.ts';
import { FIELDS } from '../../src/query/fields.ts';
import { FLAGS } from '../../src/query/flags.ts';
import { QUANTITIES } from '../../src/query/quantities.ts';
import { readPids } from '../../src/query/ranges.ts';
import { queryFrom, socket } from '../helpers/fakes.ts';
import { subject } from '../helpers/queries.ts';

/*
 * Proves that one row is all that a field, a quantity or a flag of the query takes: adds a made-up row of each kind to
 * the tables, and uses it.
 */

const help = { syntax: 'made up', example: 'curl', about: 'made up', expected: 'something made up' };
const isCwnd7: Condition = (_, { socket: it }) => it.traffic?.cwnd === 7;

Object.assign(FIELDS, {
  program: { ...help, kind: 'text', takesRegex: true, texts: (names) => names.ofOwners('process') },
  box: {
    ...help,
    kind: 'exact',
    texts: (names) => [names.ofSocket('netnsName')],
    live: ({ namespaces }) => namespaces,
  },
  letter: {
    ...help,
    kind: 'list',
    read: ({ text }) => text.split(','),
    compile: (letters) => (names) => letters.includes(names.ofSocket('state').charAt(0)),
    live: () => ['e'],
    possible: () => ['l'],
  },
  task: {
    ...help,
    kind: 'ranges',
    read: readPids,
    numbers: (names) => names.ofOwners('pid'),
  },
  ours: portsField('ours', 'local', help),
  theirs: netField('theirs', 'remote', help),
} satisfies Record<string, FieldRow>);
Object.assign(QUANTITIES, { cwnd: { ...QUANTITIES.retr, compile: () => isCwnd7 } });
Object.assign(FLAGS, { small: { about: 'made up', compile: () => isCwnd7 } });

// Loaded after the rows are added: the help is made when its module is loaded.
const { compileForSubjects } = await import('../../src/query/compile.ts');
const { complete } = await import('../../src/query/complete.ts');
const { replaceField } = await import('../../src/query/edit.ts');
const { narrows } = await import('../../src/query/narrows.ts');
const { printQuery } = await import('../../src/query/print.ts');
const { TERMS } = await import('../../src/query/terms.ts');
const { valuesOf } = await import('../../src/query/values.ts');

const it = socket({ process: 'curl', pid: 9, netns: { inode: 1, name: 'web' }, traffic: { cwnd: 7 } });
const context = { nowMs: 0, baselineMs: undefined, addressesOf: () => undefined };
const finds = (text: string): boolean => compileForSubjects(queryFrom(text), context)(subject(it));

describe('a made-up row is parsed, printed and run', () => {
  test.each([
    ['program:ur', 'program:wget'],
    ['program=curl', 'program=cur'],
    ['program:/^c/', 'program:/^x/'],
    ['box:web', 'box:we'],
    ['letter:l,e', 'letter:l'],
    ['task:1-10', 'task:1'],
    ['ours:40000', 'ours:443'],
    ['theirs:198.51.100.0/24', 'theirs:192.0.2.0/24'],
    ['cwnd>3', '!cwnd>3'],
    ['small', '!small'],
  ])('%s', (matching, other) => {
    expect([finds(matching), finds(other)]).toEqual([true, false]);
    for (const text of [matching, other])
      expect(queryFrom(printQuery(queryFrom(text).expression)).expression).toEqual(
        queryFrom(text).expression,
      );
  });
});

test('made-up rows are completed, by name and by value', () => {
  const choices = (text: string) => complete(text, text.length, valuesOf([it])).choices;
  expect(['prog', 'bo', 'lett', 'tas', 'our', 'their', 'cwn', 'smal'].flatMap(choices)).toEqual([
    'program:',
    'box:',
    'letter:',
    'task:',
    'ours:',
    'theirs:',
    'cwnd<',
    'cwnd>',
    'small',
  ]);
  expect(['box:', 'letter:', 'ours:4'].flatMap(choices)).toEqual(
    expect.arrayContaining(['web', 'e', 'l', '443', '40000']),
  );
});

test('made-up rows narrow a query and are replaced in it', () => {
  expect(narrows(queryFrom('program:cur'), queryFrom('program:curl'))).toBe(true);
  expect(narrows(queryFrom('letter:e,l'), queryFrom('letter:e'))).toBe(true);
  expect(narrows(queryFrom('task:1-10'), queryFrom('task:9'))).toBe(true);
  // A row of the same kind narrows only its own field.
  expect(narrows(queryFrom('pid:1-10'), queryFrom('task:9'))).toBe(false);
  expect(narrows(queryFrom('lport:443'), queryFrom('ours:443'))).toBe(false);
  const replaced = replaceField(queryFrom('task:10 curl'), 'pid', undefined);
  expect('query' in replaced && replaced.query.text).toBe('task:10 curl');
});

test('the help has made-up rows', () => {
  expect(TERMS.filter(({ about }) => about === 'made up')).toHaveLength(7);
});
