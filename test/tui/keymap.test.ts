import { describe, expect, test } from 'vitest';
import type { Action } from '../../src/store/actions.ts';
import { PROMPTS } from '../../src/store/prompts.ts';
import { PANE_NAMES } from '../../src/store/panes.ts';
import { type List } from '../../src/store/state.ts';
import { viewsOf } from '../../src/store/views.ts';
import { KEYS } from '../../src/tui/keymap.ts';
import { commandsOf } from '../../src/view/panes/command-search.ts';
import { PANES } from '../../src/view/panes/panes.ts';
import { after, baseline, emptyState, queryFrom, socket } from '../helpers/fakes.ts';
import { press } from './keys/press.ts';

test('no key is bound twice in a place, and every action is documented', () => {
  const keys = KEYS.flatMap(({ place = 'table', keys: all }) => all.map((key) => `${place} ${key}`));
  expect(new Set(keys).size).toBe(keys.length);
  expect(new Set(KEYS.map(({ id }) => id)).size).toBe(KEYS.length);
  for (const { id, name, about, group } of KEYS) {
    expect([name, about, group]).not.toContain('');
    expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
  }
});

test('the keys start with moving and quitting', () => {
  expect([...new Set(KEYS.map(({ group }) => group))].slice(0, 2)).toEqual(['Move', 'Help and quitting']);
});

test('every hint names actions that exist', () => {
  const ids = KEYS.map(({ id }) => id);
  const panes = { ...emptyState().panes, help: true };
  const withSaved = {
    hideRules: [{ process: 'curl', remote: '192.0.2.1', port: 443 }],
    views: [{ name: 'mine', query: 'curl' }],
  };
  const lists: List[] = [
    { kind: 'views', at: viewsOf(withSaved).length - 1 },
    { kind: 'hide-rules', at: 0 },
    { kind: 'columns', cursor: 'pid' },
  ];
  const hints = [
    ...Object.values(PROMPTS).flatMap((it) => it.hints),
    ...Object.values(PANES).flatMap((it) =>
      lists.flatMap((list) => it.hints?.({ ...withSaved, panes, list, helpQuery: 'port' }) ?? []),
    ),
  ];
  expect(hints.length).toBeGreaterThan(20);
  expect(ids).toEqual(expect.arrayContaining(hints.flatMap(({ actions }) => actions)));
});

test('every prompt and every pane is opened by a key', () => {
  const connection = socket({ remote: '203.0.113.5:443' });
  const table = after(emptyState(), baseline([connection]), { type: 'resize', width: 120, height: 40 });
  const list = after(table, { type: 'list', list: { kind: 'views', at: 0 } });
  const actions = [
    ...KEYS.flatMap(({ keys: [key = ''] }) => press(key, table) ?? []),
    ...['a', 'd', 'enter'].flatMap((key) => press(key, list) ?? []),
  ];
  const opened = actions.flatMap((it) =>
    it.type === 'prompt' ? it.kind : it.type === 'pane' ? it.pane : it.type === 'whois' ? it.type : [],
  );
  // Only a signal to a guarded process asks for its name.
  const others = Object.keys(PROMPTS).filter((kind) => kind !== 'confirm-signal');
  expect(opened).toEqual(expect.arrayContaining([...others, ...PANE_NAMES]));
});

test.each([
  ['f1', '?'],
  ['f2', 'S-c'],
  ['f3', '/'],
  ['f4', '/'],
  ['f5', 'o'],
  ['f6', 's'],
  ['f9', 'S-k'],
])('%s is a key as in htop', (key, other) => {
  expect(press(key, emptyState())).toEqual(press(other, emptyState()));
  expect(press(key, emptyState())).toBeDefined();
});

test('an unbound key does nothing', () => {
  expect(press('F12', emptyState())).toBeUndefined();
  expect(press('constructor', emptyState())).toBeUndefined();
  expect(press('undefined', emptyState())).toBeUndefined();
});

describe('actions without a key', () => {
  const state = after(emptyState(), baseline([socket()]));
  /** Returns what the first command that a text finds does. */
  const run = (text: string) => {
    const open = after(state, { type: 'prompt', kind: 'command', text: '' });
    return press('enter', after(open, { type: 'edit', edit: { type: 'insert', text } }));
  };

  test.each<[string, Action]>([
    ['sort by pid', { type: 'sort', column: 'pid' }],
    ['sort command', { type: 'sort', column: 'command' }],
    ['group port', { type: 'group', group: 'port' }],
    ['no groups', { type: 'group', group: null }],
    ['theme blind', { type: 'palette', palette: 'colour-blind' }],
    ['automatic columns', { type: 'columns', columns: null }],
    ['clear query', { type: 'query', query: queryFrom('') }],
    ['only established', { type: 'toggle-term', term: 'established', instead: ['listen'] }],
  ])('the command palette finds and runs: %s', (text, action) => {
    expect(run(text)).toMatchObject({
      type: 'run-command',
      action: JSON.parse(JSON.stringify(action)) as object,
    });
  });

  test('no two commands have one name, and columns that no source has shown are left out', () => {
    const names = commandsOf(KEYS, state).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).not.toContain('sort by RX/S');
    const counted = after(emptyState(), baseline([socket({ traffic: { rxBytes: 1 } })]));
    expect(commandsOf(KEYS, counted).map(({ name }) => name)).toContain('sort by RX/S');
  });
});
