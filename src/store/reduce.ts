import { isSameTarget } from '../model/firewall.ts';
import type { Socket } from '../model/socket.ts';
import { valuesOf } from '../query/values.ts';
import type { Action } from './actions.ts';
import { applyBatch } from './batch-actions.ts';
import { changesTable } from './changes-table.ts';
import {
  scrollPane,
  selectEvent,
  selectRow,
  withHelpQuery,
  withPane,
  withPlace,
  withSelection,
} from './cursor-actions.ts';
import { evidenceOf, firewallOf, isAbout } from './evidence.ts';
import { removeLine, withCursorInside } from './list-actions.ts';
import { type HostAnswer, withAsked, withHosts, withNames } from './lookups.ts';
import { COVERING_PANES } from './panes.ts';
import { livePicture } from './picture.ts';
import { isPresent, withInput } from './presence.ts';
import { acceptPrompt, cancelPrompt, openPrompt, paste, preview, reopenSave } from './prompt-actions.ts';
import { completePrompt, editPrompt, recall } from './prompt-editing.ts';
import { toggleTerm, withQuery } from './query-actions.ts';
import { type Folds, type List, NO_FOLDS, type Pause, type Question, type State } from './state.ts';
import {
  isGuarded,
  withActionLogged,
  withClosed,
  withMarkToggled,
  withNextScope,
  withOpenProcess,
  withSignalled,
  withWaited,
} from './process-actions.ts';
import { undo, withHidden, withQueryReplaced, withTermAdded } from './undo.ts';
import { applyView } from './views.ts';

/**
 * Returns the state after an action: the first half of `update`. Pure except for `state.table` and `state.log`, which
 * change in place.
 */
export function reduce(before: State, action: Action): State {
  const start = changesTable(action) ? withTableShown(before) : before;
  const state = reduced(start, action);
  // Any action that closes the list of signals releases its process.
  return state.process && state.list?.kind !== 'signals' ? { ...state, process: null } : state;
}

/** Closes the panes that cover the table. */
const withTableShown = (state: State): State =>
  COVERING_PANES.reduce((now, name) => (now.panes[name] ? withPane(now, name, false) : now), state);

function reduced(state: State, action: Action): State {
  switch (action.type) {
    case 'start':
      return {
        ...state,
        clock: { ...state.clock, lastBatchMs: action.atMs },
        presence: { ...state.presence, atMs: action.atMs },
      };
    case 'input':
      return withInput(state, action.atMs);
    case 'batch': {
      const { batch, atMs } = action;
      const clock = { lastBatchMs: atMs, offsetMs: batch.monotonicMs - atMs };
      return applyBatch({ ...state, clock, silence: null }, batch);
    }
    case 'time':
      state.table.fade(action.atMs + state.clock.offsetMs);
      return { ...state };
    case 'silence':
      return { ...state, silence: { forMs: action.atMs - state.clock.lastBatchMs, doing: action.doing } };
    case 'resize':
      return { ...state, size: { width: action.width, height: action.height } };
    case 'arranged':
      if (isPresent(state)) for (const id of action.newListeners) state.table.see(id, state.nowMs ?? 0);
      return {
        ...withSelection(state, action.selectedId),
        places: action.places,
        widest: action.widest,
        same: action.same,
        usageDue: false,
        ...(state.usageDue &&
          state.panes.details && {
            evidence: evidenceOf(state, action.rowId),
            firewall: firewallOf(state, action.rowId),
          }),
      };
    case 'query':
      return withQueryReplaced(state, action.query);
    case 'toggle-term':
      return withQuery(state, toggleTerm(state.query, action.term, action.instead));
    case 'add-term':
      return withTermAdded(state, action.term, state.baselineMs);
    case 'baseline':
      return withTermAdded(state, 'new', state.nowMs);
    case 'question':
      return withQuestion(state, action.question);
    case 'hide':
      return withHidden(state, action.rule, action.note);
    case 'process-opened':
      return withOpenProcess(state, action.facts);
    case 'next-scope':
      return withNextScope(state);
    case 'signal':
      return state.process && isGuarded(state.process)
        ? {
            ...state,
            process: { ...state.process, asked: action.signal },
            prompt: openPrompt('confirm-signal', '', state.query),
          }
        : state;
    case 'signalled':
      return withSignalled(state, action);
    case 'waited':
      return withWaited(state, action);
    case 'close-sockets':
      return { ...state, question: null };
    case 'sockets-closed':
      return withClosed(state, action.what, action.result, action.wallMs);
    case 'whois':
      return {
        ...withPane(state, 'whois', true),
        whois: isWhoisKnown(state, action.address)
          ? state.whois
          : { address: action.address, asked: [], text: '', isComplete: false },
      };
    case 'whois-answer':
      // Another address may have been asked about since.
      return state.whois?.address === action.whois.address ? { ...state, whois: action.whois } : state;
    case 'on-rule':
      return withActionLogged(state, action.text, action.isError, action.wallMs);
    case 'mark':
      return withMarkToggled(state, action.id);
    case 'undo':
      return undo(state);
    case 'key-start':
      return { ...state, keyStart: action.key };
    case 'apply-view':
      return applyView(state, action.view);
    case 'host':
      return withAnswer(state, action.name, action.answer);
    case 'paste':
      return paste(state, action.text);
    case 'save-failed':
      return reopenSave(state, action.text, action.why);
    case 'prompt':
      return { ...state, prompt: openPrompt(action.kind, action.text, state.query) };
    case 'edit':
      return state.prompt ? preview(state, editPrompt(state.prompt, action.edit)) : state;
    case 'complete':
      return state.prompt
        ? preview(
            state,
            completePrompt(state.prompt, action.by, () => valuesOf(socketsOf(state))),
          )
        : state;
    case 'recall':
      return state.prompt ? preview(state, recall(state.prompt, action.by, state.history)) : state;
    case 'accept-prompt':
      return state.prompt ? acceptPrompt(state, state.prompt) : state;
    case 'cancel-prompt':
      return state.prompt ? cancelPrompt(state, state.prompt) : state;
    case 'choose-command':
      return state.prompt?.kind === 'command'
        ? { ...state, prompt: { ...state.prompt, at: Math.max(0, action.at), top: Math.max(0, action.top) } }
        : state;
    case 'run-command':
      return reduce({ ...state, prompt: null }, action.action);
    case 'group':
      return { ...state, group: action.group, folds: NO_FOLDS };
    case 'fold':
      return { ...state, folds: folded(state.folds, action.id) };
    case 'fold-all':
      return { ...state, folds: state.folds.all && state.folds.except.size === 0 ? NO_FOLDS : ALL_FOLDED };
    case 'columns':
      return { ...state, columns: action.columns };
    case 'cell':
      return { ...state, cell: action.column };
    case 'list':
      return withList(state, action.list);
    case 'remove-line':
      return removeLine(state);
    case 'message':
      return { ...state, message: action.message };
    case 'sort': {
      const again = state.sort.column === action.column;
      const descending = again ? !state.sort.descending : (action.descending ?? false);
      return { ...state, sort: { column: action.column, descending } };
    }
    case 'reverse-sort':
      return { ...state, sort: { ...state.sort, descending: !state.sort.descending } };
    case 'join-pairs':
      return { ...state, joinsPairs: !state.joinsPairs };
    case 'freeze':
      return { ...state, frozen: !state.frozen };
    case 'pause':
      // Before the first batch there are no rows to pause.
      if (state.nowMs === undefined) return state;
      return { ...state, pause: state.pause ? null : startPause(state) };
    case 'select':
      return selectRow(state, action.id);
    case 'select-event':
      return selectEvent(state, action.number, action.note);
    case 'scroll-log': {
      const places = withPlace(state.places, 'events', { top: Math.max(0, action.top) });
      return selectEvent({ ...state, places }, action.number);
    }
    case 'go-to-row': {
      const selected = selectRow(state, action.id);
      return action.closesLog ? withPane(selected, 'events', false) : { ...selected, focus: 'table' };
    }
    case 'focus':
      // The keys cannot act on a pane that is not open.
      return {
        ...state,
        focus: action.focus === 'table' || state.panes[action.focus] ? action.focus : 'table',
      };
    case 'pane':
      return withPane(
        action.rowId === undefined ? state : selectRow(state, action.rowId),
        action.pane,
        action.open ?? !state.panes[action.pane],
      );
    case 'scroll':
      return scrollPane(state, action);
    case 'find-in-help':
      return withHelpQuery(state, action.text);
    case 'service-names':
      // Names are wider than numbers: with numbers the columns may be narrower.
      return { ...state, serviceNames: !state.serviceNames, widest: new Map(), same: null };
    case 'toggle-names':
      return withNamesToggled(state);
    case 'names':
      return { ...state, lookups: withNames(state.lookups, action.answers) };
    case 'locations':
      return { ...state, lookups: { ...state.lookups, locations: action.locations } };
    case 'asked-names':
      return { ...state, lookups: withAsked(state.lookups, action.names, action.atMs) };
    case 'cost':
      return { ...state, showsCost: !state.showsCost };
    case 'palette':
      return withMessage({ ...state, palette: action.palette }, `colours: ${action.palette}`);
    case 'interval':
      return { ...state, ...intervalsAfter(state, action.intervalMs) };
    case 'detached':
      return { ...state, pacedIntervalMs: Math.max(state.pacedIntervalMs, action.intervalMs ?? 0) };
    case 'settled':
      return { ...state, usageDue: true };
    case 'usage':
      return { ...state, usage: action.usage };
    case 'evidence':
      // Drop an answer about a process that is no longer selected.
      return isAbout(state.evidence, action.evidence) ? { ...state, evidence: action.evidence } : state;
    case 'firewall': {
      const { target } = action.firewall;
      return state.firewall && isSameTarget(state.firewall.target, target)
        ? { ...state, firewall: action.firewall }
        : state;
    }
    case 'quit':
    case 'suspend':
    case 'redraw':
    case 'copy':
    case 'resolve-typed':
    case 'open-process':
      return state;
  }
}

/** Returns true if whois was asked about the address, and has answered without a problem so far. */
const isWhoisKnown = ({ whois }: State, address: string): boolean =>
  whois?.address === address && whois.problem === undefined;

const withMessage = (state: State, text: string): State => ({ ...state, message: { text, isError: false } });

/** Asks a question, or cancels it and says what was not done. */
function withQuestion(state: State, question: Question | null): State {
  if (question || !state.question) return { ...state, question };
  const text = state.question.kind === 'hide' ? 'nothing hidden' : 'nothing closed';
  return withMessage({ ...state, question }, text);
}

/** Opens a list, or closes the open one. The list of signals needs an open process. */
function withList(state: State, list: List | null): State {
  if (list?.kind === 'signals' && !state.process) return state;
  return { ...state, list: list && withCursorInside(state, list) };
}

function withAnswer(state: State, name: string, answer: HostAnswer): State {
  const answered = { ...state, lookups: withHosts(state.lookups, [[name, answer]]) };
  // The typed query may have waited for this answer.
  return state.prompt?.waiting ? preview(answered, state.prompt) : answered;
}

/** Switches the lookup of names of peers on or off; a message says what that means. */
function withNamesToggled(state: State): State {
  const asksNames = !state.lookups.asksNames;
  const isChosen = state.columns === null || state.columns.some(({ id }) => id === 'host');
  const text = asksNames
    ? `asking your name servers about each peer on the screen${isChosen ? '' : '; the column HOST is not among yours'}`
    : 'name servers are no longer asked; known names stay';
  return withMessage({ ...state, lookups: { ...state.lookups, asksNames } }, text);
}

const socketsOf = ({ table }: State): Iterable<Socket> => ({
  *[Symbol.iterator]() {
    for (const { socket } of table.rows.values()) yield socket;
  },
});

/**
 * Returns the requested interval and the one in use. If polls are too costly for the requested interval so far, the one
 * in use does not become shorter.
 */
const intervalsAfter = (
  before: Pick<State, 'intervalMs' | 'pacedIntervalMs'>,
  intervalMs: number,
): Pick<State, 'intervalMs' | 'pacedIntervalMs'> => ({
  intervalMs,
  pacedIntervalMs:
    before.pacedIntervalMs > before.intervalMs ? Math.max(intervalMs, before.pacedIntervalMs) : intervalMs,
});

const ALL_FOLDED: Folds = { all: true, except: new Set() };

function folded({ all, except }: Folds, id: string): Folds {
  const others = new Set(except);
  if (!others.delete(id)) others.add(id);
  return { all, except: others };
}

const startPause = (state: State): Pause => ({
  ...livePicture(state),
  rows: new Map(state.table.rows),
  spawned: 0,
  changed: 0,
  closed: 0,
});
