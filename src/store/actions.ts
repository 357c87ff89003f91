import type { Batch } from '../model/batch.ts';
import type { Values } from '../query/values.ts';
import type { Query } from '../query/query.ts';
import type { HideRule } from './hide-rules.ts';
import type {
  ColumnChoice,
  ColumnId,
  Focus,
  GroupBy,
  HostAnswer,
  List,
  Message,
  PaneName,
  Palette,
  PromptKind,
  Silence,
  Usage,
  View,
} from './state.ts';

/** Everything that changes the state. */
export type Action =
  | { readonly type: 'batch'; readonly batch: Batch }
  /** Time went by: marks fade. `nowMs` is on the batches' clock. */
  | { readonly type: 'time'; readonly nowMs: number }
  /** No batch has come for several intervals. */
  | { readonly type: 'silence'; readonly silence: Silence }
  | { readonly type: 'query'; readonly query: Query }
  /** Turns a condition on, in the place of those that it excludes, or off where it is on already. */
  | { readonly type: 'toggle-term'; readonly term: string; readonly instead: readonly string[] }
  | { readonly type: 'add-term'; readonly term: string }
  /** From now on what is there now is not new, and only what is new is shown. */
  | { readonly type: 'baseline' }
  | { readonly type: 'know'; readonly known: HideRule }
  | { readonly type: 'look-by'; readonly view: View }
  | { readonly type: 'host'; readonly name: string; readonly answer: HostAnswer }
  | { readonly type: 'prompt'; readonly kind: PromptKind; readonly text: string }
  /** Puts what the text may go on with in its place, or the next, or last, of that. */
  | { readonly type: 'complete'; readonly by: 1 | -1; readonly values: () => Values }
  /** Goes through the queries of before. */
  | { readonly type: 'recall'; readonly by: 1 | -1 }
  | { readonly type: 'edit'; readonly edit: Edit }
  | { readonly type: 'accept-prompt' }
  | { readonly type: 'cancel-prompt' }
  /** Sorts by a column, the other way round where it is sorted by already; `descending` is how it is to begin. */
  | { readonly type: 'sort'; readonly column: ColumnId; readonly descending?: boolean }
  | { readonly type: 'reverse-sort' }
  | { readonly type: 'group'; readonly group: GroupBy | null }
  /** Folds a group, by the id of its header, or unfolds it. */
  | { readonly type: 'fold'; readonly id: string }
  | { readonly type: 'fold-all' }
  | { readonly type: 'columns'; readonly columns: readonly ColumnChoice[] | null }
  /** The cell that is copied is that of this column. */
  | { readonly type: 'cell'; readonly column: ColumnId | null }
  | { readonly type: 'list'; readonly list: List | null }
  /** Takes a line out of the list that is open, where it is the user's own. */
  | { readonly type: 'remove-line' }
  | { readonly type: 'message'; readonly message: Message | null }
  | { readonly type: 'freeze' }
  | { readonly type: 'pause' }
  | { readonly type: 'select'; readonly id: string | null }
  /** Sets the cursor of the event log on an event, or lets it follow the newest one. */
  | { readonly type: 'select-event'; readonly number: number | null }
  | { readonly type: 'focus'; readonly focus: Focus }
  | { readonly type: 'pane'; readonly pane: PaneName; readonly open?: boolean }
  | { readonly type: 'scroll-help'; readonly by: number; readonly lines: number; readonly height: number }
  | { readonly type: 'service-names' }
  | { readonly type: 'palette'; readonly palette: Palette }
  | { readonly type: 'interval'; readonly intervalMs: number }
  | { readonly type: 'usage'; readonly usage: Usage | null };

/** A change to the text of the prompt. */
export type Edit =
  | { readonly type: 'insert'; readonly text: string }
  | { readonly type: 'delete'; readonly what: 'before' | 'after' | 'word' | 'to-start' }
  | { readonly type: 'move'; readonly to: 'left' | 'right' | 'start' | 'end' };
