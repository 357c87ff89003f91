import type { Socket } from '../model/socket.ts';
import type { State } from './state.ts';

/** What netpane waits for: each timer is set again by a later `wake` of the same name. */
export type TimerName =
  /** The next mark fades: answers `time`. */
  | 'fade'
  /** No batch has come for several intervals: answers `silence`. */
  | 'silence'
  /** The selection rests: answers `settled`. */
  | 'usage';

/**
 * Something to do outside the state. `update` returns effects as data; `cli/effects.ts` carries them out and sends the
 * answer, if there is one, as an action.
 */
export type Effect =
  /** Restores the terminal and ends netpane. */
  | { readonly type: 'quit' }
  /** Restores the terminal and stops the process, as ctrl-z does. */
  | { readonly type: 'suspend' }
  /** Marks every cell of the screen to be written again by the next paint. */
  | { readonly type: 'redraw' }
  | { readonly type: 'set-interval'; readonly intervalMs: number }
  /** Sends an action later. Undefined as `afterMs` stops the timer. */
  | { readonly type: 'wake'; readonly timer: TimerName; readonly afterMs: number | undefined }
  /** Reads CPU and memory of a process: answers `usage`. */
  | { readonly type: 'ask-usage'; readonly pid: number }
  /** Looks up the addresses of a host name: answers `host`. */
  | { readonly type: 'resolve'; readonly name: string }
  /** Copies a text to the clipboard of the terminal: answers `message`. */
  | { readonly type: 'copy'; readonly text: string }
  /** Writes sockets to a file: answers `message`. */
  | { readonly type: 'save'; readonly path: string; readonly sockets: readonly Socket[] }
  /** Keeps what the next start restores. */
  | { readonly type: 'save-state'; readonly state: State };
