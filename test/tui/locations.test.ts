import { describe, expect, test } from 'vitest';
import type { Locations } from '../../src/store/locations.ts';
import type { State } from '../../src/store/state.ts';
import { FakeApp } from '../helpers/app.ts';
import { baseline, emptyState, queryFrom, socket } from '../helpers/fakes.ts';
import { UNSAFE } from '../helpers/lines.ts';
import { fakeLocations } from '../helpers/locations.ts';

const ENTER = '\r';

const peer = (id: string, address: string) =>
  socket({ id, process: id, pid: 1, local: '10.0.0.1:5000', remote: `${address}:443` });

const SOCKETS = [
  peer('alpha', '192.0.2.1'),
  peer('beta', '192.0.2.2'),
  peer('gamma', '192.0.2.3'),
  peer('private', '10.0.0.7'),
  socket({ id: 'll', process: 'server', pid: 2, local: '0.0.0.0:80', remote: null, state: 'LISTEN' }),
];

const LOCATIONS = fakeLocations({
  '192.0.2.1': ['DE', 'AS24940 Hetzner Online GmbH'],
  '192.0.2.2': ['FR', 'AS16276 OVH SAS'],
});

const COLUMNS = { columns: [{ id: 'process' }, { id: 'country' }, { id: 'org' }] } as const;

async function open(changes: Partial<State>, locations: Locations | null = LOCATIONS): Promise<FakeApp> {
  const app = new FakeApp(130, 30, { ...emptyState(), ...changes });
  await app.take(baseline(SOCKETS));
  if (locations && app.geo.reads > 0) app.geo.answer(locations);
  return app.shown();
}

/** Returns the row of a program. */
const lineOf = (app: FakeApp, name: string): string =>
  app.text
    .split('\n')
    .find((it) => it.trimStart().startsWith(`${name} `))
    ?.trim() ?? '';

const programs = (app: FakeApp): string[] =>
  ['alpha', 'beta', 'gamma', 'private', 'server'].filter((name) => lineOf(app, name) !== '');

test('no file is read before it is needed', async () => {
  const app = await open({});
  await app.press('j', 'k');
  expect(app.geo.reads).toBe(0);
});

test('the columns show what files know; … while they are read, · for a private address', async () => {
  const waiting = await open(COLUMNS, null);
  expect(lineOf(waiting, 'alpha')).toMatch(/^alpha +… +…$/);
  const app = await open(COLUMNS);
  expect(lineOf(app, 'alpha')).toMatch(/^alpha +DE +AS24940 Hetzner Online/);
  expect(lineOf(app, 'gamma')).toMatch(/^gamma +· +·$/);
  expect(lineOf(app, 'private')).toMatch(/^private +· +·$/);
  expect(app.geo.reads).toBe(1);
});

test('without a file for a column, its cells and a notice say so', async () => {
  const app = await open(COLUMNS, fakeLocations({ '192.0.2.1': ['DE'] }, ['country']));
  expect(lineOf(app, 'alpha')).toMatch(/^alpha +DE +\?$/);
  expect(lineOf(app, 'private')).toMatch(/^private +· +·$/);
  expect(app.text).toContain('no file with organisations');
});

test('a damaged file is named', async () => {
  const app = await open(COLUMNS, fakeLocations({}, [], ['/geo/Country.mmdb: damaged: bad metadata']));
  expect(app.text).toContain('/geo/Country.mmdb: damaged: bad metadata');
});

test('rows sort by country, and by the name of the organisation', async () => {
  const app = await open({ ...COLUMNS, sort: { column: 'country', descending: true } });
  expect(app.text.indexOf('beta')).toBeLessThan(app.text.indexOf('alpha'));
  expect(app.text.indexOf('alpha')).toBeLessThan(app.text.indexOf('gamma'));
});

describe('a query', () => {
  test.each([
    ['country:de', ['alpha']],
    ['country:DE or country:FR', ['alpha', 'beta']],
    ['org:*hetzner*', ['alpha']],
    ['org:ovh', ['beta']],
    ['asn:24940', ['alpha']],
    ['asn:AS16276', ['beta']],
    ['!country:de', ['beta', 'gamma', 'private', 'server']],
  ])('%s', async (query, found) => {
    expect(programs(await open({ query: queryFrom(query) }))).toEqual(found);
  });

  test('finds rows of addresses as soon as the files are read', async () => {
    const app = await open({ query: queryFrom('country:de') }, null);
    expect(programs(app)).toEqual([]);
    app.geo.answer(LOCATIONS);
    await app.shown();
    expect(programs(app)).toEqual(['alpha']);
  });
});

test('rows are grouped by country and by organisation', async () => {
  const app = await open({ group: 'country' });
  expect(app.text).toContain('▾ DE (1)');
  expect(app.text).toContain('▾ no country (3)');
  app.geo.answer(fakeLocations({ '192.0.2.1': ['FR'], '192.0.2.2': ['FR'] }));
  await app.shown();
  expect(app.text).toContain('▾ FR (2)');
  // The next grouping of the same key.
  await app.press('o');
  expect(app.text).toContain('▾ no organisation (5)');
});

test('the groupings that need a file are left out until it was read', async () => {
  const app = await open({ group: 'ns' });
  await app.press('o');
  expect([app.geo.reads, app.text.includes('no country')]).toEqual([0, false]);
});

test('x excludes the country of the chosen cell', async () => {
  const app = await open({ ...COLUMNS, selectedId: 'alpha', cell: 'country' });
  await app.press('x');
  expect(app.text).toContain('!country=DE');
  expect(programs(app)).not.toContain('alpha');
});

test('the details name country and organisation, each with its file and date', async () => {
  const app = await open({ query: queryFrom('process:alpha') });
  await app.press(ENTER);
  app.geo.answer(LOCATIONS);
  await app.shown();
  expect(app.text).toMatch(
    /location +DE +by Country\.mmdb of 2026-11-01 +AS24940 Hetzner Online GmbH +by ASN\.mmdb/,
  );
  expect(app.geo.reads).toBe(1);
});

test('the details of a private peer read no file', async () => {
  const app = await open({ query: queryFrom('process:private') });
  await app.press(ENTER);
  expect(app.geo.reads).toBe(0);
});

test('a hostile name is printable', async () => {
  const hostile = fakeLocations({ '192.0.2.1': ['DE', 'AS1 \x1b[2J\u202eevil{bold}\n'] });
  const app = await open({ ...COLUMNS, group: 'org' }, hostile);
  await app.press('j', ENTER);
  expect(app.text).toContain('evil{bold}');
  expect(app.text.replaceAll('\n', '')).not.toMatch(UNSAFE);
});
