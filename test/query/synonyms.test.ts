import { expect, test } from 'vitest';
import { misspellingText, suggestionText } from '../../src/view/text/query-notices.ts';
import { queryFrom } from '../helpers/fakes.ts';

test.each([
  ['proces:curl', 'unknown field proces: did you mean process:?'],
  ['progam:curl', 'unknown field progam: did you mean program:?'],
  ['remot:192.0.2.1', 'unknown field remot: did you mean remote:?'],
  ['tcp:443', 'there is no field tcp: write proto:tcp :PORT'],
  ['uid:0', 'there is no field uid: write user:NAME'],
  ['state', 'to search by state, write state:VALUE'],
  ['sport', 'to search by sport, write lport:VALUE'],
  ['dst', 'to search by dst, write remote:ADDRESS'],
  ['localhost:3000', 'for the port alone, write :3000'],
  ['*:80', 'for the port alone, write :80'],
  ['203.0.113.*', 'a word finds any part of a text: leave out the *'],
  ['lisen', 'did you mean listen?'],
  ['curl exposd', 'did you mean exposed?'],
])('a query that finds nothing, %s, is answered: %s', (query, text) => {
  expect(suggestionText(queryFrom(query))).toBe(text);
});

test.each(['curl', 'http://x', '"nginx"', '8080', 'inn', 'a:b:c'])('has no answer to %s', (query) => {
  expect(suggestionText(queryFrom(query))).toBeUndefined();
});

test('only a word that looks like a field is a misspelling before it has found nothing', () => {
  expect(['proces:curl', 'tcp:443'].map((it) => misspellingText(queryFrom(it)))).not.toContain(undefined);
  expect(['lisen', 'state', 'localhost:3000'].map((it) => misspellingText(queryFrom(it)))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
