import { hostname, release, type as systemType } from 'node:os';
import type { Bounds } from '../model/bounds.ts';
import { EVERYTHING, parseQuery } from '../query/query.ts';
import { initialState } from '../store/reduce.ts';
import type { PaneName, State } from '../store/state.ts';
import { countText } from '../view/format.ts';
import type { SavedState } from './config/saved.ts';
import type { Invocation } from './options.ts';
import type { SettingName } from './settings.ts';

/** `Linux 6.18`: the first two numbers of a release say enough. */
const systemName = (): string => `${systemType()} ${release().split('.').slice(0, 2).join('.')}`;

const fewerEventsText = (kept: number): string =>
  `only ${countText(kept)} events are kept: not enough memory for more`;

/**
 * The screen as it begins: as it was left the last time, but for what the command line says.
 * @param complaints what was wrong with the saved state
 */
export function restoredState(
  invocation: Invocation,
  bounds: Bounds,
  saved: SavedState | undefined,
  complaints: readonly string[],
): State {
  const isGiven = (name: SettingName): boolean => invocation.origins[name].from === 'command line';
  /** What was saved, unless the command line, or where nothing was saved the configuration file, says otherwise. */
  const restored = <T>(name: SettingName, was: T | undefined, otherwise: T): T =>
    was === undefined || isGiven(name) ? otherwise : was;
  /** How it looked; what is for good is there in any case. */
  const look = invocation.restore ? saved : undefined;
  const parsed = look && parseQuery(look.query);
  const query = parsed && 'query' in parsed ? parsed.query : EVERYTHING;
  const state = initialState({
    host: hostname(),
    system: systemName(),
    intervalMs: invocation.intervalMs,
    lingerMs: invocation.lingerMs,
    eventsKept: Math.min(invocation.eventsKept, bounds.events),
    closedRows: bounds.closedRows,
    query: restored('query', look && query, invocation.query),
    palette: restored('palette', look?.theme ?? undefined, invocation.palette),
    sort: restored('sort', look?.sort, invocation.sort),
    group: restored('group', look?.group, invocation.group),
    columns: restored('columns', look?.columns, invocation.columns),
    serviceNames: restored('serviceNames', look?.serviceNames, invocation.serviceNames),
    // Those of the configuration file are there whatever was saved.
    views: [
      ...invocation.views,
      ...(saved?.views.filter(({ name }) => !invocation.views.some((it) => it.name === name)) ?? []),
    ],
    hideRules: saved?.known ?? [],
    history: saved?.history ?? [],
  });
  const [complaint = bounds.events < invocation.eventsKept ? fewerEventsText(bounds.events) : undefined] =
    complaints;
  const panes = Object.fromEntries(look?.panes.map((name) => [name, true]) ?? []);
  return {
    ...state,
    panes: { ...state.panes, ...panes },
    message: complaint === undefined ? null : { text: complaint, isError: true },
  };
}

/**
 * What of the screen is kept: of colours those that the user has chosen on it, of views those that are not in the
 * configuration file. How it looks is kept as it was, where it did not begin by that.
 */
export function savedStateOf(
  state: State,
  saved: SavedState | undefined,
  { palette: began, views: configured, restore }: Pick<Invocation, 'palette' | 'views' | 'restore'>,
): SavedState {
  const { query, sort, group, columns, palette, serviceNames, views, hideRules, history, panes } = state;
  const look = {
    query: query.text,
    sort,
    group,
    columns,
    theme: palette === began ? (saved?.theme ?? null) : palette,
    serviceNames,
    panes: (Object.keys(panes) as PaneName[]).filter((name) => panes[name] && name !== 'help'),
  };
  return {
    version: 1,
    ...look,
    ...(!restore && saved),
    views: views.filter(({ name }) => !configured.some((it) => it.name === name)),
    known: hideRules,
    history,
  };
}
