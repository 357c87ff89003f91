import { expect, test } from 'vitest';
import { parseConfig } from '../../../src/cli/config/parse.ts';
import { configText } from '../../../src/cli/config/print.ts';
import { resolveSettings } from '../../../src/cli/resolve.ts';
import { Keymap } from '../../../src/tui/keymap.ts';

const parse = (text: string) => parseConfig('f', text, () => undefined);
const keysOf = (lines: string) => parse(`[keys]\n${lines}`).settings.keys;

test('keys are named as in the help, in any case, and separated by spaces', () => {
  expect(keysOf('undo = "ctrl-r C-t f12 u u"\nonly-udp = ""\nmove-first = "gt é alt-X shift-tab"')).toEqual({
    undo: ['ctrl-r', 'ctrl-t', 'F12', 'u'],
    'only-udp': [],
    'move-first': ['gt', 'é', 'alt-X', 'shift-tab'],
  });
});

test.each([
  ['[keys]\nundo = "x"', 'f:2:9: keys.undo: x is also the key of exclude: give it another, or "" for none'],
  ['[keys]\nundo = "ctrl-r  l"', 'f:2:17: keys.undo: l is also the key of only-listeners: give it another'],
  ['[keys]\nundo = "g"', 'f:2:9: keys.undo: g is in conflict with gg, the key of move-first'],
  ['[keys]\n  undoo = "x"', "f:2:3: unknown action 'undoo': did you mean undo?"],
  ['[keys]\nundo = "u pgupp"', "f:2:11: keys.undo: unknown key 'pgupp': did you mean pgup?"],
  [
    '[keys]\nundo = "ctrl-i"',
    "f:2:9: keys.undo: unknown key 'ctrl-i': terminals send the same for it and for tab",
  ],
  ['[keys]\nquit = ""', 'f:2:9: keys.quit needs at least one key'],
  ['[keys]\nprompt-cancel = "a"', "f:2:18: keys.prompt-cancel: 'a' types a character"],
  ['[keys]\nundo = 1', 'f:2:9: keys.undo takes keys'],
  ['keys = 1', 'f:1: keys takes a table: [keys], not 1'],
])('%j is reported: %s', (text, message) => {
  expect(() => parse(text)).toThrow(message);
});

test('keys may be exchanged', () => {
  expect(keysOf('undo = "x"\nexclude = "u"')).toEqual({ undo: ['x'], exclude: ['u'] });
});

test('netpane config prints the keys of the file, and those of all other actions as comments', () => {
  const { settings, origins } = resolveSettings({ keys: { undo: ['ctrl-r', 'u'] } }, {});
  const text = configText(settings, origins);
  expect(text).toContain('[keys]  # command line\nundo = "ctrl-r u"\n# ');
  expect(text).toContain('\n# exclude = "x"\n');
  expect(parse(text).settings.keys).toEqual({ undo: ['ctrl-r', 'u'] });
});

test('the keys in effect are those of the configuration', () => {
  const keymap = new Keymap({ undo: ['ctrl-r'], 'only-udp': [] });
  expect(keymap.at('table', 'ctrl-r')?.id).toBe('undo');
  expect([keymap.at('table', 'u'), keymap.at('table', 'U')]).toEqual([undefined, undefined]);
  expect(keymap.bindings.find(({ id }) => id === 'undo')?.label).toBe('ctrl-r');
});
