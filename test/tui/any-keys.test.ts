import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { State } from '../../src/store/state.ts';
import { viewsOf } from '../../src/store/views.ts';
import { COLUMNS } from '../../src/view/columns/columns.ts';
import { FakeApp } from '../helpers/app.ts';
import { BATCHES, LATER } from '../helpers/scene.ts';

/** Every key with a function, also ctrl with b d f l n p u w, except those that leave the program, and text. */
const KEYS = [
  ...Array.from('pPN/ltuUxbBhHvozZC fsSnceDgGim?kjdar<>+-=wyY%123456789'),
  ...Array.from(':443 process:node or !new ("x'),
  ...['\x1b[A', '\x1b[B', '\x1b[C', '\x1b[D', '\x1b[5~', '\x1b[6~', '\x1b[H', '\x1b[F', '\x1b[3~'],
  ...[
    '\r',
    '\r',
    '\r',
    '\t',
    '\x1b[Z',
    '\x15',
    '\x17',
    '\x7f',
    '\x02',
    '\x04',
    '\x06',
    '\x0e',
    '\x10',
    '\x0c',
  ],
];

const click = ([x, y]: readonly [number, number]) => `\x1b[<0;${x + 1};${y + 1}M\x1b[<0;${x + 1};${y + 1}m`;

/** Returns the number of duplicates. */
const doubles = (items: readonly unknown[]): number =>
  items.length - new Set(items.map((it) => JSON.stringify(it))).size;

function check({ list, hideRules, columns, history, views, prompt, query, ...state }: State): void {
  if (list && list.kind !== 'columns') {
    const { length } = list.kind === 'hide-rules' ? hideRules : viewsOf({ views });
    expect(list.at).toBeGreaterThanOrEqual(0);
    expect(list.at).toBeLessThan(Math.max(1, length));
  }
  expect(doubles(hideRules) + doubles(history) + doubles(views.map(({ name }) => name))).toBe(0);
  if (columns) expect([columns.length > 0, doubles(columns.map(({ id }) => id))]).toEqual([true, 0]);
  if (prompt) expect(prompt.cursor).toBeLessThanOrEqual(prompt.text.length);
  expect(COLUMNS.map(({ id }) => id)).toContain(state.sort.column);
  expect(query.text.length).toBeLessThanOrEqual(4096);
}

test('any keys and clicks, at any size, leave a valid state and a screen equal to a full redraw', async () => {
  const sizes = fc.constantFrom([80, 24], [120, 40], [40, 10], [20, 5]);
  const at = fc.tuple(fc.nat(79), fc.nat(23));
  const key = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...KEYS) },
    { weight: 2, arbitrary: at.map(click) },
    { weight: 1, arbitrary: fc.constantFrom('\x1b[<64;5;8M', '\x1b[<65;5;8M') },
    {
      weight: 1,
      // Older characters only: the emulated terminal draws some newer ones narrower than current terminals.
      arbitrary: fc.constantFrom('日', 'ä', 'µs', 'é\u0301', '\u202e', '  '),
    },
  );
  await fc.assert(
    fc.asyncProperty(
      sizes,
      fc.array(key, { minLength: 10, maxLength: 60 }),
      async ([width = 80, height = 24], keys) => {
        const app = new FakeApp(width, height);
        try {
          await app.take(...BATCHES);
          // In pieces: keys that arrive at once are handled before the next paint.
          for (let i = 0; i < keys.length; i += 6) {
            await app.press(keys.slice(i, i + 6).join(''));
            check(app.app.state);
          }
          await app.take(LATER);
          check(app.app.state);
          // Closes the prompt and the message. Another paint then writes nothing.
          await app.press('\x1b', '\x1b[B');
          const { text, bytesWritten } = app;
          app.app.paint();
          await app.shown();
          expect(app.bytesWritten).toBe(bytesWritten);
          expect((await app.press('\x0c')).text).toBe(text);
        } finally {
          app.close();
        }
      },
    ),
    // A fixed seed, because the test is slow: to search further, use another seed and more runs.
    { numRuns: 60, seed: 5 },
  );
});
