import { hostname, release, type as systemType } from 'node:os';
import type { Bounds } from '../model/bounds.ts';
import { EVERYTHING, parseQuery } from '../query/query.ts';
import { initialState } from '../store/initial.ts';
import type { State } from '../store/state.ts';
import { countText } from '../view/text/format.ts';
import { RESTORED_PANES, type SavedState } from './config/saved.ts';
import type { Invocation } from './invocation.ts';
import type { SettingName } from './settings.ts';

/** Returns the name of the system with the first two numbers of its release: `Linux 6.18`. */
const systemName = (): string => `${systemType()} ${release().split('.').slice(0, 2).join('.')}`;

const fewerEventsText = (kept: number): string =>
  `only ${countText(kept)} events are kept: not enough memory for more`;

/**
 * Returns the state of the screen at its start: the saved state, overridden by the command line.
 * @param complaints messages about the saved state and the configuration file
 */
export function restoredState(
  invocation: Invocation,
  bounds: Bounds,
  saved: SavedState | undefined,
  complaints: readonly string[],
): State {
  const isGiven = (name: SettingName): boolean => invocation.origins[name].from === 'command line';
  /** Returns the saved value; the value of the setting if nothing is saved or the command line has the setting. */
  const restored = <T>(name: SettingName, savedValue: T | undefined, settingValue: T): T =>
    savedValue === undefined || isGiven(name) ? settingValue : savedValue;
  /**
   * The saved state, as far as `restore` switches it: query, sort, grouping, columns, colours, service names and panes.
   * Views, hide rules and history are always restored.
   */
  const layout = invocation.restore ? saved : undefined;
  const savedQuery = layout && parseQuery(layout.query);
  const query = savedQuery && 'query' in savedQuery ? savedQuery.query : EVERYTHING;
  const state = initialState({
    host: hostname(),
    system: systemName(),
    intervalMs: invocation.intervalMs,
    lingerMs: invocation.lingerMs,
    eventsKept: Math.min(invocation.eventsKept, bounds.events),
    closedRows: bounds.closedRows,
    query: restored('query', layout && query, invocation.query),
    palette: restored('palette', layout?.theme ?? undefined, invocation.palette),
    sort: restored('sort', layout?.sort, invocation.sort),
    group: restored('group', layout?.group, invocation.group),
    columns: restored('columns', layout?.columns, invocation.columns),
    serviceNames: restored('serviceNames', layout?.serviceNames, invocation.serviceNames),
    // A view of the configuration file replaces a saved view of the same name.
    views: [
      ...invocation.views,
      ...(saved?.views.filter(({ name }) => !invocation.views.some((it) => it.name === name)) ?? []),
    ],
    hideRules: saved?.known ?? [],
    history: saved?.history ?? [],
  });
  // The screen shows one message: the first complaint, else the one about memory.
  const [complaint = bounds.events < invocation.eventsKept ? fewerEventsText(bounds.events) : undefined] =
    complaints;
  const openPanes = Object.fromEntries(layout?.panes.map((name) => [name, true]) ?? []);
  return {
    ...state,
    panes: { ...state.panes, ...openPanes },
    message: complaint === undefined ? null : { text: complaint, isError: true },
  };
}

/**
 * Returns the state to save. Leaves out the views of the configuration file. Replaces the saved colours only if the
 * user changed them on the screen. If `restore` is off, keeps the saved layout: everything but views, hide rules and
 * history.
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
    ...(!restore && saved),
    views: views.filter(({ name }) => !configuredViews.some((it) => it.name === name)),
    known: hideRules,
    history,
  };
}
