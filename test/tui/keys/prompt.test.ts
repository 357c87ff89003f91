import { describe, expect, test } from 'vitest';
import { after, batch, socket } from '../../helpers/fakes.ts';
import { press, withSockets, typing } from './press.ts';

test('enter in the prompt for a file saves the open sockets that are shown', () => {
  const it = socket({ id: 'open' });
  const state = after(
    withSockets(it, socket({ id: 'closed', process: 'gone' })),
    batch({ monotonicMs: 1, closed: ['closed'] }),
    { type: 'prompt', kind: 'save', text: 'a.csv' },
  );
  expect(press('enter', state)).toEqual({ type: 'accept-prompt', sockets: [it] });
});

describe('while a prompt is open', () => {
  test.each([
    ['q', 'q', { type: 'edit', edit: { type: 'insert', text: 'q' } }],
    ['space', ' ', { type: 'edit', edit: { type: 'insert', text: ' ' } }],
    ['S-p', 'P', { type: 'edit', edit: { type: 'insert', text: 'P' } }],
    ['undefined', '語', { type: 'edit', edit: { type: 'insert', text: '語' } }],
    ['backspace', '\x7f', { type: 'edit', edit: { type: 'delete', what: 'before' } }],
    ['C-w', '\x17', { type: 'edit', edit: { type: 'delete', what: 'word' } }],
    ['C-u', '\x15', { type: 'edit', edit: { type: 'delete', what: 'to-start' } }],
    ['left', undefined, { type: 'edit', edit: { type: 'move', to: 'left' } }],
    ['C-e', '\x05', { type: 'edit', edit: { type: 'move', to: 'end' } }],
    ['enter', '\r', { type: 'accept-prompt' }],
    ['escape', '\x1b', { type: 'cancel-prompt' }],
    ['C-c', '\x03', { type: 'quit' }],
    ['C-z', '\x1a', { type: 'suspend' }],
    ['up', undefined, { type: 'recall', by: -1 }],
    ['down', undefined, { type: 'recall', by: 1 }],
    ['tab', '\t', { type: 'complete', by: 1 }],
    ['S-tab', undefined, { type: 'complete', by: -1 }],
    ['1', '1', { type: 'edit', edit: { type: 'insert', text: '1' } }],
    ['C-h', '\b', { type: 'edit', edit: { type: 'delete', what: 'before' } }],
    ['delete', undefined, { type: 'edit', edit: { type: 'delete', what: 'after' } }],
    ['home', undefined, { type: 'edit', edit: { type: 'move', to: 'start' } }],
  ])('%s', (key, character, command) => {
    expect(press(key, typing(), character)).toEqual(command);
  });

  test.each([
    ['pageup', undefined],
    ['C-l', '\x0c'],
    ['M-x', undefined],
    ['toString', undefined],
  ])('%s types nothing', (key, character) => {
    expect(press(key, typing(), character)).toBeUndefined();
  });
});
