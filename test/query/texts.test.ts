import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TextPool } from '../../src/query/texts.ts';

test('a text has one number while it is in use', () => {
  const pool = new TextPool();
  const [a, b, again] = [pool.take('a'), pool.take('b'), pool.take('a')];
  expect([a === again, a === b, pool.text(a)]).toEqual([true, false, 'a']);
  pool.drop(a);
  expect([pool.text(a), pool.text(b)]).toEqual(['a', 'b']);
  pool.drop(a);
  expect([pool.text(a), pool.text(b)]).toEqual(['', 'b']);
  // The number is reused, so that the pool does not grow.
  expect(pool.take('c')).toBe(a);
  expect(pool.text(a)).toBe('c');
});

test('a cached test runs once per text, and again when its number has another text', () => {
  const pool = new TextPool();
  const tested: string[] = [];
  const test = pool.cachedTest((text) => {
    tested.push(text);
    return text.startsWith('y');
  });
  const yes = pool.take('yes');
  const no = pool.take('no');
  expect([test(yes), test(no), test(yes), test(no)]).toEqual([true, false, true, false]);
  expect(tested).toEqual(['yes', 'no']);
  pool.drop(yes);
  expect(pool.take('nay')).toBe(yes);
  expect([test(yes), test(yes)]).toEqual([false, false]);
  pool.drop(yes);
  pool.take('yea');
  expect([test(yes), tested]).toEqual([true, ['yes', 'no', 'nay', 'yea']]);
});

test('after any takes and drops the pool holds exactly the texts in use, and cached values belong to them', () => {
  const step = fc.record({ text: fc.constantFrom('', 'a', 'b', 'ab', 'c'), drop: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const pool = new TextPool();
      const hasB = pool.cachedTest((text) => text.includes('b'));
      const whole = pool.memo((it: { text: string }) => it.text);
      const used: { text: string; number: number }[] = [];
      let mostTexts = 0;
      for (const { text, drop } of steps) {
        const at = used.findIndex((it) => it.text === text);
        const [dropped] = drop && at >= 0 ? used.splice(at, 1) : [];
        if (dropped) pool.drop(dropped.number);
        else used.push({ text, number: pool.take(text) });
        const texts = new Set(used.map((it) => it.text)).size;
        mostTexts = Math.max(mostTexts, texts);
        expect(new Set(used.map((it) => it.number)).size).toBe(texts);
        for (const it of used) {
          // The number of a text that is no longer in use was reused.
          expect(it.number).toBeLessThan(mostTexts);
          expect(pool.text(it.number)).toBe(it.text);
          expect(hasB(it.number)).toBe(it.text.includes('b'));
          expect(whole(it.number, it)).toBe(it.text);
        }
      }
    }),
  );
});
