import type { Action } from '../store/actions.ts';

/** A command of a key: an action on the state, or something that only the app can do. */
export type Command =
  | Action
  | { readonly type: 'quit' }
  | { readonly type: 'suspend' }
  | { readonly type: 'redraw' }
  /** Completes the text of the prompt, or goes to the next or previous completion. */
  | { readonly type: 'complete-prompt'; readonly by: 1 | -1 }
  | { readonly type: 'copy'; readonly what: 'row' | 'cell' }
  /** Selects the row of the event under the cursor. */
  | { readonly type: 'jump' }
  /** Moves in the focused pane or scrolls the help: by rows, by pages, or to an end. */
  | { readonly type: 'move'; readonly by: number; readonly unit: 'row' | 'page' | 'all' };
