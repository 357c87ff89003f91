import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeApp } from '../helpers/app.ts';
import { baseline, batch, emptyState, socket } from '../helpers/fakes.ts';
import { DOWN, UP, ESC, TAB, ALL } from './world-scene.ts';

// The query and what it asks for: host names, diagnoses.

let app: FakeApp;
beforeEach(() => {
  app = new FakeApp(120, 40);
});
afterEach(() => app.close());

describe('host names', () => {
  test('are resolved once, when the query is complete, and shown', async () => {
    await app.take(baseline(ALL));
    await app.type('/@db.example');
    expect(app.resolvedHosts).toEqual([]);
    await app.press('\r');
    expect(app.resolvedHosts).toEqual(['db.example']);
    expect(app.said).toContain('db.example: looking up …');
    expect(app.said).toContain('0 of 4');
    await app.press(DOWN, 'j');
    await app.answer('db.example', { type: 'addresses', addresses: ['203.0.113.80', '2001:db8::80'] });
    expect(app.said).toContain('db.example = 203.0.113.80 +1');
    expect(app.said).toContain('2 of 4');
    await app.type('/ or @db.example');
    await app.press('\r');
    expect(app.resolvedHosts).toEqual(['db.example']);
  });

  test('leave the rows as they are while a name that is still typed is looked up, and the line below says so', async () => {
    await app.take(baseline(ALL));
    await app.type('/@db.example');
    expect(app.said).toContain('4 of 4');
    app.app.dispatch({ type: 'resolve-typed' });
    await app.shown();
    expect(app.resolvedHosts).toEqual(['db.example']);
    expect(app.lines[3]).toContain('db.example: looking up …');
    await app.answer('db.example', { type: 'failed', why: 'no such name' });
    expect(app.lines[3]).toContain('db.example: no such name');
    expect(app.said).toContain('4 of 4');
    const answer = { type: 'addresses', addresses: ['203.0.113.80'] } as const;
    app.app.dispatch({ type: 'host', name: 'db.example', answer });
    await app.shown();
    expect(app.said).toMatch(/\/ @db\.example .* 2 of 4/);
  });

  test('without an answer are shown with the reason, and asked again when the query is entered again', async () => {
    await app.take(baseline(ALL));
    await app.type('/@nowhere.example');
    await app.press('\r');
    await app.answer('nowhere.example', { type: 'failed', why: 'no such \x1b[31mname' });
    expect(app.said).toContain('nowhere.example: no such ?[31mname');
    await app.press(DOWN);
    expect(app.resolvedHosts).toHaveLength(1);
    await app.press('/', '\r');
    expect(app.resolvedHosts).toEqual(['nowhere.example', 'nowhere.example']);
  });

  test('are resolved for a view and for negated terms, but not for a cancelled query', async () => {
    app.close();
    app = new FakeApp(120, 40, {
      ...emptyState(),
      views: [{ name: 'mine', query: '!@a.example or @b.example' }],
    });
    await app.take(baseline(ALL));
    await app.press('7');
    expect(app.resolvedHosts).toEqual(['a.example', 'b.example']);
    await app.type('/@c.example');
    await app.press(ESC);
    expect(app.resolvedHosts).toHaveLength(2);
  });
});

describe('the query', () => {
  test('marks a mistake while typing and keeps the table', async () => {
    await app.take(baseline(ALL));
    await app.type('/node >3');
    expect(app.said).toMatch(/^\/ node >3 .* 2 of 4$/);
    expect(app.lines[3]).toMatch(/^ {7}\^\^ expected a field before >/);
    await app.press('\r');
    expect(app.said).toContain('/ node >3');
    await app.press(...Array<string>(2).fill('\x7f'), '\r');
    expect(app.said).toMatch(/^\/ node .* 2 of 4$/);
  });

  test('a paste of several lines is one text and accepts nothing; with other keys around it', async () => {
    await app.take(baseline(ALL));
    await app.press('\x1b[200~node or\r\n curl\r\x1b[201~');
    expect(app.said).toMatch(/^\/ node or curl .* 3 of 4$/);
    await app.press('\x7f', '\r');
    expect(app.said).toMatch(/^\/ node or cur .* 3 of 4$/);
  });

  test('a paste ends an absence, like a key', async () => {
    await app.take(baseline(ALL), batch({ monotonicMs: 1000, closed: [ALL[0]?.id ?? ''] }));
    app.nowMs = 14 * 60_000;
    await app.press('\x1b[200~node\x1b[201~');
    expect(app.text).toContain('since you last looked, 14m ago: +0 −1');
  });

  test('tab cycles through names of terms and current values', async () => {
    await app.take(baseline(ALL));
    await app.type('/proc');
    await app.press(TAB);
    expect(app.said).toContain('/ process:');
    await app.press(TAB);
    expect(app.said).toContain('/ process:curl');
    expect(app.lines[3]).toContain('curl  node  web');
    expect(app.said).toContain('1 of 4');
    await app.press(TAB, '\r');
    expect(app.said).toMatch(/^\/ process:node .*2 of 4$/);
  });

  test('the arrow keys recall earlier queries', async () => {
    await app.take(baseline(ALL));
    for (const text of ['node', 'curl']) await app.press('/', '\x15', ...Array.from(text), '\r');
    await app.press('/', '\x15', UP, UP);
    expect(app.said).toContain('/ node');
    await app.press(DOWN, '\r');
    expect(app.said).toContain('/ curl');
  });
});

describe('a diagnosis', () => {
  const leaked = Array.from({ length: 10 }, (_, i) =>
    socket({ id: `leaked ${i}`, process: 'leaky-app', state: 'CLOSE_WAIT' }),
  );

  test('is at the bottom, moves no row, and ! or a click filters to it', async () => {
    await app.take(baseline([...ALL, ...leaked]));
    const { y } = app.find('51000');
    expect(app.text).not.toContain('! leaky-app');
    await app.take(batch({ monotonicMs: 1000 }));
    expect(app.find('! leaky-app: 10 CLOSE_WAIT, oldest >1s').y).toBe(38);
    expect(app.find('51000').y).toBe(y);
    await app.press('!');
    expect(app.said).toMatch(/^\/ process=leaky-app state:CLOSE_WAIT .* 10 of 14$/);
    await app.press(ESC);
    await app.click(10, 38);
    expect(app.said).toContain('10 of 14');
  });

  test('does not exist while nothing is wrong, and ! says so', async () => {
    await app.take(baseline(ALL));
    await app.press('!');
    expect(app.said).toContain('no diagnosis: netpane sees nothing wrong');
  });
});
