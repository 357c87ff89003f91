import { SETTINGS, type SettingName, type Settings } from './settings.ts';

/** The table has a row for every setting, so none is missing. */
const DEFAULTS = Object.fromEntries(
  Object.entries(SETTINGS).map(([name, { initial }]) => [name, initial]),
) as PartialSettings as Settings;

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
