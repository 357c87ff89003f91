import { startOf } from '../model/process.ts';
import { firstOwner } from '../model/socket.ts';
import type { Action } from './actions.ts';
import type { Effect } from './effects.ts';
import { withHosts } from './lookups.ts';
import { pictureOf } from './picture.ts';
import { publicAddress } from './locations.ts';
import { wantedParts } from './wanted-locations.ts';
import { signalEffect } from './process-actions.ts';
import { PROMPTS } from './prompts.ts';
import { reduce } from './reduce.ts';
import type { State } from './state.ts';

/** The state after an action, and the effects to carry out. */
export interface Update {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** Number of intervals without a batch after which the sampler counts as silent. */
const SILENT_INTERVALS = 3;
/** Minimum time without a batch before the sampler counts as silent, milliseconds: one late batch is normal. */
const MIN_SILENT_MS = 1000;
/** Time between two reports of the same silence, milliseconds. */
const SILENCE_REPORT_MS = 1000;

/** Usage is read when the selection has not moved for this time, milliseconds. */
const SETTLED_MS = 150;

/** Host names of a typed query are looked up when it has not changed for this time, milliseconds: not for each letter. */
const TYPING_MS = 400;

/**
 * Returns the state after an action, and the effects. Total: it accepts any action in any state. Pure, except that
 * `state.table` and `state.log` change in place.
 *
 *     action ─▶ reduce ─▶ state ─▶ effects ─▶ cli/effects.ts ─▶ action …
 */
export function update(before: State, action: Action): Update {
  if (action.type === 'run-command') return update({ ...before, prompt: null }, action.action);
  const state = withoutPartOfEvidence(before, reduce(before, action));
  const released: readonly Effect[] =
    before.process && state.process?.facts !== before.process.facts
      ? [{ type: 'release-process', facts: before.process.facts }]
      : [];
  const stopped: readonly Effect[] =
    before.evidence && !before.evidence.isComplete && state.evidence === null
      ? [{ type: 'stop-evidence' }]
      : [];
  return withLocations(
    withNames(
      { state, effects: [...effectsOf(before, action, state), ...released, ...stopped] },
      action.type,
    ),
    action,
  );
}

/** Drops incomplete evidence when the details close: netpane stops reading it, and reads it again when they open. */
const withoutPartOfEvidence = (before: State, state: State): State =>
  before.panes.details && !state.panes.details && state.evidence?.isComplete === false
    ? { ...state, evidence: null }
    : state;

/** Looks up the host names that need it. */
function withNames({ state, effects }: Update, action: Action['type']): Update {
  const names = hostsToLookUp(state, action);
  if (names.length === 0) return { state, effects };
  const pending = names.map((name) => [name, { type: 'pending' }] as const);
  return {
    state: { ...state, lookups: withHosts(state.lookups, pending) },
    effects: [...effects, ...names.map((name) => ({ type: 'resolve', name }) as const)],
  };
}

/** Reads the files with locations once the table or the details need them: they may be large. */
function withLocations({ state, effects }: Update, action: Action): Update {
  const { lookups } = state;
  if (lookups.locations !== null || !needsLocations(state, action)) return { state, effects };
  return {
    state: { ...state, lookups: { ...lookups, locations: 'pending' } },
    effects: [...effects, { type: 'read-locations' }],
  };
}

function needsLocations(state: State, action: Action): boolean {
  if (wantedParts(state).length > 0) return true;
  if (!state.panes.details || action.type !== 'arranged' || action.rowId === null) return false;
  return publicAddress(pictureOf(state).rows.get(action.rowId)?.socket.remote ?? null) !== undefined;
}

function effectsOf(before: State, action: Action, state: State): readonly Effect[] {
  switch (action.type) {
    case 'quit':
    case 'suspend':
    case 'redraw':
    case 'copy':
      return [action];
    case 'open-process':
      return state.readOnly ? [] : [action];
    case 'process-opened':
      // A prompt, list or question that was opened meanwhile stays: the process is released.
      return state.process?.facts === action.facts ? [] : [{ type: 'release-process', facts: action.facts }];
    case 'signal':
      return state.prompt ? [] : signalEffect(state, action.signal);
    case 'close-sockets':
      return state.readOnly ? [] : [closeEffect(action)];
    case 'whois':
      return state.whois === before.whois ? [] : [{ type: 'ask-whois', address: action.address }];
    case 'on-rule':
      return action.bell ? [{ type: 'bell' }] : [];
    case 'start':
      return [wakeForSilence(state)];
    case 'batch':
      return action.batch.partial
        ? [wakeForSilence(state)]
        : [wakeForSilence(state), wakeForFade(state, action.atMs)];
    case 'time':
      return [wakeForFade(state, action.atMs)];
    case 'silence':
      return [{ type: 'wake', timer: 'silence', afterMs: SILENCE_REPORT_MS }];
    case 'interval':
      return [{ type: 'set-interval', intervalMs: action.intervalMs }, wakeForSilence(state)];
    case 'detached':
      return [
        { type: 'set-interval', intervalMs: Math.max(state.intervalMs, action.intervalMs ?? 0) },
        wakeForSilence(state),
      ];
    case 'select':
    case 'go-to-row':
      // Waits until the selection settles: pidusage keeps a file open for each process that it has read recently.
      return state.panes.details ? [{ type: 'wake', timer: 'usage', afterMs: SETTLED_MS }] : [];
    case 'arranged':
      return [
        ...(before.usageDue && state.panes.details
          ? [...askUsage(state, action.rowId), ...askEvidence(before, state), ...askFirewall(before, state)]
          : []),
        ...(action.unnamed.length > 0 ? [{ type: 'ask-names', addresses: action.unnamed } as const] : []),
      ];
    case 'toggle-names':
      // Drops the addresses that wait.
      return state.lookups.asksNames ? [] : [{ type: 'ask-names', addresses: [] }];
    case 'accept-prompt':
      return [...acceptEffects(before, action, state), ...saveState(before, state)];
    case 'edit':
    case 'complete':
    case 'recall':
    case 'paste':
      return wakeAfterTyping(state);
    case 'hide':
    case 'undo':
    case 'remove-line':
      return saveState(before, state);
    // Only the state changes.
    case 'input':
    case 'resize':
    case 'query':
    case 'toggle-term':
    case 'add-term':
    case 'baseline':
    case 'question':
    case 'next-scope':
    case 'signalled':
    case 'waited':
    case 'sockets-closed':
    case 'mark':
    case 'key-start':
    case 'apply-view':
    case 'host':
    case 'prompt':
    case 'cancel-prompt':
    case 'resolve-typed':
    case 'save-failed':
    case 'choose-command':
    case 'run-command':
    case 'sort':
    case 'reverse-sort':
    case 'group':
    case 'fold':
    case 'fold-all':
    case 'columns':
    case 'cell':
    case 'list':
    case 'message':
    case 'join-pairs':
    case 'freeze':
    case 'pause':
    case 'select-event':
    case 'scroll-log':
    case 'focus':
    case 'pane':
    case 'scroll':
    case 'find-in-help':
    case 'service-names':
    case 'names':
    case 'locations':
    case 'asked-names':
    case 'cost':
    case 'palette':
    case 'settled':
    case 'usage':
    case 'evidence':
    case 'firewall':
    case 'whois-answer':
      return [];
  }
}

/** Returns the effect with no more of each socket than is needed: a copy of it goes to another thread. */
const closeEffect = ({ sockets, what }: Action & { type: 'close-sockets' }): Effect => ({
  type: 'close-sockets',
  sockets: sockets.map(({ id, protocol, netns }) => ({
    id,
    protocol,
    ...(netns && { netns: { inode: netns.inode } }),
  })),
  what,
});

const wakeForSilence = ({ pacedIntervalMs }: State): Effect => ({
  type: 'wake',
  timer: 'silence',
  afterMs: Math.max(MIN_SILENT_MS, SILENT_INTERVALS * pacedIntervalMs),
});

function wakeForFade({ table: { nextFadeMs }, clock }: State, atMs: number): Effect {
  if (nextFadeMs === undefined) return { type: 'wake', timer: 'fade', afterMs: undefined };
  return { type: 'wake', timer: 'fade', afterMs: Math.max(1, Math.ceil(nextFadeMs - atMs - clock.offsetMs)) };
}

function askUsage(state: State, rowId: string | null): readonly Effect[] {
  const row = rowId === null ? undefined : pictureOf(state).rows.get(rowId);
  const pid = row && firstOwner(row.socket).pid;
  return pid === undefined || row?.mark === 'closed' ? [] : [{ type: 'ask-usage', pid }];
}

function askEvidence(before: State, { evidence }: State): readonly Effect[] {
  if (evidence === null || evidence === before.evidence) return [];
  return [{ type: 'ask-evidence', target: { pid: evidence.pid, ...startOf(evidence) } }];
}

const askFirewall = (before: State, { firewall }: State): readonly Effect[] =>
  firewall === null || firewall === before.firewall
    ? []
    : [{ type: 'ask-firewall', target: firewall.target }];

/** Returns the effects of the answer; none if it was rejected. */
const acceptEffects = (
  { prompt }: State,
  { sockets = [] }: Action & { type: 'accept-prompt' },
  after: State,
): readonly Effect[] =>
  (prompt && after.prompt === null && PROMPTS[prompt.kind].effects?.(prompt, sockets, after)) || [];

/** Views and hide rules are saved as soon as they change. */
const saveState = (before: State, state: State): readonly Effect[] =>
  before.views === state.views && before.hideRules === state.hideRules ? [] : [{ type: 'save-state', state }];

/**
 * Returns the host names to look up, each once: those of the query, or of a typed query once it has not changed for a
 * while. An accepted query, unlike a typed one, looks up again names that could not be resolved.
 */
function hostsToLookUp({ query, lookups, prompt }: State, action: Action['type']): readonly string[] {
  if (prompt && action !== 'resolve-typed') return [];
  const isAccepted = action === 'accept-prompt';
  return ((prompt ? prompt.waiting : query)?.hosts ?? []).filter((name) => {
    const answer = lookups.hosts.get(name);
    return answer === undefined || (isAccepted && answer.type === 'failed');
  });
}

/** Starts the timer after which the host names of the typed query are looked up. Each change of the query restarts it. */
const wakeAfterTyping = ({ prompt }: State): readonly Effect[] =>
  prompt?.waiting ? [{ type: 'wake', timer: 'typing', afterMs: TYPING_MS }] : [];
