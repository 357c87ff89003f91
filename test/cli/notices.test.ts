import { expect, test } from 'vitest';
import { Notices } from '../../src/cli/notices.ts';
import type { Degradation } from '../../src/model/batch.ts';
import type { Coverage } from '../../src/model/event.ts';

function setUp() {
  const said: string[] = [];
  const notices = new Notices((text) => said.push(text));
  const take = (degradations: readonly Degradation[], coverage: Coverage = { level: 'changes' }) => {
    notices.take({ degradations, coverage });
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

test('what cannot be seen is said once; another count of it is no news', () => {
  const take = setUp();
  expect(take([hidden(3)])).toEqual(['3 hidden']);
  expect(take([hidden(4)])).toEqual([]);
  expect(take([hidden(4), PACED])).toEqual(['slowed']);
});

test('what could be seen for a while is said again', () => {
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
])('what is not caught, and why: %o', (coverage, said) => {
  expect(setUp()([], coverage)).toEqual(said);
});

test('that less is caught than before is said, and that it is the same is not', () => {
  const take = setUp();
  expect(take([])).toEqual([]);
  const closes = { level: 'closes', why: 'no tracefs' } as const;
  expect(take([], closes)).toHaveLength(1);
  expect(take([], closes)).toEqual([]);
  expect(take([], { level: 'polls', why: 'no netlink' })).toEqual([
    'changes between two polls are not seen (no netlink)',
  ]);
});
