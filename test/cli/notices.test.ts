import { expect, test } from 'vitest';
import { Notices } from '../../src/cli/notices.ts';
import type { Degradation } from '../../src/model/batch.ts';
import type { Coverage } from '../../src/model/event.ts';

function setUp() {
  const said: string[] = [];
  const notices = new Notices((text) => said.push(text));
  const take = (degradations: readonly Degradation[], coverage: Coverage = { level: 'changes' }) => {
    notices.printNew({ degradations, coverage });
    return said.splice(0);
  };
  return take;
}

const hidden = (count: number): Degradation => ({
  code: 'owners-hidden',
  text: `${count} hidden`,
  short: 'hidden',
});
const PACED: Degradation = { code: 'paced', text: 'slowed', short: 'slow' };

test('prints a notice once, even if its count changes', () => {
  const take = setUp();
  expect(take([hidden(3)])).toEqual(['3 hidden']);
  expect(take([hidden(4)])).toEqual([]);
  expect(take([hidden(4), PACED])).toEqual(['slowed']);
});

test('prints a notice again after a batch without it', () => {
  const take = setUp();
  expect(take([PACED])).toEqual(['slowed']);
  expect(take([])).toEqual([]);
  expect(take([PACED])).toEqual(['slowed']);
});

test.each<[Coverage, string[]]>([
  [{ level: 'changes' }, []],
  [
    { level: 'changes', why: 'SCTP is not traced' },
    ['some short-lived changes may be missed (SCTP is not traced)'],
  ],
  [{ level: 'closes', why: 'not root' }, ['some short-lived changes may be missed (not root)']],
  [{ level: 'polls' }, ['changes between two polls are not seen']],
])('reports the coverage and its reason: %o', (coverage, said) => {
  expect(setUp()([], coverage)).toEqual(said);
});

test('reports a lower coverage, but not an unchanged one', () => {
  const take = setUp();
  expect(take([])).toEqual([]);
  const closes = { level: 'closes', why: 'no tracefs' } as const;
  expect(take([], closes)).toHaveLength(1);
  expect(take([], closes)).toEqual([]);
  expect(take([], { level: 'polls', why: 'no netlink' })).toEqual([
    'changes between two polls are not seen (no netlink)',
  ]);
});
