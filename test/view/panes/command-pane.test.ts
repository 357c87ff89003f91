import { expect, test } from 'vitest';
import { COMMANDS } from '../../../src/view/panes/command-pane.ts';
import { after, emptyState } from '../../helpers/fakes.ts';
import { contextOf } from '../../helpers/key-context.ts';
import { shown } from '../../helpers/lines.ts';

const linesOf = (text: string, width = 80): string[] => {
  const state = after(emptyState(), { type: 'prompt', kind: 'command', text });
  return shown(COMMANDS.lines(contextOf(state), { left: 0, top: 0, width, height: 10 }));
};

test('the palette says which of the found actions are visible, or that no action matches', () => {
  expect(linesOf('sort by pid')[0]).toMatch(/^COMMANDS {2}1–1 of 1( |$)/);
  expect(linesOf('xyzzy').map((it) => it.trimEnd())).toEqual([
    'COMMANDS',
    '  no action matches: type another word',
  ]);
});
