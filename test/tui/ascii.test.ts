import { afterEach, describe, expect, test } from 'vitest';
import { toAscii } from '../../src/view/text/ascii.ts';
import { FakeApp } from '../helpers/app.ts';
import { baseline, emptyState, socket } from '../helpers/fakes.ts';
import { BRIEF_BATCHES } from './event-scene.ts';
import { TRAFFIC_BATCHES } from './traffic-scene.ts';

let open: FakeApp | undefined;
afterEach(() => open?.close());

const NAMES = baseline(
  ['töö', '漢字', '👍', 'a…b', 'x'.repeat(40)].map((process, i) =>
    socket({ process, pid: i + 1, local: `192.0.2.10:${40_000 + i}` }),
  ),
);

async function showGraph(app: FakeApp): Promise<void> {
  await app.press('M');
  // The package is loaded when the strip is first shown.
  await import('blessed-contrib/lib/widget/sparkline.js');
  await app.shown();
}

/** Actions, and a character that the screen then has in a UTF-8 locale. */
const SCENES: readonly (readonly [name: string, sign: string, act: (app: FakeApp) => Promise<unknown>])[] = [
  ['before the first batch', '…', (app) => app.shown()],
  ['names from outside', 'ö', (app) => app.take(NAMES)],
  ['a name that is typed', 'ö', async (app) => (await app.take(NAMES)).press('/', 't', 'ö')],
  [
    'all panes',
    '▴',
    async (app) => showGraph(await (await app.take(...TRAFFIC_BATCHES)).press('i', 'e', '\r')),
  ],
  ['the graph', '▁', async (app) => showGraph(await app.take(...TRAFFIC_BATCHES))],
  ['details', '±', async (app) => (await app.take(...TRAFFIC_BATCHES)).press('\r')],
  ['events', '–', async (app) => (await app.take(...BRIEF_BATCHES)).press('e', '\t', '\x1b[A')],
  ['groups', '▾', async (app) => (await app.take(...TRAFFIC_BATCHES)).press('o', '\x1b[B', 'z')],
  ['a pause', '−', async (app) => (await app.take(...BRIEF_BATCHES)).press(' ')],
  ['the columns', '▴', async (app) => (await app.take(...TRAFFIC_BATCHES)).press('C', 'j', ' ')],
  ['the views', '·', async (app) => (await app.take(...BRIEF_BATCHES)).press('v')],
  ['the help', '−', async (app) => (await app.take(...BRIEF_BATCHES)).press('?')],
  ['the end of the help', '−', async (app) => (await app.take(...BRIEF_BATCHES)).press('?', 'G')],
];

/** Returns the lines of the screen after a scene, and all output. */
async function show(
  [columns, rows]: readonly [number, number],
  locale: string,
  act: (app: FakeApp) => Promise<unknown>,
): Promise<{ lines: string[]; written: Buffer }> {
  // One at a time: blessed adds widgets to the screen that was opened last.
  open = new FakeApp(columns, rows, emptyState(), locale);
  const written: Buffer[] = [];
  open.onOutput = (data) => void written.push(data);
  await act(open);
  const { lines } = open;
  open.close();
  return { lines, written: Buffer.concat(written) };
}

describe.each([[80, 24] as const, [120, 40] as const])('a locale that is not UTF-8, %d x %d', (...size) => {
  test.each(SCENES)('%s', async (_, sign, act) => {
    const utf8 = await show(size, 'C.UTF-8', act);
    const ascii = await show(size, 'C', act);
    expect(utf8.lines.join('\n')).toContain(sign);
    expect([...ascii.written].filter((byte) => byte > 126)).toEqual([]);
    // Every character has the same cells.
    // The emulator draws this emoji in one cell and shows the second one as a space.
    expect(ascii.lines).toEqual(utf8.lines.map((line) => toAscii(line.replace('👍 ', '👍'))));
  });
});
