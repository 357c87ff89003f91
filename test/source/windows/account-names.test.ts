import { expect, test } from 'vitest';
import { AccountNames } from '../../../src/source/windows/account-names.ts';

const SID = Uint8Array.of(1, 5);
const OTHER = Uint8Array.of(1, 6);

test('the name of an account is asked for once', () => {
  const asked: number[] = [];
  const names = new AccountNames(
    (sid) => {
      asked.push(sid[1] ?? 0);
      return `user${sid[1]}`;
    },
    () => asked.length * 1e9,
  );
  expect([SID, OTHER, Uint8Array.from(SID)].map((sid) => names.of(sid))).toEqual(['user5', 'user6', 'user5']);
  expect(asked).toEqual([5, 6]);
});

test('a lookup that failed is repeated ten minutes after its end', () => {
  let [nowMs, answer]: [number, string | undefined] = [0, undefined];
  const asked: number[] = [];
  const names = new AccountNames(
    () => {
      asked.push(nowMs);
      // The server of the domain does not answer.
      nowMs += 5000;
      return answer;
    },
    () => nowMs,
  );
  expect(names.of(SID)).toBeUndefined();
  answer = 'alice';
  nowMs = 604_999;
  expect(names.of(SID)).toBeUndefined();
  nowMs = 605_000;
  expect(names.of(SID)).toBe('alice');
  expect(asked).toEqual([0, 605_000]);
});
