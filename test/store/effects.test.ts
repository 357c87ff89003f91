import { describe, expect, test } from 'vitest';
import type { Action } from '../../src/store/actions.ts';
import type { Effect } from '../../src/store/effects.ts';
import type { State } from '../../src/store/state.ts';
import { update } from '../../src/store/update.ts';
import { arrange } from '../../src/view/arrange.ts';
import { layoutOf } from '../../src/view/layout.ts';
import { RowOrder } from '../../src/view/table/order.ts';
import { ShownEvents } from '../../src/view/panes/shown-events.ts';
import { after, baseline, batch, emptyState, queryFrom, socket } from '../helpers/fakes.ts';

describe('effects', () => {
  const types = (state: State, action: Action) => update(state, action).effects.map(({ type }) => type);
  const details = after(emptyState(), baseline([socket({ id: 'a', pid: 7 })]), {
    type: 'pane',
    pane: 'details',
  });

  test.each<[Action, Effect[]]>([
    [{ type: 'quit' }, [{ type: 'quit' }]],
    [{ type: 'suspend' }, [{ type: 'suspend' }]],
    [{ type: 'redraw' }, [{ type: 'redraw' }]],
    [{ type: 'copy', text: 'a', what: 'row' }, [{ type: 'copy', text: 'a', what: 'row' }]],
    [
      { type: 'interval', intervalMs: 2000 },
      [
        { type: 'set-interval', intervalMs: 2000 },
        { type: 'wake', timer: 'silence', afterMs: 6000 },
      ],
    ],
    [{ type: 'time', atMs: 5 }, [{ type: 'wake', timer: 'fade', afterMs: undefined }]],
    [{ type: 'freeze' }, []],
  ])('of %o', (action, effects) => {
    expect(update(emptyState(), action).effects).toEqual(effects);
  });

  test('while tmux is detached, polls have the longer interval', () => {
    const detached = update(emptyState(), { type: 'detached', intervalMs: 30_000 });
    expect(detached.effects).toEqual([
      { type: 'set-interval', intervalMs: 30_000 },
      { type: 'wake', timer: 'silence', afterMs: 90_000 },
    ]);
    expect(update(detached.state, { type: 'detached', intervalMs: null }).effects[0]).toEqual({
      type: 'set-interval',
      intervalMs: 1000,
    });
    expect(update(emptyState(), { type: 'detached', intervalMs: 500 }).effects[0]).toEqual({
      type: 'set-interval',
      intervalMs: 1000,
    });
  });

  test('a shorter interval reports no silence sooner while costly polls lengthen the interval', () => {
    const state = after(emptyState(), batch({ monotonicMs: 0, pacedIntervalMs: 15_000 }));
    expect(update(state, { type: 'interval', intervalMs: 500 }).effects).toContainEqual({
      type: 'wake',
      timer: 'silence',
      afterMs: 45_000,
    });
  });

  test('a mark wakes netpane when it fades, on the clock of the actions', () => {
    const state = after(emptyState(), baseline([]));
    const action = {
      type: 'batch',
      batch: batch({ monotonicMs: 5000, spawned: [socket()] }),
      atMs: 100,
    } as const;
    const { state: later, effects } = update(state, action);
    const fade = effects.find((it) => it.type === 'wake' && it.timer === 'fade');
    const fadesMs = later.table.nextFadeMs ?? 0;
    expect(fade).toEqual({ type: 'wake', timer: 'fade', afterMs: fadesMs - 5000 });
    const half = update(later, { type: 'time', atMs: 100 + (fadesMs - 5000) / 2 });
    expect(half.effects).toMatchObject([{ timer: 'fade', afterMs: (fadesMs - 5000) / 2 }]);
  });

  test('host names are looked up once, and again after a failure when the query is entered again', () => {
    const asked = update(emptyState(), { type: 'query', query: queryFrom('@db.example') });
    expect(asked.effects).toEqual([{ type: 'resolve', name: 'db.example' }]);
    expect(types(asked.state, { type: 'freeze' })).toEqual([]);
    const failed = after(asked.state, {
      type: 'host',
      name: 'db.example',
      answer: { type: 'failed', why: '' },
    });
    expect(types(failed, { type: 'freeze' })).toEqual([]);
    const prompt = after(failed, { type: 'prompt', kind: 'query', text: '@db.example' });
    expect(types(prompt, { type: 'accept-prompt' })).toEqual(['resolve']);
  });

  describe('a typed query', () => {
    const answer = (name: string, ...addresses: string[]): Action => ({
      type: 'host',
      name,
      answer:
        addresses.length > 0 ? { type: 'addresses', addresses } : { type: 'failed', why: 'no such name' },
    });
    const typed = (text: string) =>
      after(
        emptyState('listen'),
        { type: 'prompt', kind: 'query', text: '' },
        { type: 'edit', edit: { type: 'insert', text } },
      );

    test('keeps the query before while it is invalid or its host names have no addresses', () => {
      expect(typed('(').query.text).toBe('listen');
      const waiting = typed('@db.example');
      expect(waiting.query.text).toBe('listen');
      expect(after(waiting, answer('db.example')).query.text).toBe('listen');
      const answered = after(waiting, answer('db.example', '192.0.2.1'));
      expect(answered.query.text).toBe('@db.example');
      expect(answered.prompt?.waiting).toBeUndefined();
      expect(after(waiting, { type: 'accept-prompt' }).query.text).toBe('@db.example');
      expect(after(waiting, { type: 'cancel-prompt' }).query.text).toBe('listen');
    });

    test('looks up host names once it has not changed for a while', () => {
      const waiting = typed('@db.example');
      const edit: Action = { type: 'edit', edit: { type: 'insert', text: '.org' } };
      const { state, effects } = update(waiting, edit);
      expect(effects).toEqual([{ type: 'wake', timer: 'typing', afterMs: 400 }]);
      const asked = update(state, { type: 'resolve-typed' });
      expect(asked.effects).toEqual([{ type: 'resolve', name: 'db.example.org' }]);
      expect(types(asked.state, { type: 'resolve-typed' })).toEqual([]);
      expect(types(after(asked.state, answer('db.example.org')), { type: 'resolve-typed' })).toEqual([]);
      // Not again when it is accepted, as the answer is on its way.
      expect(types(asked.state, { type: 'accept-prompt' })).toEqual([]);
      expect(types(typed('listen'), edit)).toEqual([]);
    });
  });

  test('pasted text goes into the open prompt as one line, else into that of the query', () => {
    const text = ' 192.0.2.1\r\n  :443\t\x1b[31m\n';
    const naming = after(emptyState(), { type: 'prompt', kind: 'view', text: '' }, { type: 'paste', text });
    expect(naming.prompt).toMatchObject({ kind: 'view', text: '192.0.2.1 :443 [31m' });
    const pasted = after(emptyState('listen'), { type: 'paste', text: ':443\n' });
    expect(pasted.prompt).toMatchObject({ kind: 'query', text: 'listen :443' });
    expect(pasted.query.text).toBe('listen :443');
  });

  test('text that is too long is not inserted; the prompt keeps its text and says why', () => {
    const start = after(emptyState(), { type: 'paste', text: 'node' });
    const { prompt } = after(start, { type: 'paste', text: 'x'.repeat(60_000) });
    expect(prompt).toMatchObject({ text: 'node', error: expect.stringContaining('too long') as string });
  });

  test('a file that was not saved opens the prompt again with its name, unless another one is open', () => {
    const failed: Action = { type: 'save-failed', text: 'a.csv', why: 'the disk is full' };
    const { prompt } = after(emptyState(), failed);
    expect(prompt).toMatchObject({
      kind: 'save',
      text: 'a.csv',
      error: 'the disk is full',
      untouched: false,
    });
    const asked = after(emptyState(), { type: 'prompt', kind: 'query', text: 'node' }, failed);
    expect(asked.prompt?.text).toBe('node');
    expect(asked.message).toEqual({ text: 'the disk is full', isError: true });
  });

  test('usage and evidence are asked for once after the paint that follows a batch, and only with open details', () => {
    const { order, events } = { order: new RowOrder(), events: new ShownEvents() };
    order.update(details);
    const painted = arrange(details, { order, events }, layoutOf(details, order.length));
    const first = update(details, painted);
    expect(first.effects).toEqual([
      { type: 'ask-usage', pid: 7 },
      { type: 'ask-evidence', target: { pid: 7 } },
      { type: 'read-locations' },
    ]);
    expect(update(first.state, painted).effects).toEqual([]);
    expect(types(after(details, { type: 'pane', pane: 'details' }), painted)).toEqual([]);
  });

  test('the reading of evidence ends when the details close, and starts again when they open', () => {
    const { order, events } = { order: new RowOrder(), events: new ShownEvents() };
    order.update(details);
    const painted = arrange(details, { order, events }, layoutOf(details, order.length));
    const { state } = update(details, painted);
    const evidence = { pid: 7, verdict: [], lines: [] };
    const read = after(state, { type: 'evidence', evidence: { ...evidence, isComplete: false } });
    const close: Action = { type: 'pane', pane: 'details' };
    const closed = update(read, close);
    expect(closed.effects).toContainEqual({ type: 'stop-evidence' });
    expect(types(after(closed.state, close, { type: 'settled' }), painted)).toContain('ask-evidence');
    // A complete answer stays.
    const complete = after(state, { type: 'evidence', evidence: { ...evidence, isComplete: true } });
    const kept = update(complete, close);
    expect([kept.effects, kept.state.evidence?.isComplete]).toEqual([[], true]);
  });

  test('views and hide rules are saved when they change', () => {
    const rule = { process: 'a', remote: '*', port: 1 };
    const hidden = after(emptyState(), { type: 'hide', rule });
    expect(types(emptyState(), { type: 'hide', rule })).toEqual(['save-state']);
    expect(types(hidden, { type: 'hide', rule })).toEqual([]);
    const list = after(hidden, { type: 'list', list: { kind: 'hide-rules', at: 0 } });
    expect(types(list, { type: 'remove-line' })).toEqual(['save-state']);
    const naming = after(hidden, { type: 'prompt', kind: 'view', text: 'mine' });
    expect(types(naming, { type: 'accept-prompt' })).toEqual(['save-state']);
  });

  test('a file is saved under the name in the prompt, and not without a name', () => {
    const saving = (text: string) => after(emptyState(), { type: 'prompt', kind: 'save', text });
    const sockets = [socket()];
    const accept = { type: 'accept-prompt', sockets } as const;
    expect(update(saving(' a.csv '), accept).effects).toEqual([{ type: 'save', path: 'a.csv', sockets }]);
    expect(update(saving(' '), accept).effects).toEqual([]);
    expect(update(emptyState(), accept).effects).toEqual([]);
  });
});
