import type { Batch } from '../model/batch.ts';
import type { CloseResult } from '../model/close.ts';
import type { Evidence } from '../model/evidence.ts';
import type { Firewall } from '../model/firewall.ts';
import type { ProcessFacts, ProcessTarget, Scope, SignalName, SignalResult } from '../model/process.ts';
import type { Socket } from '../model/socket.ts';
import type { Whois } from '../model/whois.ts';
import type { Query } from '../query/query.ts';
import type { HideRule } from './hide-rules.ts';
import type { HostAnswer } from './lookups.ts';
import type { ColumnChoice, ColumnId, SameColumns, WidestSeen } from './columns.ts';
import type { AskedName } from '../model/asked-name.ts';
import type { PeerNames } from './peer-names.ts';
import type { Locations } from './locations.ts';
import type { Focus, PaneName, Places } from './panes.ts';
import type { GroupBy, List, Message, Palette, PromptKind, Question, Usage, View } from './state.ts';

/**
 * Something that happened: a batch, a key press, the result of an effect. `update` applies it. `atMs` is the time at
 * which it happened, milliseconds on a clock that never runs backwards.
 */
export type Action =
  /** The first action. */
  | { readonly type: 'start'; readonly atMs: number }
  /** A key was pressed or the mouse used. Sent before the actions of the key. */
  | { readonly type: 'input'; readonly atMs: number }
  | { readonly type: 'batch'; readonly batch: Batch; readonly atMs: number }
  /** Removes expired marks, and closed rows with them. */
  | { readonly type: 'time'; readonly atMs: number }
  /** No batch has come for several intervals. `doing` is the current work of the sampler. */
  | { readonly type: 'silence'; readonly atMs: number; readonly doing: string }
  | { readonly type: 'resize'; readonly width: number; readonly height: number }
  /** The view has laid out rows and events (`view/arrange.ts`). Sent before each paint. */
  | {
      readonly type: 'arranged';
      readonly selectedId: string | null;
      /** Id of the selected row; null if a group header or nothing is selected. */
      readonly rowId: string | null;
      readonly places: Places;
      readonly widest: WidestSeen;
      /** Ids of the new listeners on the screen whose marks are held. */
      readonly newListeners: readonly string[];
      readonly same: SameColumns | null;
      /** Addresses of peers on the screen whose names must be asked for. */
      readonly unnamed: readonly string[];
    }
  | { readonly type: 'quit' }
  /** Stops netpane, as ctrl-z does. */
  | { readonly type: 'suspend' }
  /** Writes the whole screen again. */
  | { readonly type: 'redraw' }
  /** Copies a text to the clipboard of the terminal; `what` names it in the message. */
  | { readonly type: 'copy'; readonly text: string; readonly what: string }
  /** Replaces the query. */
  | { readonly type: 'query'; readonly query: Query }
  /** Adds a term to the query and removes the terms in `instead`; removes the term if the query has it. */
  | { readonly type: 'toggle-term'; readonly term: string; readonly instead: readonly string[] }
  | { readonly type: 'add-term'; readonly term: string }
  /** Adds `new` to the query: from then on, only sockets first seen after this action match it. */
  | { readonly type: 'baseline' }
  /** Asks the user, or with null removes the question. */
  | { readonly type: 'question'; readonly question: Question | null }
  /** Adds a hide rule, and shows the note if there is one. */
  | { readonly type: 'hide'; readonly rule: HideRule; readonly note?: string }
  /** Opens a process, to send a signal to it. */
  | { readonly type: 'open-process'; readonly target: ProcessTarget }
  /** The process is open: its list of signals opens. */
  | { readonly type: 'process-opened'; readonly facts: ProcessFacts }
  /** Chooses the next scope of the signal: process, group, unit. */
  | { readonly type: 'next-scope' }
  /** Sends a signal to the open process, or asks for a confirmation if it is a guarded one. */
  | { readonly type: 'signal'; readonly signal: SignalName }
  /** A signal was sent or refused. `wallMs` is the wall-clock time, milliseconds since 1970. */
  | {
      readonly type: 'signalled';
      readonly facts: ProcessFacts;
      readonly scope: Scope;
      readonly signal: SignalName;
      readonly result: SignalResult;
      readonly wallMs: number;
    }
  /** The process ended after a signal, or still runs after a while. `wallMs` as in `signalled`. */
  | {
      readonly type: 'waited';
      readonly facts: ProcessFacts;
      readonly signal: SignalName;
      readonly afterMs: number;
      readonly hasEnded: boolean;
      readonly wallMs: number;
    }
  /** Closes sockets of other programs; `what` names them. */
  | { readonly type: 'close-sockets'; readonly sockets: readonly Socket[]; readonly what: string }
  /** Sockets were closed, or could not be closed. `wallMs` as in `signalled`. */
  | {
      readonly type: 'sockets-closed';
      readonly what: string;
      readonly result: CloseResult;
      readonly wallMs: number;
    }
  /** Asks whois servers about an address, and opens the pane of the answer. */
  | { readonly type: 'whois'; readonly address: string }
  | { readonly type: 'whois-answer'; readonly whois: Whois }
  /** A rule of `--on` or `[[on]]` matched, or failed. `wallMs` as in `signalled`. */
  | {
      readonly type: 'on-rule';
      readonly text: string;
      readonly isError: boolean;
      readonly bell: boolean;
      readonly wallMs: number;
    }
  /** Marks a row, or removes its mark. */
  | { readonly type: 'mark'; readonly id: string }
  /** Takes back the last action that can be undone. */
  | { readonly type: 'undo' }
  /** The first of two keys, such as g of gg, was pressed; null after the second one. */
  | { readonly type: 'key-start'; readonly key: string | null }
  | { readonly type: 'apply-view'; readonly view: View }
  /** The lookup of a host name of the query has ended. */
  | { readonly type: 'host'; readonly name: string; readonly answer: HostAnswer }
  /** Opens a prompt with a text in it. */
  | { readonly type: 'prompt'; readonly kind: PromptKind; readonly text: string }
  /** Completes the word at the cursor of the prompt. If repeated, goes to the next (1) or previous (-1) choice. */
  | { readonly type: 'complete'; readonly by: 1 | -1 }
  /** Replaces the text of the prompt with an earlier query (-1) or a later one (1) of the history. */
  | { readonly type: 'recall'; readonly by: 1 | -1 }
  | { readonly type: 'edit'; readonly edit: Edit }
  /** Accepts the text of the prompt. `sockets` are the open ones that match the query, if the prompt takes them (`PROMPTS`). */
  | { readonly type: 'accept-prompt'; readonly sockets?: readonly Socket[] }
  | { readonly type: 'cancel-prompt' }
  /** Text was pasted: it goes into the open prompt, or into that of the query. */
  | { readonly type: 'paste'; readonly text: string }
  /** The typed query has not changed for a while: its host names are looked up. */
  | { readonly type: 'resolve-typed' }
  /** A file was not saved: the prompt opens again with the text that was accepted. */
  | { readonly type: 'save-failed'; readonly text: string; readonly why: string }
  /** Chooses a command in the command palette, by its index among those that match; `top` is the first visible one. */
  | { readonly type: 'choose-command'; readonly at: number; readonly top: number }
  /** Closes the command palette and applies the action of a command. */
  | { readonly type: 'run-command'; readonly action: Action }
  /** Sorts by a column, or reverses the order if it is the sort column; `descending` is the direction to start with. */
  | { readonly type: 'sort'; readonly column: ColumnId; readonly descending?: boolean }
  | { readonly type: 'reverse-sort' }
  | { readonly type: 'group'; readonly group: GroupBy | null }
  /** Folds or unfolds a group. `id` is that of its header. */
  | { readonly type: 'fold'; readonly id: string }
  /** Folds all groups, or unfolds them if all are folded. */
  | { readonly type: 'fold-all' }
  /** Sets the columns, in order; with null the width of the pane decides. */
  | { readonly type: 'columns'; readonly columns: readonly ColumnChoice[] | null }
  /** Selects a cell of the selected row, whose text can be copied; null selects none. */
  | { readonly type: 'cell'; readonly column: ColumnId | null }
  /** Opens a list or moves its cursor; null closes it. */
  | { readonly type: 'list'; readonly list: List | null }
  /** Removes the view or hide rule under the cursor of the open list; built-in views stay. */
  | { readonly type: 'remove-line' }
  | { readonly type: 'message'; readonly message: Message | null }
  /** Shows both ends of a local connection as one row, or as two again. */
  | { readonly type: 'join-pairs' }
  /** Keeps the order of the rows even if their values change, or stops doing so. */
  | { readonly type: 'freeze' }
  /** Stops the rows and the event log on the screen, or resumes them. Polling goes on. */
  | { readonly type: 'pause' }
  | { readonly type: 'select'; readonly id: string | null }
  /** Moves the cursor of the event log to an event; null follows the newest. `note` is a message about the event. */
  | { readonly type: 'select-event'; readonly number: number | null; readonly note?: string }
  /** Scrolls the event log to a first line, and moves its cursor. */
  | { readonly type: 'scroll-log'; readonly top: number; readonly number: number | null }
  /** Selects the row of an event and moves the focus to the table. `closesLog` if the event log covers the table. */
  | { readonly type: 'go-to-row'; readonly id: string; readonly closesLog: boolean }
  | { readonly type: 'focus'; readonly focus: Focus }
  /** Opens or closes a pane; without `open`, toggles it. `rowId` is the row at the cursor, which becomes the selected one. */
  | { readonly type: 'pane'; readonly pane: PaneName; readonly open?: boolean; readonly rowId?: string }
  /** Scrolls a pane without a cursor. `lines` is the number of its lines, `height` how many of them fit. */
  | {
      readonly type: 'scroll';
      readonly pane: PaneName;
      readonly by: number;
      readonly lines: number;
      readonly height: number;
    }
  /** Shows only the entries of the help that have these words. */
  | { readonly type: 'find-in-help'; readonly text: string }
  /** Toggles between service names and port numbers. */
  | { readonly type: 'service-names' }
  /** Asks for the names of the peers on the screen from now on, or no longer. */
  | { readonly type: 'toggle-names' }
  /** Lookups of names of peers have ended. `answers` are by address. */
  | { readonly type: 'names'; readonly answers: PeerNames }
  /** The files that know where peers are have been read, or read again. */
  | { readonly type: 'locations'; readonly locations: Locations }
  /** Packets contained names that programs asked for. */
  | { readonly type: 'asked-names'; readonly names: readonly AskedName[]; readonly atMs: number }
  /** Shows or hides what a poll costs. */
  | { readonly type: 'cost' }
  | { readonly type: 'palette'; readonly palette: Palette }
  | { readonly type: 'interval'; readonly intervalMs: number }
  /** No terminal shows the screen: polls at this interval if it is longer. Null: one shows it again. */
  | { readonly type: 'detached'; readonly intervalMs: number | null }
  /** The user has not moved the selection for a while. */
  | { readonly type: 'settled' }
  | { readonly type: 'usage'; readonly usage: Usage | null }
  /** More evidence about the process in the details has been read. */
  | { readonly type: 'evidence'; readonly evidence: Evidence }
  /** Rules of the firewall about the listener in the details have been read. */
  | { readonly type: 'firewall'; readonly firewall: Firewall };

/** A change to the text of the prompt. */
export type Edit =
  | { readonly type: 'insert'; readonly text: string }
  | { readonly type: 'delete'; readonly what: 'before' | 'after' | 'word' | 'to-start' }
  | { readonly type: 'move'; readonly to: 'left' | 'right' | 'start' | 'end' };
