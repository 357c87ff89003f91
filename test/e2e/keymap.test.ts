// Keys: the keymap, undo, the question, the command palette, the help, other keys by the configuration.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Terminal } from '../helpers/terminal.ts';
import { escape } from './finding.ts';
import { isLinux, newHome, rowOf, selectedY, startNetpane, tableRows } from './netpane.ts';
import {
  atEachSize,
  filterLine,
  SCENE_SIZE,
  select,
  titleLine,
  typeQuery,
  useScene,
  useScreen,
} from './scene.ts';

const SIZE = { cols: 80, rows: 24 };

/** The first title of the help, if something cannot be seen or if everything can. */
const FIRST_TITLE = /^(WHAT NETPANE CANNOT SEE NOW|HELP AND QUITTING)$/m;

/** Returns the line of the help, the palette or a list with its title. */
const titled = (t: Terminal, title: string): string => t.rows().find((line) => line.startsWith(title)) ?? '';

describe.skipIf(!isLinux)('keys (skipped elsewhere: the herd needs Linux)', () => {
  const scene = useScene();
  const show = useScreen(scene, SIZE);
  const untilShown = (t: Terminal, count: number) =>
    t.until(`${count} sockets`, () => filterLine(t).includes(` ${count} of `));

  test('u undoes x, b and clear, the last first', async () => {
    const t = await show();
    await select(t, scene.redis);
    t.write('x');
    await t.until('less', () => filterLine(t).includes(`!process=${scene.name}`));
    t.write('b');
    await t.until('only new', () => / new +0 of /.test(filterLine(t)));
    // The view is empty: the first one leaves it, the second one clears the query.
    t.press('escape');
    await t.until('the view left', () => !/ new +/.test(filterLine(t)));
    t.press('escape');
    await t.until('all', () => !filterLine(t).includes(scene.name));
    t.write('u');
    await t.until('the query', () => filterLine(t).includes('the query is back'));
    t.write('u');
    await untilShown(t, 0);
    t.write('u');
    await t.until('what is undone', () => filterLine(t).startsWith('undone: new'));
    t.write('u');
    await t.until('what is undone', () => filterLine(t).startsWith('undone: !process'));
    await untilShown(t, SCENE_SIZE);
  });

  test('h asks; any other key or a click cancels, y hides, u shows the rows again', async () => {
    const t = await show();
    await select(t, scene.redis);
    t.write('h');
    await t.until('the question', () => /^hide .*(y hides|for good)/.test(filterLine(t)));
    t.write('n');
    await t.until('what was not done', () => filterLine(t).startsWith('nothing hidden'));
    t.write('h');
    await t.until('the question', () => filterLine(t).startsWith('hide '));
    t.click(20, rowOf(t, scene.redis)?.y ?? 0);
    await t.until('what was not done', () => filterLine(t).startsWith('nothing hidden'));
    expect(filterLine(t)).toContain(`${SCENE_SIZE} of `);
    t.write('hy');
    await t.until('the message', () => filterLine(t).startsWith('hidden (u undoes): '));
    await t.until('a row less', () => rowOf(t, scene.redis) === undefined);
    t.press('home');
    await t.until('what is hidden, and how to see it', () => filterLine(t).includes('1 hidden by you: H'));
    t.write('u');
    await t.until('the row', () => rowOf(t, scene.redis) !== undefined);
    expect(filterLine(t)).toContain('no longer hidden');
  });

  test('G and gg, ctrl-d and ctrl-u move', async () => {
    const t = await show();
    const rows = tableRows(t);
    const [first, last] = [rows.at(0)?.y ?? -1, rows.at(-1)?.y ?? -1];
    const selected = (y: number) => t.until(`row ${y}`, () => selectedY(t) === y);
    t.write('G');
    await selected(last);
    t.write('g');
    t.write('g');
    await selected(first);
    t.write('\x04');
    await t.until('half a page down', () => selectedY(t) > first);
    expect(selectedY(t)).toBeLessThan(last);
    t.write('\x15');
    await selected(first);
    // Any other key after the first g acts as itself.
    t.write('gG');
    await selected(last);
  });

  test('the F-keys of htop, also as the Linux console sends them', async () => {
    const t = await show();
    for (const key of ['\x1bOP', '\x1b[[A']) {
      t.write(key);
      await t.until('F1: the help', () => titled(t, 'HELP') !== '');
      t.write('\x1b[21~');
      await t.until('F10: no help', () => titled(t, 'HELP') === '');
    }
    for (const key of ['\x1bOR', '\x1b[[C', '\x1bOS']) {
      t.write(key);
      await t.until('F3, F4: the prompt', () => t.rows().at(-1)?.includes('enter apply'));
      t.press('escape');
      await t.until('the table', () => t.rows().at(-1)?.includes('/ filter'));
    }
    t.write('\x1b[[B');
    await t.until('F2: the columns', () => t.text().includes('COLUMNS'));
    t.write('q');
    await t.until('no list', () => !t.text().includes('COLUMNS'));
    t.write('\x1b[15~');
    await t.until('F5: groups', () => /lines|by process/.test(filterLine(t)));
    t.write(':no groups\r');
    await t.until('no groups', () => rowOf(t, scene.redis) !== undefined);
  });

  test('`:` and ctrl-p open the palette, which finds an action by its words and runs it', async () => {
    const t = await show();
    t.write(':');
    await t.until('the palette', () => /COMMANDS {2}1–\d+ of \d+/.test(titled(t, 'COMMANDS')));
    t.write('only list');
    await t.until('the command with its key', () => / only listeners +l *$/m.test(t.text()));
    t.press('enter');
    await t.until('the listeners', () => filterLine(t).includes(' listen '));
    t.write('l\x10');
    await t.until('the palette', () => titled(t, 'COMMANDS') !== '');
    t.write('sort by pid');
    await t.until('an action without a key', () => t.text().includes('sort by PID'));
    t.press('enter');
    await t.until('the order', () => /PID ?▴/.test(titleLine(t)));
    t.write(':sort by process\r');
    await t.until('the order', () => /PROCESS ?▴/.test(titleLine(t)));
    t.write(':zzz');
    await t.until('what is found', () => t.text().includes('no action matches'));
    t.press('escape');
    await t.until('the table', () => titleLine(t).includes('PROCESS'));
  });

  test('the help starts with what netpane cannot see, shows its position and can be searched', async () => {
    const t = await show();
    t.write('?');
    await t.until('its position', () => /^HELP {2}1–\d+ of \d+ /.test(titled(t, 'HELP')));
    expect(t.text()).toMatch(
      /^HELP .*\n(WHAT NETPANE CANNOT SEE NOW\n[^]*)?HELP AND QUITTING\n[^]* quit, always\n/m,
    );
    t.write('G');
    await t.until('its end', () => /^HELP {2}\d+–(\d+) of \1 /.test(titled(t, 'HELP')));
    t.write('/undo the last\r');
    await t.until('what is found', () => /^ +u +undo the last exclude/m.test(t.text()));
    expect(titled(t, 'HELP')).toContain('with undo the last');
    expect(t.text()).not.toMatch(/^MOVE$/m);
    t.press('escape');
    await t.until('all of it', () => !titled(t, 'HELP').includes('with'));
    t.press('escape');
    await t.until('the table', () => titleLine(t).includes('PROCESS'));
  });

  test('esc and q close the topmost, h asks and u undoes, at five sizes', async () => {
    const t = await show();
    await atEachSize(t, async () => {
      t.press('home');
      t.press('enter');
      await t.until('the details', () => t.text().includes('DETAILS'));
      t.write('?');
      await t.until('the help', () => titled(t, 'HELP') !== '');
      t.write('q');
      await t.until('only the details', () => titled(t, 'HELP') === '' && t.text().includes('DETAILS'));
      t.press('escape');
      await t.until('the table', () => !t.text().includes('DETAILS'));
      expect(filterLine(t)).toContain('/ process:');
      t.write('h');
      // A long question continues on the line of the titles.
      await t.until('the question', () => /^hide .*y hides/.test(`${filterLine(t)} ${titleLine(t)}`));
      t.write('n');
      await untilShown(t, SCENE_SIZE);
      t.write('x');
      await t.until('less', () => !filterLine(t).includes(` ${SCENE_SIZE} of `));
      t.write('u');
      await t.until('all', () => filterLine(t).startsWith('undone: !process'));
      await untilShown(t, SCENE_SIZE);
    });
  });

  test('the palette runs an action and the help is searched, at five sizes', async () => {
    const t = await show();
    await atEachSize(t, async () => {
      t.write(':');
      await t.until('the palette', () => /COMMANDS {2}1–\d+ of \d+/.test(titled(t, 'COMMANDS')));
      t.write('only list');
      await t.until('the command with its key', () => / only listeners +l( |$)/m.test(t.text()));
      t.press('enter');
      await t.until('the listeners', () => titleLine(t).includes('EXPOSURE'));
      t.write('l?');
      await t.until('its position', () => /^HELP {2}1–\d+ of \d+ /.test(titled(t, 'HELP')));
      expect(t.text()).toMatch(FIRST_TITLE);
      t.write('/undo the last\r');
      await t.until('what is found', () => /^ +u +undo the last/m.test(t.text()));
      await escape(t, () => FIRST_TITLE.test(t.text()));
      await escape(t, () => titled(t, 'HELP') === '');
      await untilShown(t, SCENE_SIZE);
    });
  });

  // Last with the screen of all tests, because it quits.
  test('esc and q close the topmost, and neither drops the query while a pane is open', async () => {
    const t = await show();
    const query = `/ process:${scene.name}`;
    t.press('enter');
    await t.until('the details', () => t.text().includes('DETAILS'));
    t.write('e');
    await t.until('the event log', () => t.text().includes('EVENTS'));
    t.write('?');
    await t.until('the help', () => titled(t, 'HELP') !== '');
    t.write('q');
    await t.until('no help', () => titled(t, 'HELP') === '');
    expect(t.text()).toMatch(/DETAILS|EVENTS/);
    t.press('escape');
    await t.until('one pane', () => /DETAILS/.test(t.text()) !== /EVENTS/.test(t.text()));
    expect(filterLine(t)).toContain(query);
    t.write('q');
    await t.until('no pane', () => !/DETAILS|EVENTS/.test(t.text()));
    expect(filterLine(t)).toContain(query);
    t.press('escape');
    await t.until('no query', () => !filterLine(t).includes(query));
    t.write('u');
    await t.until('the query', () => filterLine(t).includes('the query is back'));
    await untilShown(t, SCENE_SIZE);
    t.write('q');
    await t.exited;
  });

  test('the configuration gives an action another key, which all texts name', async () => {
    const config = join(newHome(), 'config.toml');
    writeFileSync(config, '[keys]\nundo = "ctrl-r"\nhelp = "F12"\nsort-by-pid = "i"\ntraffic = ""\n');
    const t = startNetpane({ ...SIZE, args: ['--config', config, '--process', scene.name] });
    await untilShown(t, SCENE_SIZE);
    await t.until('the hint', () => t.rows().at(-1)?.includes('F12 help'));
    typeQuery(t, '\r');
    t.write('i');
    await t.until('the order', () => /PID ?▴/.test(titleLine(t)));
    t.write('b');
    await untilShown(t, 0);
    t.write('u?');
    await untilShown(t, 0);
    t.write('\x12');
    await t.until('what is undone', () => filterLine(t).startsWith('undone: new'));
    t.write('\x1b[24~/undo the last\r');
    await t.until('the key in the help', () => /^ +ctrl-r +undo the last/m.test(t.text()));
  });

  test('a key of two actions is reported with its line and column', async () => {
    const config = join(newHome(), 'config.toml');
    writeFileSync(config, '[keys]\nundo = "ctrl-r"\nonly-new = "n x"\nhelp = "F13"\n');
    const t = startNetpane({ ...SIZE, args: ['--config', config] });
    expect(await t.exited).toMatchObject({ exitCode: 2 });
    const text = t.text().replaceAll('\n', '');
    expect(text).toContain(`${config}:3:13: keys.only-new: n is also the key of service-names`);
    expect(text).toContain(`${config}:4:9: keys.help: unknown key 'F13'`);
  });
});
