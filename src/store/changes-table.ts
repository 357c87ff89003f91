import type { Action } from './actions.ts';

/**
 * True for an action by which the user chooses what the table, a list or another pane shows: the help would cover it.
 * About the two other actions `changesTable` decides by their fields.
 */
const CHANGES_TABLE: Readonly<Record<Exclude<Action['type'], 'pane' | 'prompt'>, boolean>> = {
  start: false,
  input: false,
  batch: false,
  time: false,
  silence: false,
  resize: false,
  arranged: false,
  quit: false,
  suspend: false,
  redraw: false,
  copy: false,
  query: true,
  'toggle-term': true,
  'add-term': true,
  baseline: true,
  question: true,
  hide: false,
  undo: true,
  'key-start': false,
  'apply-view': true,
  host: false,
  complete: false,
  recall: false,
  edit: false,
  'accept-prompt': false,
  'cancel-prompt': false,
  paste: false,
  'resolve-typed': false,
  'save-failed': false,
  'choose-command': false,
  'run-command': false,
  sort: true,
  'reverse-sort': true,
  group: true,
  fold: true,
  'fold-all': true,
  columns: true,
  cell: true,
  list: true,
  'remove-line': false,
  message: false,
  'join-pairs': true,
  freeze: true,
  pause: true,
  select: true,
  'select-event': false,
  'scroll-log': false,
  'go-to-row': true,
  focus: false,
  scroll: false,
  'find-in-help': false,
  'service-names': true,
  cost: false,
  palette: false,
  interval: false,
  settled: false,
  usage: false,
};

/** Returns true if the help, were it open, would cover what the user chose to see with this action. */
export function changesTable(action: Action): boolean {
  if (action.type === 'pane') return action.pane !== 'help';
  if (action.type === 'prompt') return action.kind !== 'command' && action.kind !== 'help';
  return CHANGES_TABLE[action.type];
}
