import { hostname, release, type as systemType } from 'node:os';
import type { Bounds } from '../model/bounds.ts';
import { shortened } from '../model/text.ts';
import { EVERYTHING, parseQuery, type Query } from '../query/query.ts';
import { addToHistory } from '../store/history.ts';
import { initialState } from '../store/initial.ts';
import type { State } from '../store/state.ts';
import { Keymap } from '../tui/keymap.ts';
import { firstKey } from '../view/header/key-help.ts';
import { countText } from '../view/text/format.ts';
import { RESTORED_PANES, type SavedState } from './config/saved.ts';
import type { Invocation } from './invocation.ts';
import type { SettingName } from './settings.ts';

/** Returns the name of the system with the first two numbers of its release: `Linux 6.18`. */
const systemName = (): string => `${systemType()} ${release().split('.').slice(0, 2).join('.')}`;

/** Maximum length of the last query in the message about it, UTF-16 units; the message must fit into 80 cells. */
const MAX_LAST = 45;

const fewerEventsText = (kept: number): string =>
  `only ${countText(kept)} events are kept: not enough memory for more`;

/**
 * Returns the state of the screen at its start: the saved state, overridden by the command line.
 * @param complaints messages about the saved state and the configuration file
 * @param user the user that netpane acts for
 */
export function restoredState(
  invocation: Invocation,
  bounds: Bounds,
  saved: SavedState | undefined,
  complaints: readonly string[],
  user = '',
): State {
  const isGiven = (name: SettingName): boolean => invocation.origins[name].from === 'command line';
  /** Returns the saved value; the value of the setting if nothing is saved or the command line has the setting. */
  const restored = <T>(name: SettingName, savedValue: T | undefined, settingValue: T): T =>
    savedValue === undefined || isGiven(name) ? settingValue : savedValue;
  // Views, hide rules and history are always restored.
  const layout = invocation.restore === 'none' ? undefined : saved;
  const whole = invocation.restore === 'all' ? saved : undefined;
  const savedQuery = saved && queryFrom(saved.query);
  const state = initialState({
    host: hostname(),
    system: systemName(),
    user,
    readOnly: invocation.readOnly,
    intervalMs: invocation.intervalMs,
    lingerMs: invocation.lingerMs,
    eventsKept: Math.min(invocation.eventsKept, bounds.events),
    closedRows: bounds.closedRows,
    query: restored('query', whole && (savedQuery ?? EVERYTHING), invocation.query),
    palette: restored('palette', layout?.theme ?? undefined, invocation.palette),
    sort: restored('sort', layout?.sort, invocation.sort),
    group: restored('group', layout?.group, invocation.group),
    columns: restored('columns', layout?.columns, invocation.columns),
    serviceNames: restored('serviceNames', layout?.serviceNames, invocation.serviceNames),
    resolveNames: invocation.resolveNames,
    // A view of the configuration file replaces a saved view of the same name.
    views: [
      ...invocation.views,
      ...(saved?.views.filter(({ name }) => !invocation.views.some((it) => it.name === name)) ?? []),
    ],
    hideRules: saved?.known ?? [],
    // `/ ↑` recalls the last query, whether it was typed or came from keys.
    history: addToHistory(saved?.history ?? [], layout && savedQuery ? savedQuery.text : ''),
  });
  // The screen shows one message: the first complaint, else the one about memory.
  const [complaint = bounds.events < invocation.eventsKept ? fewerEventsText(bounds.events) : undefined] =
    complaints;
  const openPanes = Object.fromEntries(whole?.panes.map((name) => [name, true]) ?? []);
  // There is no message about the last query if the command line has one: the screen shows that one in its place.
  const isOther = !isGiven('query') && savedQuery?.text !== state.query.text;
  const last = layout && savedQuery && isOther ? savedQuery.text.trim() : '';
  return {
    ...state,
    panes: { ...state.panes, ...openPanes },
    message:
      complaint !== undefined
        ? { text: complaint, isError: true }
        : last === ''
          ? null
          : { text: `last filter: ${shortened(last, MAX_LAST)}${recallText(invocation)}`, isError: false },
  };
}

/** Returns the keys that recall the last query, ` (/ ↑)`; nothing if one of both actions has none. */
function recallText({ keys }: Invocation): string {
  const { bindings } = new Keymap(keys);
  const [open, earlier] = [firstKey(bindings, 'filter'), firstKey(bindings, 'prompt-earlier')];
  if (open === undefined || earlier === undefined) return '';
  return ` (${open} ${earlier === 'up' ? '↑' : earlier})`;
}

/** Returns the query of a text; undefined if it is invalid. */
function queryFrom(text: string): Query | undefined {
  const parsed = parseQuery(text);
  return 'query' in parsed ? parsed.query : undefined;
}

/**
 * Returns the state to save. Leaves out the views of the configuration file. Replaces the saved colours only if the
 * user changed them on the screen. If nothing is restored, keeps the saved layout: everything but views, hide rules
 * and history.
 * @param saved the state as it was saved before, if any
 */
export function savedStateOf(
  state: State,
  saved: SavedState | undefined,
  {
    palette: startPalette,
    views: configuredViews,
    restore,
  }: Pick<Invocation, 'palette' | 'views' | 'restore'>,
): SavedState {
  const { query, sort, group, columns, palette, serviceNames, views, hideRules, history, panes } = state;
  const layout = {
    query: query.text,
    sort,
    group,
    columns,
    theme: palette === startPalette ? (saved?.theme ?? null) : palette,
    serviceNames,
    panes: RESTORED_PANES.filter((name) => panes[name]),
  };
  return {
    version: 1,
    ...layout,
    ...(restore === 'none' && saved),
    views: views.filter(({ name }) => !configuredViews.some((it) => it.name === name)),
    known: hideRules,
    history,
  };
}
