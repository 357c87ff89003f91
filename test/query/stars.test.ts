import { expect, test } from 'vitest';
import { starTest } from '../../src/query/stars.ts';

test.each([
  ['*.example', ['a.example', '.example'], ['a.example.com', 'example']],
  ['api.*', ['api.', 'api.x'], ['xapi.']],
  ['a*b*c', ['abc', 'axbxc', 'abbc'], ['acb', 'ab', 'abca']],
  ['ab*ba', ['abba', 'abxba'], ['aba', 'ab']],
  ['*', ['', 'x'], []],
  ['**x', ['x', 'ax'], ['']],
])('%s', (pattern, matching, others) => {
  const matches = starTest(pattern);
  expect(matching.filter(matches)).toEqual(matching);
  expect(others.filter(matches)).toEqual([]);
});
