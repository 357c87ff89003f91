import { describe, expect, test } from 'vitest';
import { KEYS } from '../../../src/tui/keymap.ts';
import { questionLines } from '../../../src/view/header/question-line.ts';
import { displayWidth } from '../../../src/view/text/width.ts';

const hide = (remote: string) =>
  ({ kind: 'hide', rule: { process: 'my-client', remote, port: 3000 } }) as const;

describe('a question', () => {
  test('is in one line if that has room, else in two', () => {
    const question = hide('192.0.2.1');
    expect(questionLines(question, KEYS, 80)).toEqual([
      'hide my-client → 192.0.2.1:3000 for good? y hides, any other key cancels',
      '',
    ]);
    expect(questionLines(question, KEYS, 60)).toEqual([
      'hide my-client → 192.0.2.1:3000? y hides for good',
      '',
    ]);
    expect(questionLines(question, KEYS, 40)).toEqual([
      'hide my-client → 192.0.2.1:3000?',
      'y hides for good, any other key cancels',
    ]);
  });

  test.each([true, false])('never cuts the key that answers (line below: %s)', (hasLineBelow) => {
    const question = hide(`2001:db8:${'1:'.repeat(5)}1`);
    for (let width = 24; width < 120; width++) {
      const lines = questionLines(question, KEYS, width, hasLineBelow);
      expect(lines.join(' ')).toMatch(/ y hides(?: for good)?/);
      for (const it of lines) expect(displayWidth(it)).toBeLessThanOrEqual(width);
    }
  });
});
