import { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import headless from '@xterm/headless';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PALETTES, type Palette } from '../../../src/store/state.ts';
import { openScreen } from '../../../src/tui/terminal.ts';
import { LinesWidget } from '../../../src/tui/widgets/lines.ts';
import type { Line, Tone } from '../../../src/view/text/line.ts';

const SIZE = { width: 24, height: 4 };

interface Frame {
  readonly lines: readonly Line[];
  readonly palette: Palette;
}

/** Paints frames one after the other. @returns what an emulated terminal shows: the visible parts of each cell */
async function shownAfter(frames: readonly Frame[]): Promise<unknown[]> {
  const emulator = new headless.Terminal({ cols: SIZE.width, rows: SIZE.height, allowProposedApi: true });
  const output = Object.assign(
    new Writable({
      write: (data: Buffer, _, done) => {
        // The emulator keeps what it has not drawn yet: a stream that waits for it would keep some back from the last write.
        emulator.write(data);
        done();
      },
    }),
    { isTTY: true, columns: SIZE.width, rows: SIZE.height },
  );
  const input = Object.assign(new EventEmitter(), { isTTY: true, isRaw: true, setRawMode: () => {} });
  const screen = openScreen(
    Object.assign(input, { resume: () => {}, pause: () => {} }),
    output,
    'xterm-256color',
  );
  const widget = new LinesWidget(screen);
  for (const [i, { lines, palette }] of frames.entries()) {
    widget.show({ left: 0, top: 0, ...SIZE }, lines, palette, i > 0);
    screen.render();
  }
  // Blessed writes in the next turn of the event loop.
  await new Promise(setImmediate);
  await new Promise<void>((resolve) => {
    emulator.write('', resolve);
  });
  const { active } = emulator.buffer;
  const cells = Array.from({ length: SIZE.width * SIZE.height }, (_, i) => {
    const cell = active.getLine(Math.floor(i / SIZE.width))?.getCell(i % SIZE.width);
    if (!cell) throw new RangeError(`no cell ${i}`);
    const character = cell.getChars() || ' ';
    const lit = [cell.isInverse(), cell.isUnderline(), cell.getBgColor()];
    // The foreground of a blank is not visible, unless it is inverse or underlined.
    const isBlank = character === ' ' && !cell.isInverse() && !cell.isUnderline();
    return [character, ...lit, ...(isBlank ? [] : [cell.getFgColor(), cell.isBold()])];
  });
  screen.destroy();
  emulator.dispose();
  return cells;
}

const TONES: readonly Tone[] = [
  'plain',
  'strong',
  'quiet',
  'accent',
  'error',
  'changed',
  'closed',
  'match',
  'cursor',
];

const frame: fc.Arbitrary<Frame> = fc.record({
  palette: fc.constantFrom(...PALETTES),
  lines: fc.array(
    fc.record({
      selected: fc.boolean(),
      spans: fc.array(
        fc.record({
          tone: fc.constantFrom(...TONES),
          text: fc.string({
            unit: fc.constantFrom(' ', ' ', '   ', '         ', 'a', 'b', 'ü', '▇', '日'),
            maxLength: 12,
          }),
        }),
        { maxLength: 4 },
      ),
    }),
    { maxLength: SIZE.height },
  ),
});

test('after any frames the terminal shows what it shows after the last one alone', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 5 }), async (frames) => {
      expect(await shownAfter(frames)).toEqual(await shownAfter(frames.slice(-1)));
    }),
    { numRuns: 60 },
  );
});

/** An emoji that the emulated terminal draws over four cells, and netpane counts as two. */
const FAMILY = '👩‍👩‍👧‍👦';

test.each<[string, Line['spans'], Line['spans']]>([
  [
    'its style changes',
    [{ text: `${FAMILY}abcd`, tone: 'plain' }],
    [
      { text: FAMILY, tone: 'match' },
      { text: 'abcd', tone: 'plain' },
    ],
  ],
  [
    'the cells beside it change',
    [{ text: `1${FAMILY}2abcd`, tone: 'plain' }],
    [{ text: `3${FAMILY}4abcd`, tone: 'plain' }],
  ],
  [
    'another one before it changes',
    [{ text: `${FAMILY}ab${FAMILY}abcd`, tone: 'plain' }],
    [
      { text: FAMILY, tone: 'match' },
      { text: `ab${FAMILY}abcd`, tone: 'plain' },
    ],
  ],
])('an emoji that the terminal draws wider leaves the text after it when %s', async (_, before, after) => {
  const [first, second] = [before, after].map((spans): Frame => ({
    lines: [{ spans, selected: false }],
    palette: 'standard',
  })) as [Frame, Frame];
  expect(await shownAfter([first, second])).toEqual(await shownAfter([second]));
});
