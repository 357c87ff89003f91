import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Endpoints, hasEndpoints, type Pair, PairIndex } from '../../src/store/pair-index.ts';

const address = fc.constantFrom('127.0.0.1', '127.0.0.2', '::1', '10.0.0.1');
const port = fc.nat({ max: 3 });
const endpoints: fc.Arbitrary<Endpoints> = fc.record({
  protocol: fc.constantFrom('tcp', 'udp'),
  scope: fc.constantFrom(-1, 4_026_531_833),
  lowerAddress: address,
  lowerPort: port,
  upperAddress: address,
  upperPort: port,
});

const textOf = (of: Endpoints): string =>
  [of.protocol, of.scope, of.lowerAddress, of.lowerPort, of.upperAddress, of.upperPort].join(' ');

test('for any endpoints there is one pair, until it is deleted', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(endpoints, fc.boolean()), { maxLength: 200 }), (steps) => {
      const index = new PairIndex();
      const expected = new Map<string, Pair>();
      const deleted = new Set<Pair>();
      for (const [of, isDeleted] of steps) {
        const pair = index.findOrAdd(of);
        expect(hasEndpoints(pair, of)).toBe(true);
        expect(deleted.has(pair)).toBe(false);
        expect(pair).toBe(expected.get(textOf(of)) ?? pair);
        expected.set(textOf(of), pair);
        if (isDeleted) {
          index.delete(pair);
          deleted.add(pair);
          expected.delete(textOf(of));
        }
      }
    }),
  );
});

test('endpoints that differ in one field are different pairs', () => {
  const one: Endpoints = {
    protocol: 'tcp',
    scope: 1,
    lowerAddress: '127.0.0.1',
    lowerPort: 80,
    upperAddress: '127.0.0.2',
    upperPort: 81,
  };
  const others = {
    protocol: 'udp',
    scope: 2,
    lowerAddress: '::1',
    lowerPort: 82,
    upperAddress: '::1',
    upperPort: 82,
  } as const satisfies Endpoints;
  for (const field of Object.keys(one) as (keyof Endpoints)[]) {
    const index = new PairIndex();
    expect(index.findOrAdd({ ...one, [field]: others[field] })).not.toBe(index.findOrAdd(one));
  }
});
