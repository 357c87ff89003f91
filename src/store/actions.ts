import type { Batch } from '../model/batch.ts';
import type { Filter } from '../query/filter.ts';
import type { ColumnId, Focus, PaneName, Palette, Prompt, Usage } from './state.ts';

/** Everything that changes the state. */
export type Action =
  | { readonly type: 'batch'; readonly batch: Batch }
  /** Time went by: marks fade. `nowMs` is on the batches' clock. */
  | { readonly type: 'time'; readonly nowMs: number }
  | { readonly type: 'filter'; readonly filter: Filter }
  /** Turns a condition on, or off where it is on already. */
  | { readonly type: 'toggle-filter'; readonly condition: 'listening' | 'tcp' | 'udp' }
  | { readonly type: 'prompt'; readonly kind: Prompt['kind']; readonly text: string }
  | { readonly type: 'edit'; readonly edit: Edit }
  | { readonly type: 'accept-prompt' }
  | { readonly type: 'cancel-prompt' }
  /** Sorts by a column, the other way round where it is sorted by already; `descending` is how it is to begin. */
  | { readonly type: 'sort'; readonly column: ColumnId; readonly descending?: boolean }
  | { readonly type: 'reverse-sort' }
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
