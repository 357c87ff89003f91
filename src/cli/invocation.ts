import type { FormatName } from '../export/formats.ts';
import type { Query } from '../query/query.ts';
import type { CommandName } from './option.ts';
import type { Origins, PartialSettings } from './resolve.ts';
import type { Settings } from './settings.ts';

/** The parsed command line. */
export interface CommandLine {
  readonly command: CommandName | 'help' | 'version';
  /** Format of the output of `ls` and `watch`; undefined for text. */
  readonly format: FormatName | undefined;
  /** The configuration file; undefined for the default path. */
  readonly configFile: string | undefined;
  /** `config --path`: print only the paths of the files. */
  readonly path: boolean;
  readonly given: PartialSettings;
}

/** A command with all its settings. */
export interface Invocation extends Omit<CommandLine, 'given'>, Omit<Settings, 'query'> {
  readonly query: Query;
  readonly origins: Origins;
}
