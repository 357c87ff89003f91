import { describe, expect, test } from 'vitest';
import type { Action } from '../../src/store/actions.ts';
import { after, baseline, emptyState, socket } from '../helpers/fakes.ts';
import { type, open } from './scene.ts';

const ACCEPT: Action = { type: 'accept-prompt' };
const CANCEL: Action = { type: 'cancel-prompt' };

describe('the prompt', () => {
  const TAB: Action = { type: 'complete', by: 1 };
  const UP: Action = { type: 'recall', by: -1 };

  test('applies a query while it is typed', () => {
    const typing = after(emptyState(), open('query'), type('cu'), type('rl :443'));
    expect(typing.query.text).toBe('curl :443');
    expect(after(typing, ACCEPT)).toMatchObject({
      prompt: null,
      query: { text: 'curl :443' },
      history: ['curl :443'],
    });
  });

  test('keeps the last valid query while the text is invalid, and has the problem', () => {
    const typing = after(emptyState(), open('query'), type('curl'), type(' state:LISTE'));
    expect(typing).toMatchObject({
      query: { text: 'curl' },
      prompt: { text: 'curl state:LISTE', problem: { at: 11, length: 5 } },
    });
    const accepted = after(typing, ACCEPT);
    expect(accepted).toMatchObject({ query: { text: 'curl' }, prompt: { text: 'curl state:LISTE' } });
    expect(accepted.history).toEqual([]);
    expect(after(accepted, type('N'))).toMatchObject({ query: { text: 'curl state:LISTEN' } });
    expect(after(accepted, type('N')).prompt).not.toHaveProperty('problem');
  });

  test('applies a port when it is accepted', () => {
    const typing = after(emptyState(), open('port', '443'), type('2'), type('2'));
    expect(typing).toMatchObject({ query: { text: '' }, prompt: { text: '22' } });
    expect(after(typing, ACCEPT)).toMatchObject({ prompt: null, query: { text: ':22' }, history: [':22'] });
  });

  test('accepts a prefilled answer', () => {
    expect(after(emptyState(), open('process', 'node'), ACCEPT).query.text).toBe('process:node');
  });

  test('appends to a prefilled query', () => {
    expect(after(emptyState('ab'), open('query', 'ab'), type('c')).query.text).toBe('abc');
  });

  test('applies a namespace when it is accepted, and removes it with an empty answer', () => {
    const typing = after(emptyState(':1'), open('netns', 'web'));
    expect(typing.query.text).toBe(':1');
    const accepted = after(typing, ACCEPT);
    expect(accepted.query.text).toBe(':1 ns:web');
    expect(after(accepted, open('netns', ''), ACCEPT).query.text).toBe(':1');
  });

  test('restores the query on cancel, and adds nothing to the history', () => {
    const before = emptyState('port:22 old');
    const typing = after(before, open('query', 'port:22 old'), type('x'));
    expect(typing.query.text).toBe('port:22 oldx');
    expect(after(typing, CANCEL)).toMatchObject({ prompt: null, query: before.query, history: [] });
  });

  test('says what was not saved after a cancel, or without a name', () => {
    const messageAfter = (kind: 'save' | 'view' | 'query', action: Action) =>
      after(emptyState(), open(kind), action).message?.text;
    expect([messageAfter('save', CANCEL), messageAfter('save', ACCEPT)]).toEqual(
      Array(2).fill('nothing saved'),
    );
    expect([messageAfter('view', CANCEL), messageAfter('view', ACCEPT)]).toEqual(
      Array(2).fill('no view saved'),
    );
    expect(messageAfter('query', CANCEL)).toBeUndefined();
  });

  test('keeps text and query and has an error when the port is invalid', () => {
    const state = after(emptyState('x'), open('port'), type('nosuch'), ACCEPT);
    expect(state).toMatchObject({ query: { text: 'x' }, prompt: { text: 'nosuch' } });
    expect(state.prompt?.error).toContain("unknown service 'nosuch'");
    expect(after(state, type('1')).prompt).not.toHaveProperty('error');
  });

  test('applies a completed or recalled query at once', () => {
    const sockets = [socket({ process: 'node' }), socket({ id: 'other', process: 'nginx' })];
    const typing = after(emptyState(), baseline(sockets), open('query'), type('process:n'));
    const completed = after(typing, TAB, TAB);
    expect(completed).toMatchObject({ query: { text: 'process:node' }, prompt: { text: 'process:node' } });
    const asked = after(emptyState(), open('query'), type('one'), ACCEPT, open('query'), type('two'), ACCEPT);
    const recalled = after(asked, open('query'), UP, UP);
    expect(recalled).toMatchObject({ query: { text: 'one' }, prompt: { text: 'one' } });
    expect(after(recalled, ACCEPT).history).toEqual(['two', 'one']);
    expect(after(recalled, CANCEL)).toMatchObject({ query: { text: 'two' }, history: ['one', 'two'] });
  });

  test('does not apply a file name as a query', () => {
    const typing = after(emptyState('x'), open('save', 'a.csv'), TAB, UP);
    expect(typing).toMatchObject({ query: { text: 'x' }, prompt: { text: 'a.csv' } });
    expect(after(typing, ACCEPT)).toMatchObject({ prompt: null, query: { text: 'x' }, history: [] });
  });

  test('ignores its actions while it is closed', () => {
    const state = emptyState(':1');
    for (const action of [type('x'), TAB, UP, ACCEPT, CANCEL]) expect(after(state, action)).toBe(state);
  });
});
