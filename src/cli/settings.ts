import { DEFAULT_MAX_SHARE } from '../sampler/pacer.ts';
import { SOURCE_NAMES, type SourceName } from '../source/index.ts';
import { EXTRA_KINDS, type ExtraKind } from '../source/types.ts';
import { DEFAULT_EVENTS_KEPT } from '../store/log.ts';
import type { ColumnChoice, Sort } from '../store/columns.ts';
import { type GroupBy, type Palette, PALETTES, type View } from '../store/state.ts';
import { DEFAULT_SORT } from '../store/views.ts';
import type { KeyChanges } from '../tui/keymap.ts';
import { type OnRule, ruleTable } from './on/rule.ts';
import type { Setting } from './setting.ts';
import {
  countValue,
  durationText,
  durationValue,
  filesValue,
  nameValue,
  percentValue,
  nameListValue,
} from './values.ts';
import { DEFAULT_SERVER, whoisServerValue } from './whois-server.ts';
import { columnsValue, columnTexts, sortText, sortValue, viewTable } from './view-values.ts';

/**
 * Parts of the state that the screen restores from the last run. `layout` is sort order, grouping, columns, colours and
 * service names; `all` is also the query and the open panes. Views, hide rules and history are always restored.
 */
const RESTORES = ['layout', 'all', 'none'] as const;
export type Restore = (typeof RESTORES)[number];

/** Settings of the configuration file; some of them can be given on the command line too. */
export interface Settings {
  readonly intervalMs: number;
  /** The interval while no terminal is attached to tmux, if it is longer; undefined for the same. */
  readonly detachedIntervalMs: number | undefined;
  /** Time for which marks and closed rows stay visible. */
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
  /** True if the name servers are asked for the names of the peers on the screen. */
  readonly resolveNames: boolean;
  /** True if the names of peers are captured as programs ask for them. */
  readonly names: boolean;
  readonly mouse: boolean;
  readonly restore: Restore;
  /** True if netpane must not act on processes and sockets. */
  readonly readOnly: boolean;
  /** HOST or HOST:PORT of the first whois server. */
  readonly whoisServer: string;
  /** Files that know where addresses are, in the order of their use; empty for those in the usual directories. */
  readonly geoFiles: readonly string[];
  readonly views: readonly View[];
  /** Actions for each socket that comes to match a query. */
  readonly on: readonly OnRule[];
  /** Keys that replace the default ones of an action, by its id. */
  readonly keys: KeyChanges;
}

export type SettingName = keyof Settings;

const INTERVAL = durationValue(100);
const LINGER = durationValue(0);
const BUFFER = countValue(1, 1_048_576);
const EVENTS = countValue(100, 1_000_000);
const SOURCE = nameValue(SOURCE_NAMES);
const PALETTE = nameValue(PALETTES);
const RESTORE = nameValue(RESTORES);

/** Every setting, in the order of `netpane config` and of the help. */
export const SETTINGS: { readonly [Name in SettingName]: Setting<Settings[Name]> } = {
  intervalMs: {
    key: 'interval',
    initial: 1000,
    option: {
      name: 'interval',
      value: 'TIME',
      about: 'refresh interval: 500ms, 2s, 1m (default 1s)',
      commands: ['screen', 'watch'],
      parse: INTERVAL,
    },
    schema: ({ text }) => text(INTERVAL),
    print: durationText,
  },
  detachedIntervalMs: {
    key: 'detached-interval',
    initial: undefined,
    option: {
      name: 'detached-interval',
      value: 'TIME',
      about: 'refresh interval while tmux is detached (default: the same)',
      commands: ['screen'],
      parse: INTERVAL,
    },
    schema: ({ text }) => text(INTERVAL),
    print: (ms) => (ms === undefined ? { absent: 'the same' } : durationText(ms)),
  },
  lingerMs: {
    key: 'linger',
    initial: 3000,
    option: {
      name: 'linger',
      value: 'TIME',
      about: 'how long marks and closed sockets stay visible (default 3s)',
      commands: ['screen'],
      parse: LINGER,
    },
    schema: ({ text }) => text(LINGER),
    print: durationText,
  },
  maxShare: {
    key: 'max-load',
    initial: DEFAULT_MAX_SHARE,
    option: {
      name: 'max-load',
      value: 'PERCENT',
      about: `CPU limit for polling, percent of one core (default ${DEFAULT_MAX_SHARE * 100})`,
      commands: ['screen', 'watch'],
      parse: percentValue,
    },
    schema: ({ numberOrText }) => numberOrText(percentValue),
    print: (share) => Math.round(share * 10_000) / 100,
  },
  eventBufferKiB: {
    key: 'event-buffer',
    initial: undefined,
    option: {
      name: 'event-buffer',
      value: 'KIB',
      about: 'event buffer size, KiB per CPU and namespace (default: auto)',
      commands: ['screen', 'watch'],
      parse: BUFFER,
    },
    schema: ({ number }) => number(BUFFER),
    print: (kib) => kib ?? { absent: 'automatic' },
  },
  eventsKept: {
    key: 'events',
    initial: DEFAULT_EVENTS_KEPT,
    option: {
      name: 'events',
      value: 'N',
      about: `number of events that the log keeps (default ${DEFAULT_EVENTS_KEPT})`,
      commands: ['screen'],
      parse: EVENTS,
    },
    schema: ({ number }) => number(EVENTS),
    print: (count) => count,
  },
  source: {
    key: 'source',
    initial: undefined,
    option: {
      name: 'source',
      value: 'NAME',
      about: `${SOURCE_NAMES.join(', ')} (default: the best)`,
      parse: SOURCE,
    },
    schema: ({ text }) => text(SOURCE),
    print: (name) => name ?? { absent: 'first that works' },
  },
  also: {
    key: 'also',
    initial: [],
    option: {
      name: 'also',
      value: 'KINDS',
      about: `also show sockets of these kinds: ${EXTRA_KINDS.join(',')}`,
      parse: nameListValue(EXTRA_KINDS),
    },
    schema: ({ list }) => list(EXTRA_KINDS, 'a list of socket kinds'),
    print: (kinds) => kinds,
  },
  palette: {
    key: 'theme',
    initial: 'standard',
    option: {
      name: 'palette',
      value: 'NAME',
      about: `${PALETTES.join(', ')} (default standard)`,
      commands: ['screen'],
      parse: PALETTE,
    },
    schema: ({ text }) => text(PALETTE),
    print: (name) => name,
  },
  query: {
    key: 'query',
    initial: '',
    schema: ({ query }) => query,
    print: (text) => text,
  },
  sort: {
    key: 'sort',
    initial: DEFAULT_SORT,
    option: {
      name: 'sort',
      value: 'COLUMN',
      about: 'sort by this column; with - descending: -rxBytes',
      commands: ['screen', 'ls'],
      parse: sortValue,
    },
    schema: ({ sort }) => sort,
    print: sortText,
  },
  group: {
    key: 'group',
    initial: null,
    schema: ({ group }) => group,
    print: (name) => name ?? 'none',
  },
  columns: {
    key: 'columns',
    initial: null,
    option: {
      name: 'columns',
      value: 'COLUMNS',
      about: 'show these columns, in this order: process,pid,localPort',
      commands: ['screen', 'ls'],
      parse: columnsValue,
    },
    schema: ({ columns }) => columns,
    print: (choices) => (choices ? columnTexts(choices) : { absent: 'automatic, by pane width' }),
  },
  serviceNames: {
    key: 'service-names',
    initial: false,
    schema: ({ yesOrNo }) => yesOrNo,
    print: (on) => on,
  },
  resolveNames: {
    key: 'resolve-names',
    initial: false,
    schema: ({ yesOrNo }) => yesOrNo,
    print: (on) => on,
  },
  names: {
    key: 'names',
    initial: false,
    schema: ({ yesOrNo }) => yesOrNo,
    print: (on) => on,
  },
  mouse: {
    key: 'mouse',
    initial: true,
    schema: ({ yesOrNo }) => yesOrNo,
    print: (on) => on,
  },
  restore: {
    key: 'restore',
    initial: 'layout',
    option: {
      name: 'restore',
      value: 'WHAT',
      about: `what returns from the last run: ${RESTORES.join(', ')} (default layout)`,
      commands: ['screen'],
      parse: RESTORE,
    },
    schema: ({ text }) => text(RESTORE),
    print: (what) => what,
  },
  readOnly: {
    key: 'read-only',
    initial: false,
    schema: ({ yesOrNo }) => yesOrNo,
    print: (on) => on,
  },
  whoisServer: {
    key: 'whois-server',
    initial: DEFAULT_SERVER,
    schema: ({ text }) => text(whoisServerValue),
    print: (server) => server,
  },
  geoFiles: {
    key: 'geo-files',
    initial: [],
    option: {
      name: 'geo',
      value: 'FILE',
      about: 'a .mmdb file with countries or organisations (default: usual directories)',
      isList: true,
      parse: filesValue,
    },
    schema: ({ files }) => files,
    print: (paths) => (paths.length > 0 ? paths : { absent: 'usual directories' }),
  },
  views: {
    key: 'view',
    initial: [],
    schema: ({ views }) => views,
    print: (views) => ({ tables: views.map(viewTable) }),
  },
  on: {
    key: 'on',
    initial: [],
    schema: ({ onRules }) => onRules,
    print: (rules) => ({ tables: rules.map(ruleTable) }),
  },
  keys: {
    key: 'keys',
    initial: {},
    schema: ({ keys }) => keys,
    print: (changes) => ({
      table: Object.fromEntries(Object.entries(changes).map(([id, keys]) => [id, keys.join(' ')])),
    }),
  },
};

/** Names of all settings, in the order of the table. */
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];
