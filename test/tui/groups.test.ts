import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BUILT_IN } from '../../src/store/views.ts';
import { FakeApp, TOP_ROW } from '../helpers/app.ts';
import { baseline } from '../helpers/fakes.ts';
import { DOWN, ESC, ALL } from './world-scene.ts';

// The mouse and keys on grouped rows and in lists.

let app: FakeApp;
beforeEach(() => {
  app = new FakeApp(120, 40);
});
afterEach(() => app.close());

const selected = (): string => app.lines.find((_, y) => app.cellAt(3, y).inverse) ?? '';

describe('the mouse on groups', () => {
  const group = (name: string) => app.find(`${name} `);
  beforeEach(async () => {
    await app.take(baseline(ALL));
    await app.press('o');
  });

  test('a click selects a group header, a second one folds it, a third unfolds it', async () => {
    const { y } = group('▾ node');
    await app.click(20, y);
    expect(selected()).toContain('node');
    expect(app.text).toContain('51000');
    await app.click(20, y);
    expect(selected()).toContain('▸ node');
    expect(app.text).not.toContain('51000');
    await app.click(20, y);
    expect(app.text).toContain('51000');
  });

  test('a click on a row of a group selects it without folding', async () => {
    const { x, y } = app.find('51001');
    await app.click(x, y);
    await app.click(x, y);
    expect(selected()).toContain('51001');
    expect(app.app.state.cell).toBe('localPort');
  });

  test('the wheel moves over headers and rows', async () => {
    await app.press('\x1b[<65;5;8M');
    expect(selected()).toContain('51000');
  });

  test('a click on a title sorts the groups', async () => {
    const before = app.lines.slice(TOP_ROW).filter((line) => line.includes('▾'));
    const { x, y } = app.find('PROCESS');
    await app.click(x, y);
    const now = app.lines.slice(TOP_ROW).filter((line) => line.includes('▾'));
    expect(now.map((line) => line.trim().split(/ +/)[1])).toEqual(
      before.map((line) => line.trim().split(/ +/)[1]).toReversed(),
    );
  });

  test('folding moves the selection to the group header, unfolding back to the row', async () => {
    const { x, y } = app.find('51001');
    await app.click(x, y);
    await app.press('z');
    expect(selected()).toContain('▸ node');
    await app.press('z');
    expect(selected()).toContain('51001');
    await app.press('Z');
    expect(selected()).toContain('▸ node');
    await app.press(DOWN);
    expect(selected()).toContain('▸ web');
  });
});

test('the keys of an open list act on the list, and enter or escape closes it', async () => {
  await app.take(baseline(ALL));
  await app.press('v');
  for (const { name } of BUILT_IN) expect(app.text).toContain(name);
  await app.press(DOWN, '\r');
  expect(app.said).toContain('1 of 4');
  expect(app.text).not.toContain('VIEWS');
  await app.press('C', 'j', ' ');
  expect(app.lines[3]).not.toContain('PID');
  await app.press('r', ESC);
  expect(app.lines[3]).toContain('PID');
  expect(app.app.state.list).toBeNull();
});
