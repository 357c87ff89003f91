import { DEFAULT_MAX_SHARE } from '../sampler/pacer.ts';
import { SOURCE_NAMES, type SourceName } from '../source/index.ts';
import { EXTRA_KINDS, type ExtraKind } from '../source/types.ts';
import { DEFAULT_EVENTS_KEPT } from '../store/log.ts';
import {
  type ColumnChoice,
  type GroupBy,
  type Palette,
  PALETTES,
  type Sort,
  type View,
} from '../store/state.ts';
import { DEFAULT_SORT } from '../store/views.ts';
import { countValue, durationValue, nameValue, percentValue, severalValue } from './values.ts';

/** Settings of the configuration file; some of them can be given on the command line too. */
export interface Settings {
  readonly intervalMs: number;
  readonly lingerMs: number;
  /** Maximum share of one core for polling: 0.01 to 1. */
  readonly maxShare: number;
  /** Size of the event buffers, KiB: 1 to 1,048,576; undefined for the default. */
  readonly eventBufferKiB: number | undefined;
  /** Maximum number of events in the log. */
  readonly eventsKept: number;
  /** Undefined for the first source that works. */
  readonly source: SourceName | undefined;
  /** Kinds of sockets to show in addition to the usual ones, in the order of EXTRA_KINDS. */
  readonly also: readonly ExtraKind[];
  readonly palette: Palette;
  readonly query: string;
  readonly sort: Sort;
  /** Null for none. */
  readonly group: GroupBy | null;
  /** Null if the columns depend on the width of the pane. */
  readonly columns: readonly ColumnChoice[] | null;
  readonly serviceNames: boolean;
  readonly mouse: boolean;
  /** The screen starts as the last one ended. */
  readonly restore: boolean;
  readonly views: readonly View[];
}

export type SettingName = keyof Settings;

/** Values that are the same on the command line and in the configuration file. */
export const VALUES = {
  interval: durationValue(100),
  linger: durationValue(0),
  maxLoad: percentValue,
  eventBuffer: countValue(1, 1_048_576),
  events: countValue(100, 1_000_000),
  source: nameValue(SOURCE_NAMES),
  also: severalValue(EXTRA_KINDS),
  palette: nameValue(PALETTES),
} as const;

/** Key of every setting in the configuration file, in the order of `netpane config`. */
export const KEYS = {
  intervalMs: 'interval',
  lingerMs: 'linger',
  maxShare: 'max-load',
  eventBufferKiB: 'event-buffer',
  eventsKept: 'events',
  source: 'source',
  also: 'also',
  palette: 'theme',
  query: 'query',
  sort: 'sort',
  group: 'group',
  columns: 'columns',
  serviceNames: 'service-names',
  mouse: 'mouse',
  restore: 'restore',
  views: 'view',
} as const satisfies Record<SettingName, string>;

const DEFAULTS: Settings = {
  intervalMs: 1000,
  lingerMs: 3000,
  maxShare: DEFAULT_MAX_SHARE,
  eventBufferKiB: undefined,
  eventsKept: DEFAULT_EVENTS_KEPT,
  source: undefined,
  also: [],
  palette: 'standard',
  query: '',
  sort: DEFAULT_SORT,
  group: null,
  columns: null,
  serviceNames: false,
  mouse: true,
  restore: true,
  views: [],
};

/** Origin of the value of a setting. Lines count from 1; `views` has one line per view, any other setting one line. */
export type Origin =
  | { readonly from: 'default' }
  | { readonly from: 'environment'; readonly variable: string }
  | { readonly from: 'file'; readonly file: string; readonly lines: readonly number[] }
  | { readonly from: 'command line' };

export type Origins = Readonly<Record<SettingName, Origin>>;

/** Settings given in one place. */
export type PartialSettings = Partial<Settings>;

/** Settings of the configuration file. */
export interface FileSettings {
  readonly file: string;
  readonly settings: PartialSettings;
  /** Lines of the settings: see `Origin`. */
  readonly lines: Partial<Readonly<Record<SettingName, readonly number[]>>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns the settings in effect: the command line overrides the file, and the file the defaults. For colours, a
 * terminal without colours overrides the file, which may serve several terminals; the file overrides NO_COLOR
 * (no-color.org: set and not empty), which serves several programs.
 */
export function resolveSettings(
  given: PartialSettings,
  environment: Environment,
  file?: FileSettings,
): { readonly settings: Settings; readonly origins: Origins } {
  let settings = DEFAULTS;
  let origins = Object.fromEntries(
    Object.keys(DEFAULTS).map((name) => [name, { from: 'default' }]),
  ) as Origins;
  const take = (from: PartialSettings, originOf: (name: SettingName) => Origin): void => {
    settings = { ...settings, ...from };
    const names = Object.keys(from) as SettingName[];
    origins = { ...origins, ...Object.fromEntries(names.map((name) => [name, originOf(name)])) };
  };
  const noColour = (variable: string): void =>
    take({ palette: 'mono' }, () => ({ from: 'environment', variable }));

  if (environment['NO_COLOR']) noColour('NO_COLOR');
  if (file) take(file.settings, (name) => ({ from: 'file', file: file.file, lines: file.lines[name] ?? [] }));
  // A VT has no colours: blessed would draw black on black.
  if (/^vt\d/.test(environment['TERM'] ?? '')) noColour('TERM');
  take(given, () => ({ from: 'command line' }));
  return { settings, origins };
}
