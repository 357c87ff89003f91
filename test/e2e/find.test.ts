// Queries: completion, mistakes, history and the baseline, on screens of four sizes.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Herd, type HerdProcess } from '../helpers/herd.ts';
import { FINDING_SIZES, tableLines, toShow } from './finding.ts';
import { isLinux } from './netpane.ts';
import { filterLine, SCENE_SIZE, socketCounts, titleLine, typeQuery, useScene, useScreen } from './scene.ts';

describe.skipIf(!isLinux)('finding sockets (skipped elsewhere: the herd needs Linux)', () => {
  const scene = useScene();
  const screen = useScreen(scene);

  describe.each(FINDING_SIZES)('%i × %i', (cols, rows) => {
    const show = () => screen([cols, rows]);
    const hasTabs = cols >= 80;

    test('tab completes terms, and values of present sockets', async () => {
      const { name } = scene;
      const t = await show();
      typeQuery(t, `process:${name}`);
      await toShow(t, SCENE_SIZE, 'of both');
      t.press('tab');
      await t.until(
        'the first value',
        () => filterLine(t).includes(`${name}-cli`) && socketCounts(t).shown === 6,
      );
      t.press('tab');
      await t.until(
        'the second value',
        () => filterLine(t).includes(`${name}-srv`) && socketCounts(t).shown === 9,
      );
      t.press('shift-tab');
      await toShow(t, 6, 'of the first value again');
      t.write(' :543');
      t.press('tab');
      await t.until(
        'a port of a socket',
        () => filterLine(t).includes(':5432') && socketCounts(t).shown === 4,
      );
      t.write(' lis');
      t.press('tab');
      await t.until('a word', () => filterLine(t).includes(' listen') && socketCounts(t).shown === 0);
      t.press('enter');
      // The room for the query depends on the number of sockets of this machine.
      await t.until('the query', () => filterLine(t).startsWith(`/ process:${name}`));
    });

    test('a mistake is marked while you type, and the text stays', async () => {
      const t = await show();
      typeQuery(t, `process:${scene.name} listen`);
      await toShow(t, 4, 'that listen');
      t.write(' age:5');
      const caretAt = () => titleLine(t).indexOf('^');
      await t.until('the mistake', () => caretAt() > 0 && filterLine(t).slice(caretAt()).startsWith('age:5'));
      // The narrow screen cuts the message.
      expect(titleLine(t)).toContain(hasTabs ? 'age needs a comparison' : 'age needs');
      t.press('enter');
      await t.until('an error', () => t.cell(caretAt(), 3).bold);
      expect(filterLine(t)).toContain(`listen age:5`);
      t.press('backspace');
      t.press('backspace');
      t.write('>=0s');
      await t.until('no mistake', () => titleLine(t).includes('PROCESS') && socketCounts(t).shown === 4);
      t.press('enter');
      await t.until(
        'the query',
        () => filterLine(t).startsWith('/ process:') && /esc|help/.test(t.rows().at(-1) ?? ''),
      );
    });

    test('up goes through the history, down back to the typed text', async () => {
      const t = await show();
      typeQuery(t, `process:${scene.name} udp\r`);
      await toShow(t, 2, 'of UDP');
      typeQuery(t, `process:${scene.name} listen\r`);
      await toShow(t, 4, 'that listen');
      typeQuery(t, `process:${scene.name}-cli`);
      await toShow(t, 6, 'of the client');
      t.press('up');
      await toShow(t, 4, 'of the last query');
      t.press('up');
      await toShow(t, 2, 'of the one before');
      t.press('down');
      t.press('down');
      await t.until('what was typed', () => filterLine(t).includes('-cli') && socketCounts(t).shown === 6);
    });
  });

  // Last, because `tab` in the tests above would also complete the name of its process.
  const herd = new Herd();
  let late: HerdProcess;
  beforeAll(async () => {
    late = await herd.spawn({ title: `${scene.name}-new` });
  });
  afterAll(() => herd.close());
  test.each(FINDING_SIZES)('%i × %i: `b` shows only sockets that are new from now on', async (cols, rows) => {
    const t = await screen([cols, rows]);
    t.write('b');
    await toShow(t, 0, 'that are new');
    const listener = await late.listen();
    await toShow(t, 1, 'opened since then');
    expect(socketCounts(t).total).toBeGreaterThanOrEqual(SCENE_SIZE + 1);
    expect(tableLines(t)[0]).toContain('LISTEN');
    if (cols > 40) expect(tableLines(t)[0]).toContain(String(listener.local.port));
    t.write('b');
    await toShow(t, 0, 'that are new, with a later baseline');
    await late.close([listener]);
  });
});
