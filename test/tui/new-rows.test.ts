import { expect, test } from 'vitest';
import type { Scene } from '../../src/view/panes/pane.ts';
import { PROMPTS } from '../../src/store/prompts.ts';
import { line, span } from '../../src/view/text/line.ts';
import { TRAFFIC } from '../../src/view/panes/traffic.ts';
import { after, baseline, emptyState, socket } from '../helpers/fakes.ts';

/*
 * Proves that one row is all that a pane or a prompt takes: puts a made-up row in the place of one of each, and uses it
 * on the screen.
 */

const say = (text: string) => ({ type: 'message', message: { text, isError: false } }) as const;

Object.assign(TRAFFIC, {
  position: { where: 'below', lines: () => 5 },
  rank: 0.5,
  key: { id: 'made-up', keys: ['F12'], name: 'made up', about: 'made-up pane', hint: 'made-up' },
  hints: () => undefined,
  lines: ({ focus }: Scene) => [line(span(`MADE UP, keys in ${focus}`))],
  move: (_: Scene, __: unknown, by: number, unit: string) => say(`moved ${by} ${unit}`),
  wheel: (_: Scene, by: number) => [say(`turned ${by}`)],
  clickIn:
    (_: Scene, { width }: { width: number }) =>
    (x: number, y: number) => [say(`clicked ${x} ${y} of ${width}`)],
} satisfies typeof TRAFFIC);

Object.assign(PROMPTS, {
  view: {
    label: 'made up: ',
    hints: [{ actions: ['prompt-accept'], hint: 'make' }],
    prefill: ({ socket: it }) => it?.id ?? 'none',
    keepsPrefill: true,
    recallsQueries: true,
    completedAfter: 'process:',
    takesSockets: true,
    accept: (state, prompt) =>
      prompt.text === 'bad'
        ? { ...state, prompt: { ...prompt, error: 'is bad' } }
        : { ...state, prompt: null },
    effects: ({ text }, sockets) => [{ type: 'copy', text: `${text} ${sockets.length}`, what: 'made up' }],
  },
} satisfies Partial<typeof PROMPTS>);

// Loaded after the rows are replaced: the tables of keys and the layout are made when their modules are loaded.
const { FakeApp } = await import('../helpers/app.ts');

const state = after(emptyState(), baseline([socket({ id: 'a', process: 'curl' }), socket({ id: 'b' })]));
const openApp = () => new FakeApp(80, 24, { ...state, history: ['earlier'] }).shown();

test('a made-up pane has a key, a place, lines, the focus, a wheel and clicks', async () => {
  const app = await openApp();
  await app.resize(200, 24);
  expect(app.lines.at(-1)).toContain('F12 made-up');
  await app.resize(80, 24);
  await app.press('\x1b[24~');
  const { y } = app.find('MADE UP, keys in table');
  expect([y, app.lines.length - 1 - y]).toEqual([18, 5]);
  await app.press('\t');
  expect(app.text).toContain('MADE UP, keys in traffic');
  const said: string[] = [];
  for (const key of ['\x1b[B', `\x1b[<64;3;${y + 2}M`]) {
    await app.press(key);
    said.push(/(moved|turned) \S+( \w+)?/.exec(app.text)?.[0] ?? '');
  }
  expect(said).toEqual(['moved 1 row', 'turned -3']);
  await app.click(7, y + 1);
  expect(app.text).toContain('clicked 7 1 of 80');
  // It is more important than the details, so it keeps its room and esc closes it first.
  await app.resize(80, 10);
  await app.press('\r');
  expect(app.text).toContain('MADE UP');
  await app.press('\x1b');
  expect(app.text).not.toContain('MADE UP');
  expect(app.text).toContain('DETAILS');
});

test('the help lists the key of a made-up pane', async () => {
  const app = await openApp();
  await app.resize(80, 200);
  await app.press('?');
  expect(app.text).toMatch(/ F12 +made-up pane/);
});

test('a made-up prompt has a label, a prefilled text, hints, completion, history, a check and effects', async () => {
  const app = await openApp();
  await app.press('v', 'a');
  expect(app.text).toContain('made up: a');
  expect(app.lines.at(-1)?.trim()).toBe('enter make');
  await app.type('!');
  expect(app.text).toContain('made up: a!');
  await app.press('\x1b[A');
  expect(app.text).toContain('made up: earlier');
  await app.press('\x15', 'c', 'u', '\t');
  expect(app.text).toContain('made up: curl');
  await app.press('\x15', 'b', 'a', 'd', '\r');
  expect(app.text).toContain('is bad');
  expect(app.copied).toEqual([]);
  await app.press('\x15', 'g', 'o', 'o', 'd', '\r');
  expect(app.copied).toEqual(['good 2']);
});
