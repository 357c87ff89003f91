import type { Action } from '../store/actions.ts';

/** What a key asks for: a change of the state, or something that only the app can do. */
export type Command =
  | Action
  | { readonly type: 'quit' }
  | { readonly type: 'suspend' }
  | { readonly type: 'redraw' }
  /** Puts what may follow into the prompt, or the next, or last, of that. */
  | { readonly type: 'complete-prompt'; readonly by: 1 | -1 }
  | { readonly type: 'copy'; readonly what: 'row' | 'cell' }
  /** From an event to its row in the table. */
  | { readonly type: 'jump' }
  /** Moves what the keys move in, or the help: by rows, by pages, or to an end. */
  | { readonly type: 'move'; readonly by: number; readonly unit: 'row' | 'page' | 'all' };
