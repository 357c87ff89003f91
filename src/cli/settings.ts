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

/** What can be set for good in the configuration file, and some of it on the command line. */
export interface Settings {
  readonly intervalMs: number;
  readonly lingerMs: number;
  /** The most of a core that looking may take: 0.01 to 1. */
  readonly maxShare: number;
  /** Room for what happens and has not been taken yet, KiB: 1 to 1,048,576; undefined for the usual. */
  readonly eventBufferKiB: number | undefined;
  /** How many events the log keeps. */
  readonly eventsKept: number;
  /** Undefined for the first that works. */
  readonly source: SourceName | undefined;
  /** Kinds of sockets to show beside the usual ones, in the order of EXTRA_KINDS. */
  readonly also: readonly ExtraKind[];
  readonly palette: Palette;
  readonly query: string;
  readonly sort: Sort;
  /** Null for none. */
  readonly group: GroupBy | null;
  /** Null where the columns go by the width of the pane. */
  readonly columns: readonly ColumnChoice[] | null;
  readonly serviceNames: boolean;
  readonly mouse: boolean;
  /** The screen begins as it was left the last time. */
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

/** Every setting by its key in the configuration file, in the order in which they are printed. */
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

/** Where the value of a setting comes from. Lines count from 1; views have one each, all else has one. */
export type Origin =
  | { readonly from: 'default' }
  | { readonly from: 'environment'; readonly variable: string }
  | { readonly from: 'file'; readonly file: string; readonly lines: readonly number[] }
  | { readonly from: 'command line' };

export type Origins = Readonly<Record<SettingName, Origin>>;

/** Settings that were made in one place. */
export type PartialSettings = Partial<Settings>;

/** What the configuration file says. */
export interface FileSettings {
  readonly file: string;
  readonly settings: PartialSettings;
  /** Where in it they are: see `Origin`. */
  readonly lines: Partial<Readonly<Record<SettingName, readonly number[]>>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The settings in effect: the command line wins over the file, which wins over the defaults. Colours go by the
 * terminal too: one that has none wins over the file, which may be for several terminals, and the file over NO_COLOR
 * (no-color.org: when set and not empty), which is for several programs.
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
  // A VT has no colours, and blessed would make black and white of them: black on black.
  if (/^vt\d/.test(environment['TERM'] ?? '')) noColour('TERM');
  take(given, () => ({ from: 'command line' }));
  return { settings, origins };
}
