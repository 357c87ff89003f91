import { SETTING_NAMES, SETTINGS, type SettingName, type Settings } from './settings.ts';

const DEFAULTS = initialSettings();

/** Returns the initial value of every setting. */
function initialSettings(): Settings {
  const settings: Mutable<SettingName> = {};
  for (const name of SETTING_NAMES) setInitial(settings, name);
  if (!isComplete(settings)) throw new Error('a setting has no initial value');
  return settings;
}

type Mutable<Names extends SettingName> = { -readonly [Name in Names]?: Settings[Name] };

function setInitial<Name extends SettingName>(settings: Mutable<Name>, name: Name): void {
  settings[name] = SETTINGS[name].initial;
}

function isComplete(settings: PartialSettings): settings is Settings {
  return SETTING_NAMES.every((name) => name in settings);
}

/** Origin of the value of a setting. Lines count from 1; `views` and `on` have one line per table, any other setting one line. */
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
  let origins = Object.fromEntries(SETTING_NAMES.map((name) => [name, { from: 'default' }])) as Origins;
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
