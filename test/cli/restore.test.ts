import { describe, expect, test } from 'vitest';
import type { SavedState } from '../../src/cli/config/saved.ts';
import { invocationOf, parseCommandLine } from '../../src/cli/command-line.ts';
import { UNBOUNDED } from '../../src/model/bounds.ts';
import { restoredState, savedStateOf } from '../../src/cli/restore.ts';
import type { FileSettings } from '../../src/cli/resolve.ts';

const invocation = (args: readonly string[] = [], settings: FileSettings['settings'] = {}) =>
  invocationOf(parseCommandLine(args), {}, { file: 'f', settings, lines: {} });

const SAVED: SavedState = {
  version: 1,
  query: ':443',
  sort: { column: 'age', descending: true },
  group: 'host',
  columns: [{ id: 'pid', width: 9 }, { id: 'age' }],
  theme: 'mono',
  serviceNames: true,
  views: [
    { name: 'mine', query: 'curl' },
    { name: 'ours', query: 'ssh' },
  ],
  known: [{ process: 'curl', remote: '192.0.2.1', port: 443 }],
  history: ['a', 'b'],
  panes: ['details', 'graph'],
};

test('keeps fewer events than configured if memory is short, with a message', () => {
  const { log, message } = restoredState(
    invocation(['--events', '50000']),
    { ...UNBOUNDED, events: 3000 },
    undefined,
    [],
  );
  log.add(
    Array.from({ length: 4000 }, () => ({ type: 'gap', atMs: 0, learntBy: 'trace' }) as const),
    new Map(),
  );
  expect(log.start).toBe(1000);
  expect(message?.text).toBe('only 3,000 events are kept: not enough memory for more');
});

describe('the screen starts', () => {
  test('with the saved layout, and a line about the last query', () => {
    const state = restoredState(invocation(), UNBOUNDED, SAVED, []);
    expect(state).toMatchObject({
      query: { text: '' },
      sort: SAVED.sort,
      group: 'host',
      columns: SAVED.columns,
      palette: 'mono',
      serviceNames: true,
      views: SAVED.views,
      hideRules: SAVED.known,
      history: ['a', 'b', ':443'],
      panes: { details: false, graph: false, events: false, traffic: false, help: false },
      message: { text: 'last filter: :443 (/ ↑)', isError: false },
    });
    const long = restoredState(invocation(), UNBOUNDED, { ...SAVED, query: 'process:x '.repeat(20) }, []);
    expect(long.message?.text).toMatch(/^last filter: process:x .{30,40}… \(\/ ↑\)$/);
  });

  test('without that line if the last query is empty or the command line has one', () => {
    const messageOf = (saved: string, args: string[]) =>
      restoredState(invocation(args), UNBOUNDED, { ...SAVED, query: saved }, []).message;
    expect([messageOf('', []), messageOf(':443', ['-q', ':443'])]).toEqual([null, null]);
    expect([messageOf(':443', ['-q', 'udp']), messageOf(':443', ['udp'])]).toEqual([null, null]);
  });

  test('with all of the saved state if the option or the setting says so', () => {
    const state = restoredState(invocation(['--restore', 'all']), UNBOUNDED, SAVED, []);
    expect(restoredState(invocation([], { restore: 'all' }), UNBOUNDED, SAVED, []).panes).toEqual(
      state.panes,
    );
    expect(state).toMatchObject({
      query: { text: ':443' },
      sort: SAVED.sort,
      group: 'host',
      columns: SAVED.columns,
      palette: 'mono',
      serviceNames: true,
      views: SAVED.views,
      hideRules: SAVED.known,
      history: ['a', 'b', ':443'],
      panes: { details: true, graph: true, events: false, traffic: false, help: false },
      message: null,
    });
  });

  test('with settings of the command line instead of saved ones', () => {
    const state = restoredState(invocation(['-q', 'udp', '--palette', 'standard']), UNBOUNDED, SAVED, []);
    expect(state).toMatchObject({ query: { text: 'udp' }, palette: 'standard', group: 'host' });
  });

  test('with settings of the configuration file if nothing was saved', () => {
    const configured = {
      query: 'listen',
      group: 'user',
      sort: { column: 'pid', descending: true },
      serviceNames: true,
    } as const;
    const state = restoredState(invocation([], configured), UNBOUNDED, undefined, []);
    expect(state).toMatchObject({ ...configured, query: { text: 'listen' } });
  });

  test('without a saved query that is not valid any more', () => {
    const saved = { ...SAVED, query: '((' };
    for (const restore of ['all', 'layout'] as const) {
      const { query, message } = restoredState(invocation([], { restore }), UNBOUNDED, saved, []);
      expect([query.text, message]).toEqual(['', null]);
    }
  });

  test('with the configured colours if the user chose none on the screen', () => {
    const chosen = restoredState(
      invocation([], { palette: 'colour-blind' }),
      UNBOUNDED,
      { ...SAVED, theme: null },
      [],
    );
    expect(chosen.palette).toBe('colour-blind');
  });

  test('with views of the configuration file instead of saved ones of the same name', () => {
    const views = [{ name: 'ours', query: 'mosh' }];
    expect(restoredState(invocation([], { views }), UNBOUNDED, SAVED, []).views).toEqual([
      ...views,
      SAVED.views[0],
    ]);
  });

  test('with restore = "none": the configured layout, but saved views, hide rules and history', () => {
    const state = restoredState(invocation([], { restore: 'none', query: 'listen' }), UNBOUNDED, SAVED, []);
    expect(state).toMatchObject({
      query: { text: 'listen' },
      group: null,
      columns: null,
      palette: 'standard',
      panes: { details: false, graph: false },
      views: SAVED.views,
      hideRules: SAVED.known,
      history: SAVED.history,
    });
  });

  test('with a message about an invalid saved state', () => {
    const { message } = restoredState(invocation(), UNBOUNDED, undefined, ['saved state is invalid']);
    expect(message).toEqual({ text: 'saved state is invalid', isError: true });
  });
});

describe('the state to save', () => {
  test('equals the restored state if nothing was changed', () => {
    const it = invocation(['--restore', 'all']);
    expect(savedStateOf(restoredState(it, UNBOUNDED, SAVED, []), SAVED, it)).toEqual({
      ...SAVED,
      history: ['a', 'b', ':443'],
    });
  });

  test('has colours only if the user chose them on the screen', () => {
    const it = invocation(['--palette', 'high-contrast']);
    const began = restoredState(it, UNBOUNDED, undefined, []);
    expect(savedStateOf(began, undefined, it).theme).toBeNull();
    expect(savedStateOf({ ...began, palette: 'mono' }, undefined, it).theme).toBe('mono');
  });

  test('has no views of the configuration file, so that they can be removed there', () => {
    const it = invocation([], { views: [{ name: 'ours', query: 'mosh' }] });
    expect(savedStateOf(restoredState(it, UNBOUNDED, SAVED, []), SAVED, it).views).toEqual([SAVED.views[0]]);
  });

  test('keeps the saved layout if it was not restored', () => {
    const it = invocation([], { restore: 'none' });
    const known = [{ process: 'ssh', remote: '*', port: 22 }];
    const left = { ...restoredState(it, UNBOUNDED, SAVED, []), hideRules: known };
    expect(savedStateOf(left, SAVED, it)).toEqual({ ...SAVED, known });
    expect(savedStateOf(left, undefined, it)).toMatchObject({ query: '', known });
  });

  test('never has the help open', () => {
    const it = invocation(['--restore', 'all']);
    const began = restoredState(it, UNBOUNDED, SAVED, []);
    const left = { ...began, panes: { ...began.panes, help: true, graph: false } };
    expect(savedStateOf(left, SAVED, it).panes).toEqual(['details']);
  });
});
