import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Action } from '../../../src/store/actions.ts';
import { type ColumnChoice, type ColumnId, MAX_COLUMN_WIDTH } from '../../../src/store/columns.ts';
import type { List, State } from '../../../src/store/state.ts';
import { BUILT_IN } from '../../../src/store/views.ts';
import { actionOf as actionOfKey } from '../../../src/tui/keymap.ts';
import { PANES } from '../../../src/view/panes/panes.ts';
import { COLUMNS } from '../../../src/view/columns/columns.ts';
import { after, emptyState } from '../../helpers/fakes.ts';
import { contextOf } from '../../helpers/key-context.ts';
import { placed } from '../../helpers/lines.ts';

/** Returns the state after these keys, each of which must be an action. */
function press(state: State, ...keys: string[]): State {
  return keys.reduce((now, key) => after(now, actionOf(now, key)), state);
}

const command = (state: State, key: string) =>
  actionOfKey({ ...contextOf(state), columns: placed('process', 'pid', 'state') }, key, undefined);

function actionOf(state: State, key: string): Action {
  const it = command(state, key);
  if (
    it?.type !== 'list' &&
    it?.type !== 'columns' &&
    it?.type !== 'remove-line' &&
    it?.type !== 'apply-view'
  )
    throw new Error(`${key} has another command`);
  return it;
}

/** A state whose screen has room for lists of nine lines. */
const SIZED = after(emptyState(), { type: 'resize', width: 80, height: 24 });

const open = (list: List, state = SIZED): State => after(state, { type: 'list', list });
const at = ({ list }: State): number | string | undefined =>
  list?.kind === 'columns' ? list.cursor : list?.at;

const MINE = { name: 'mine', query: 'ssh' };
const RULES = [1, 2, 3].map((port) => ({ process: 'p', remote: '*', port }));

describe('every list', () => {
  test.each<[List, string]>([
    [{ kind: 'views', at: 0 }, 'v'],
    [{ kind: 'hide-rules', at: 0 }, 'S-h'],
    [{ kind: 'columns', cursor: 'pid' }, 'S-c'],
  ])('%o is closed by the key that opened it and by esc', (list, key) => {
    expect(press(open(list), key).list).toBeNull();
    expect(press(open(list), 'escape').list).toBeNull();
  });

  test.each([
    ['down', 1],
    ['j', 1],
    ['pagedown', 5],
    ['end', 5],
    ['S-g', 5],
    ['C-d', 4],
    ['up', 0],
  ])('%s from the first line goes to %i', (key, line) => {
    expect(at(press(open({ kind: 'views', at: 0 }), key))).toBe(line);
  });

  test.each([
    ['up', 4],
    ['k', 4],
    ['pageup', 0],
    ['home', 0],
    ['down', 5],
  ])('%s from the last line goes to %i', (key, line) => {
    expect(at(press(open({ kind: 'views', at: 5 }), key))).toBe(line);
  });

  test('offer to remove only a line that can be removed', () => {
    const hintsFor = (list: List, fields: Partial<State>) =>
      (PANES.list.hints?.({ ...emptyState(), ...fields, list }) ?? []).flatMap(({ actions }) => actions);
    expect(hintsFor({ kind: 'hide-rules', at: 0 }, {})).toEqual(['close']);
    expect(hintsFor({ kind: 'hide-rules', at: 0 }, { hideRules: RULES })).toContain('list-unhide');
    expect(hintsFor({ kind: 'views', at: 0 }, { views: [MINE] })).not.toContain('list-delete-view');
    expect(hintsFor({ kind: 'views', at: BUILT_IN.length }, { views: [MINE] })).toContain('list-delete-view');
  });

  test('an empty list has its cursor on line 0', () => {
    for (const key of ['up', 'down', 'end', 'd'])
      expect(at(press(open({ kind: 'hide-rules', at: 0 }), key))).toBe(0);
  });

  test('other keys keep their function', () => {
    const list = open({ kind: 'views', at: 0 });
    expect(command(list, '2')).toMatchObject({ type: 'apply-view', view: { name: 'listening' } });
    expect(command(list, 'q')).toEqual({ type: 'list', list: null });
    expect(command(list, 'C-c')).toEqual({ type: 'quit' });
    expect(command(list, '/')).toMatchObject({ type: 'prompt', kind: 'query' });
    expect(command(list, 'toString')).toBeUndefined();
    expect(command(list, 'constructor')).toBeUndefined();
  });
});

describe('the views', () => {
  const list = (line: number) => open({ kind: 'views', at: line }, { ...emptyState(), views: [MINE] });

  test('enter applies the view under the cursor and closes the list', () => {
    expect(press(list(1), 'enter')).toMatchObject({ list: null, query: { text: 'listen' } });
    expect(press(list(6), 'enter')).toMatchObject({ list: null, query: { text: 'ssh' } });
  });

  test('a prompts for a name, also without the list', () => {
    expect(command(list(0), 'a')).toEqual({ type: 'prompt', kind: 'view', text: '' });
    expect(command(emptyState(), 'a')).toEqual({ type: 'prompt', kind: 'view', text: '' });
  });

  test.each(['d', 'delete'])('%s removes a saved view', (key) => {
    const state = press(list(BUILT_IN.length), key);
    expect(state).toMatchObject({ views: [], list: { at: BUILT_IN.length - 1 } });
  });
});

describe('the hide rules', () => {
  const list = (line: number) =>
    open({ kind: 'hide-rules', at: line }, { ...emptyState(), hideRules: RULES });

  test('d removes a rule', () => {
    expect(press(list(1), 'd').hideRules.map(({ port }) => port)).toEqual([1, 3]);
    expect(press(list(2), 'd', 'd', 'd', 'd')).toMatchObject({ hideRules: [], list: { at: 0 } });
  });

  test('enter closes', () => {
    expect(press(list(1), 'enter')).toMatchObject({ hideRules: RULES, list: null });
  });
});

describe('the columns', () => {
  const list = (cursor: ColumnId, columns: readonly ColumnChoice[] | null = null) =>
    open({ kind: 'columns', cursor }, { ...emptyState(), columns });
  const three: ColumnChoice[] = [{ id: 'process' }, { id: 'pid' }, { id: 'state' }];

  test('start with the visible ones, followed by all others', () => {
    expect(at(press(list('process'), 'down', 'down'))).toBe('state');
    expect(at(press(list('state'), 'down'))).toBe('user');
    expect(at(press(list('process'), 'up'))).toBe('process');
    expect(at(press(list('process'), 'end'))).toBe(COLUMNS.at(-1)?.id);
  });

  test.each(['enter', 'space'])('%s removes a column, or adds it at the end', (key) => {
    const without = press(list('pid'), key);
    expect(without.columns).toEqual([{ id: 'process' }, { id: 'state' }]);
    expect(press(without, key).columns).toEqual([{ id: 'process' }, { id: 'state' }, { id: 'pid' }]);
    expect(press(list('rtt'), key).columns).toEqual([...three, { id: 'rtt' }]);
  });

  test('the last column cannot be removed', () => {
    expect(press(list('pid', [{ id: 'pid' }]), 'space').columns).toEqual([{ id: 'pid' }]);
  });

  test('< and > move a column within the ends', () => {
    const ids = (...keys: string[]) => press(list('pid'), ...keys).columns?.map(({ id }) => id);
    expect(ids('<')).toEqual(['pid', 'process', 'state']);
    expect(ids('<', '<', '<')).toEqual(['pid', 'process', 'state']);
    expect(ids('>')).toEqual(['process', 'state', 'pid']);
    expect(ids('>', '>', '<')).toEqual(['process', 'pid', 'state']);
    // Moving does not add a column.
    expect(press(list('rtt'), '<').columns).toEqual(three);
  });

  test('+ and - change the width, starting from the visible one, within its bounds', () => {
    const shown = placed('process', 'pid', 'state').find(({ column }) => column.id === 'pid')?.width ?? 0;
    const width = (...keys: string[]) => press(list('pid'), ...keys).columns?.[1]?.width;
    expect([width('+'), width('='), width('-')]).toEqual([shown + 1, shown + 1, shown - 1]);
    expect(width('+', '+', '-')).toBe(shown + 1);
    expect(width(...Array<string>(300).fill('+'))).toBe(MAX_COLUMN_WIDTH);
    expect(width(...Array<string>(300).fill('-'))).toBe(1);
  });

  test('r makes the columns depend on the width of the pane again', () => {
    expect(press(list('pid', [{ id: 'pid', width: 9 }]), 'r').columns).toBeNull();
  });

  test('any keys leave at least one column, no duplicates, widths from 1 to 120 and a valid cursor', () => {
    const key = fc.constantFrom('up', 'down', 'pagedown', 'home', 'end', 'space', '<', '>', '+', '-', 'r');
    fc.assert(
      fc.property(fc.array(key, { maxLength: 60 }), (keys) => {
        const { columns, list: now } = press(list('process'), ...keys);
        const ids = columns?.map(({ id }) => id) ?? ['process'];
        expect(ids.length).toBeGreaterThan(0);
        expect(new Set(ids).size).toBe(ids.length);
        for (const { width = 1 } of columns ?? []) {
          expect(width).toBeGreaterThanOrEqual(1);
          expect(width).toBeLessThanOrEqual(MAX_COLUMN_WIDTH);
        }
        expect(COLUMNS.map(({ id }) => id)).toContain(now?.kind === 'columns' && now.cursor);
      }),
    );
  });
});
