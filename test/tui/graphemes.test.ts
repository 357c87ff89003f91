import { afterEach, describe, expect, test } from 'vitest';
import { printable } from '../../src/model/text.ts';
import { graphemesOf, graphemeWidth } from '../../src/view/text/graphemes.ts';
import { FakeApp } from '../helpers/app.ts';
import { baseline, batch, socket } from '../helpers/fakes.ts';
import { HOSTILE } from '../helpers/lines.ts';

let app: FakeApp;
afterEach(() => app.close());

const named = (id: string, process: string) => socket({ id, process, pid: 4711 });

const NAMES = [
  ...[
    '1️⃣👩‍👩‍👧k',
    'नमस्ते',
    '👍🏽x',
    '🇩🇪🇫🇷',
    '❤️',
    '🏴󠁧󠁢󠁥󠁮󠁧󠁿',
    'กำ',
    '각',
    '\u1112\u119e\u11ab',
    '日本',
    '🫠',
    'z\u0301\u0316',
    '👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧',
  ],
  `z${'\u0316'.repeat(1000)}x`,
];

describe.each(NAMES)('a program called %s', (name) => {
  test('is shown completely, with the next columns in place', async () => {
    app = new FakeApp(120, 24);
    await app.take(baseline([named('plain', 'plain'), named('x', name)]));
    const { y } = app.find(' plain ');
    const x = app.lines[y]?.indexOf('4711') ?? 0;
    const rows = app.lines.flatMap((line, at) => (line.includes('198.51.100.7') ? [at] : []));
    expect(rows).toHaveLength(2);
    for (const row of rows) {
      expect(Array.from({ length: 4 }, (_, i) => app.cellAt(x + i, row).character).join('')).toBe('4711');
    }
    const other = rows.find((row) => row !== y) ?? 0;
    const [first = ''] = graphemesOf(printable(name));
    // The emulator does not support emoji of several characters: it shows the part that fits.
    const shown = app.cellAt(2, other).character;
    expect(shown === first || first.startsWith(shown)).toBe(true);
    if (graphemeWidth(first) === 1) expect(shown).toBe(first);
  });

  test('leaves no cells when it changes or is removed', async () => {
    app = new FakeApp(120, 24);
    const all = [named('a', name), named('b', `x${name}`)];
    await app.take(baseline(all));
    await app.take(
      batch({ monotonicMs: 1000, changed: all.map((it, i) => named(it.id, i === 0 ? 'abcdef' : name)) }),
    );
    await app.press('\x1b[B', '\x1b[A');
    const now = app.text;
    // A full redraw.
    await app.press('\x0c');
    expect(now).toBe(app.text);
  });
});

test('no line is broken at the right edge or in narrow panes', async () => {
  for (let columns = 20; columns < 60; columns++) {
    app = new FakeApp(columns, 12);
    await app.take(baseline([...NAMES, ...HOSTILE].map((name, i) => named(String(i), name))));
    const now = app.text;
    await app.press('\x0c');
    expect(app.text).toBe(now);
    app.close();
  }
  app = new FakeApp(20, 12);
});
