import type { CloseResult } from '../model/close.ts';
import type { ActionEvent } from '../model/event.ts';
import { type ProcessFacts, type Scope, SCOPES, type SignalName, SIGNALS } from '../model/process.ts';
import { counted } from '../model/text.ts';
import type { Action } from './actions.ts';
import type { Effect } from './effects.ts';
import type { OpenProcess, State } from './state.ts';

/** Signals after which a process usually ends. */
const ENDING: readonly SignalName[] = ['TERM', 'KILL', 'INT', 'HUP', 'QUIT'];

/** Returns true if netpane waits for the end of a process after this signal. */
export const endsProcess = (signal: SignalName): boolean => ENDING.includes(signal);

/** Returns the scopes of a process, the smallest first. */
export const scopesOf = ({ group, unit }: ProcessFacts): readonly Scope[] =>
  SCOPES.filter((scope) => scope === 'process' || (scope === 'group' ? group : unit) !== undefined);

const processText = ({ name, pid }: ProcessFacts): string => `${name} (${pid})`;

/** Returns what a signal goes to: `node (4711)`, `nginx.service (4 processes)`. */
export function scopeText(facts: ProcessFacts, scope: Scope): string {
  const { group, unit } = facts;
  if (scope === 'group' && group)
    return `process group ${group.id} of ${facts.name} (${counted(group.members, 'process', 'processes')})`;
  if (scope === 'unit' && unit) return `${unit.name} (${counted(unit.members, 'process', 'processes')})`;
  return processText(facts);
}

/** Returns the signal under the cursor of the open list. */
export const signalAt = ({ list }: State): SignalName | undefined =>
  list?.kind === 'signals' ? SIGNALS[list.at] : undefined;

/** Adds an action to the event log, and shows it as a message. @param wallMs milliseconds since 1970 */
export function withActionLogged(state: State, text: string, isError: boolean, wallMs: number): State {
  const event: ActionEvent = { type: 'action', atMs: wallMs, user: state.user, text, isError };
  state.log.add([event], state.table.rows);
  return { ...state, message: { text, isError } };
}

/** Opens the list of signals for a process. If a prompt, list or question is open, that stays, and the process is released. */
export function withOpenProcess(state: State, facts: ProcessFacts): State {
  if (state.prompt || state.list || state.question) return state;
  const process: OpenProcess = {
    facts,
    sockets: state.table.processes.get(facts.pid)?.sockets ?? 0,
    scope: 'process',
    sent: null,
    asked: null,
  };
  return { ...state, process, list: { kind: 'signals', at: 0 }, message: null };
}

/** Chooses the next scope of the open process. */
export function withNextScope(state: State): State {
  const { process } = state;
  if (!process) return state;
  const scopes = scopesOf(process.facts);
  const scope = scopes[(scopes.indexOf(process.scope) + 1) % scopes.length] ?? 'process';
  return { ...state, process: { ...process, scope } };
}

/** Returns true if a signal needs a second confirmation: the name of the program, typed out. */
export const isGuarded = ({ facts: { guard }, scope }: OpenProcess): boolean =>
  guard !== undefined && scope === 'process';

/** Returns the effect that sends a signal to the open process; none without one, or if netpane is read-only. */
export function signalEffect(state: State, signal: SignalName): readonly Effect[] {
  const { process, readOnly } = state;
  if (!process || readOnly) return [];
  return [{ type: 'signal', facts: process.facts, signal, scope: process.scope }];
}

/** Logs and shows the result of a signal. */
export function withSignalled(state: State, action: Action & { readonly type: 'signalled' }): State {
  const { facts, scope, signal, result, wallMs } = action;
  const target = scopeText(facts, scope);
  const { reached, refused } = result;
  const text =
    refused === undefined
      ? reached === 0
        ? `${signal} not sent to ${target}: it has ended`
        : `${signal} sent to ${target}`
      : reached === 0
        ? `${signal} not sent to ${target}: ${refused}`
        : `${signal} sent to ${counted(reached, 'process', 'processes')} of ${target}; ${refused}`;
  const isError = refused !== undefined || reached === 0;
  return withNote(withActionLogged(state, text, isError, wallMs), facts, text, isError);
}

/** Logs and shows that a process ended after a signal, or that it still runs. Its end closes the list of signals. */
export function withWaited(state: State, action: Action & { readonly type: 'waited' }): State {
  const { facts, signal, afterMs, hasEnded, wallMs } = action;
  const seconds = `${(afterMs / 1000).toFixed(1)}s`;
  const text = hasEnded
    ? `${processText(facts)} ended ${seconds} after ${signal}`
    : `${processText(facts)} still runs ${seconds} after ${signal}${signal === 'KILL' ? ': the kernel cannot end it yet' : ': KILL ends it at once'}`;
  const logged = withActionLogged(state, text, !hasEnded, wallMs);
  if (hasEnded && isOpen(state, facts)) return { ...logged, list: null };
  return withNote(logged, facts, text, !hasEnded);
}

const isOpen = ({ process }: State, { pid }: ProcessFacts): boolean => process?.facts.pid === pid;

/** Shows a text in the list of signals, if that is about the process. */
const withNote = (state: State, facts: ProcessFacts, text: string, isError: boolean): State =>
  state.process && isOpen(state, facts)
    ? { ...state, process: { ...state.process, sent: { text, isError } } }
    : state;

/** Logs and shows the result of closing sockets, and removes all marks. @param what names them */
export function withClosed(state: State, what: string, result: CloseResult, wallMs: number): State {
  const { closed, refusals } = result;
  const why = refusals.map(({ why, count }) =>
    closed === 0 && refusals.length === 1 ? why : `${count} not: ${why}`,
  );
  const text = [closed === 0 ? `not closed: ${what}` : `closed ${what}`, ...why].join('; ');
  const logged = withActionLogged(state, text, refusals.length > 0, wallMs);
  return closed === 0 ? logged : { ...logged, marked: NO_MARKS };
}

const NO_MARKS: ReadonlySet<string> = new Set();

/** Marks a row, or removes its mark. */
export function withMarkToggled(state: State, id: string): State {
  const marked = new Set(state.marked);
  if (!marked.delete(id)) marked.add(id);
  return { ...state, marked };
}
