import { hostname, release, type as systemType } from 'node:os';
import type { Bounds } from '../model/bounds.ts';
import { EVERYTHING, parseQuery } from '../query/query.ts';
import { initialState } from '../store/reduce.ts';
import type { PaneName, State } from '../store/state.ts';
import { countText } from '../view/format.ts';
import type { SavedState } from './config/saved.ts';
import type { Invocation } from './options.ts';
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
  /** Returns the saved value, unless there is none or the command line has the setting. */
  const restored = <T>(name: SettingName, savedValue: T | undefined, setting: T): T =>
    savedValue === undefined || isGiven(name) ? setting : savedValue;
  /** The saved state for query, columns, colours and panes. Views, hide rules and history are restored in any case. */
  const layout = invocation.restore ? saved : undefined;
  const parsed = layout && parseQuery(layout.query);
  const query = parsed && 'query' in parsed ? parsed.query : EVERYTHING;
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
  const [complaint = bounds.events < invocation.eventsKept ? fewerEventsText(bounds.events) : undefined] =
    complaints;
  const panes = Object.fromEntries(layout?.panes.map((name) => [name, true]) ?? []);
  return {
    ...state,
    panes: { ...state.panes, ...panes },
    message: complaint === undefined ? null : { text: complaint, isError: true },
  };
}

/**
 * Returns the state to save. It holds the colours only if the user chose them on the screen, and no views of the
 * configuration file. Without `restore` the layout stays as it was saved before.
 */
export function savedStateOf(
  state: State,
  saved: SavedState | undefined,
  { palette: startPalette, views: configured, restore }: Pick<Invocation, 'palette' | 'views' | 'restore'>,
): SavedState {
  const { query, sort, group, columns, palette, serviceNames, views, hideRules, history, panes } = state;
  const layout = {
    query: query.text,
    sort,
    group,
    columns,
    theme: palette === startPalette ? (saved?.theme ?? null) : palette,
    serviceNames,
    panes: (Object.keys(panes) as PaneName[]).filter((name) => panes[name] && name !== 'help'),
  };
  return {
    version: 1,
    ...layout,
    ...(!restore && saved),
    views: views.filter(({ name }) => !configured.some((it) => it.name === name)),
    known: hideRules,
    history,
  };
}
