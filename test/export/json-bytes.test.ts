import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonBytes } from '../../src/export/json-bytes.ts';
import { UNSAFE } from '../helpers/lines.ts';

/** Returns what `write` writes. */
function written(write: (out: JsonBytes) => void): string {
  const out = new JsonBytes();
  write(out);
  return out.takeText();
}

test('any number parses back unchanged', () => {
  const numbers = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.maxSafeNat().map((it) => it / 1000),
    fc.nat(2000).map((it) => it / 1000),
    fc.constantFrom(
      0,
      -0,
      9,
      10,
      99,
      100,
      1e15,
      2 ** 53 - 1,
      2 ** 53,
      1e21,
      0.001,
      0.1,
      0.12,
      5e-324,
      1.0005,
    ),
  );
  fc.assert(
    fc.property(numbers, (it) => {
      expect(JSON.parse(written((out) => out.number(it)))).toBe(it === 0 ? 0 : it);
    }),
    { numRuns: 1000 },
  );
});

test('a number is as short as that of JSON.stringify', () => {
  for (const it of [0, 7, 10, 123_456, 1_795_965_123_456.12, 0.5, 12.004, 3.1415, 1e21])
    expect(written((out) => out.number(it))).toBe(JSON.stringify(it));
});

test('any text parses back unchanged, without invisible characters', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (texts) => {
      const json = written((out) => {
        for (const text of texts) {
          out.text(text);
          out.raw('\n');
        }
      });
      expect(json.replaceAll('\n', '').replace(/\p{M}/gu, '')).not.toMatch(UNSAFE);
      expect(
        json
          .split('\n')
          .slice(0, -1)
          .map((it) => JSON.parse(it) as unknown),
      ).toEqual(texts);
    }),
  );
});

test('grows with its contents', () => {
  const out = new JsonBytes();
  const long = 'x'.repeat(200_000);
  out.text(long);
  const end = out.length;
  for (let i = 0; i < 3; i++) out.repeat(0, end);
  out.json('ä'.repeat(100_000));
  out.copy(out.copyFrom(end * 4));
  expect(out.take().toString()).toBe(`"${long}"`.repeat(4) + JSON.stringify('ä'.repeat(100_000)).repeat(2));
  expect(out.length).toBe(0);
});

test('makes objects of fields that begin with commas, also of none', () => {
  const text = written((out) => {
    out.raw('[');
    const start = out.length;
    out.raw(',"a":1,"b":2');
    out.brace(start);
    out.raw(',');
    out.brace(out.length);
    out.raw(']');
  });
  expect(text).toBe('[{"a":1,"b":2},{}]');
});
