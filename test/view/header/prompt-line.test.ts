import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PromptKind, State } from '../../../src/store/state.ts';
import { KEYS } from '../../../src/tui/keymap.ts';
import { PROMPTS } from '../../../src/store/prompts.ts';
import { filterLine, type Share } from '../../../src/view/header/query-line.ts';
import { promptHelp } from '../../../src/view/header/prompt-line.ts';
import { displayWidth } from '../../../src/view/text/width.ts';
import { after, emptyState } from '../../helpers/fakes.ts';
import { textOf } from '../../helpers/lines.ts';

const NO_SHARE: Share = { shown: 0, total: 0, hidden: 0 };

describe('the prompt', () => {
  const typing = (text: string, kind: PromptKind = 'query') =>
    after(emptyState(), { type: 'prompt', kind, text }, { type: 'edit', edit: { type: 'move', to: 'end' } });

  test('keeps the cursor visible at every width, for any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 14, max: 120 }),
        fc.constantFrom(...(Object.keys(PROMPTS) as PromptKind[])),
        (text, width, kind) => {
          const { spans } = filterLine(typing(text, kind), KEYS, NO_SHARE, width);
          const at = spans.findIndex(({ tone }) => tone === 'cursor');
          const left = spans.slice(0, at).reduce((sum, it) => sum + displayWidth(it.text), 0);
          expect(at).toBeGreaterThan(0);
          expect(left).toBeLessThan(width);
          expect(
            displayWidth(
              spans
                .map((it) => it.text)
                .join('')
                .trimEnd(),
            ),
          ).toBeLessThanOrEqual(width);
        },
      ),
    );
  });

  test('marks a mistake at its place after letters with accents that were typed apart', () => {
    // Each is two UTF-16 units, and one on the screen.
    const state = typing(`${'e\u0301'.repeat(60)} port:nonsense`);
    const line = filterLine(state, KEYS, NO_SHARE, 60);
    expect(line.spans.find(({ tone }) => tone === 'error')?.text).toBe('nonsense');
    expect(textOf(line)).toMatch(/^\/ é{15,} port:nonsense {3,}0 of 0$/);
    expect(displayWidth(textOf(line))).toBe(60);
    const help = promptHelp(state, '0 of 0', 60)?.spans.map(({ text }) => text);
    expect(help?.join('').indexOf('^')).toBe(textOf(line).indexOf('nonsense'));
  });

  test('shows each character once, unprintable ones as ?', () => {
    const state = after(
      typing('a\u{e0041}bc'),
      { type: 'edit', edit: { type: 'move', to: 'start' } },
      { type: 'edit', edit: { type: 'move', to: 'right' } },
    );
    expect(textOf(filterLine(state, KEYS, NO_SHARE, 80))).toMatch(/^\/ a\?bc +0 of 0$/);
  });

  test('an error that is too long loses what is in brackets first', () => {
    const prompt = {
      ...typing('/nope/x.csv', 'save').prompt,
      error: 'not saved: no such directory (/nope/x.csv)',
    };
    const state = { ...typing('/nope/x.csv', 'save'), prompt } as State;
    const help = (width: number) =>
      promptHelp(state, '', width)
        ?.spans.map(({ text }) => text)
        .join('');
    expect(help(40)).toBe('  not saved: no such directory');
    expect(help(60)).toBe('  not saved: no such directory (/nope/x.csv)');
  });
});
