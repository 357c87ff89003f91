import { afterEach, describe, expect, test } from 'vitest';
import { FakeApp } from '../helpers/app.ts';
import { baseline } from '../helpers/fakes.ts';
import { SCENE } from '../helpers/scene.ts';

const open: FakeApp[] = [];
afterEach(() => open.splice(0).forEach((it) => it.close()));

/** Returns the app with the help open, after a search in it. */
async function helpWith(text: string, rows = 12): Promise<FakeApp> {
  const app = new FakeApp(80, rows);
  open.push(app);
  await app.take(baseline(Object.values(SCENE)));
  await app.press('?', '/');
  await app.type(text);
  return app.press('\r');
}

/** Returns the first line of the help below its title. */
const firstLine = ({ lines }: FakeApp): string => lines[4]?.trim() ?? '';
const filterLine = ({ lines }: FakeApp): string => lines[2]?.trim() ?? '';

describe('after a search in the help', () => {
  test('n goes to the next match, and N back', async () => {
    const app = await helpWith('port');
    const first = firstLine(app);
    const seen = [first];
    for (let i = 0; i < 3; i++) seen.push(firstLine(await app.press('n')));
    expect(new Set(seen).size).toBe(4);
    expect(seen.filter((it) => it.toLowerCase().includes('port') || /^[A-Z ]+$/.test(it))).toEqual(seen);
    for (let i = 0; i < 3; i++) await app.press('N');
    expect(firstLine(app)).toBe(first);
    expect(app.app.state.serviceNames).toBe(false);
  });

  test('n and N say where there is no further match', async () => {
    const app = await helpWith('port');
    await app.press('N');
    expect(filterLine(app)).toMatch(/^this is the first match/);
    for (let i = 0; i < 99; i++) app.key('n');
    await app.shown();
    expect(filterLine(app)).toMatch(/^this is the last match/);
  });

  test('n says so if all matches are on the screen, or there are none', async () => {
    expect(filterLine(await (await helpWith('freeze', 40)).press('n'))).toMatch(
      /^all matches are on the screen/,
    );
    expect(filterLine(await (await helpWith('no-such-word')).press('n'))).toMatch(/^nothing found/);
  });
});

test('n without a search in the help says how to search', async () => {
  const app = new FakeApp(80, 12);
  open.push(app);
  await app.take(baseline(Object.values(SCENE)));
  await app.press('?', 'n');
  expect(filterLine(app)).toMatch(/^no search: press \/ to find a word in the help/);
  expect(app.app.state).toMatchObject({ serviceNames: false, panes: { help: true } });
});

test('space turns a page of the help, and pauses nothing behind it', async () => {
  const app = new FakeApp(80, 12);
  open.push(app);
  await app.take(baseline(Object.values(SCENE)));
  await app.press('?', ' ');
  expect(app.text).toContain('HELP  7–13');
  expect(app.app.state).toMatchObject({ pause: null, panes: { help: true } });
});

test.each([
  ['f', { frozen: true }],
  ['B', { joinsPairs: true }],
  ['o', { group: 'process' }],
])('%s closes the help, which covers what it changes', async (key, expected) => {
  const app = new FakeApp(80, 12);
  open.push(app);
  await app.take(baseline(Object.values(SCENE)));
  await app.press('?', key);
  expect(app.app.state).toMatchObject({ ...expected, panes: { help: false } });
});

test('the help over an open list gets the keys, and esc closes it before the list', async () => {
  const app = new FakeApp(80, 20);
  open.push(app);
  await app.take(baseline(Object.values(SCENE)));
  await app.press('v', 'j', '?', 'j');
  expect(app.app.state).toMatchObject({ list: { at: 1 }, places: { help: { top: 1 } } });
  await app.press('\x1b');
  expect(app.app.state).toMatchObject({ list: { at: 1 }, panes: { help: false } });
  await app.press('\x1b');
  expect(app.app.state.list).toBe(null);
});
