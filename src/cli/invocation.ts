import type { FormatName } from '../export/formats.ts';
import type { SignalName } from '../model/process.ts';
import type { Query } from '../query/query.ts';
import type { CommandName, HelpTopic } from './option.ts';
import type { ColumnId } from '../store/columns.ts';
import type { Origins, PartialSettings } from './resolve.ts';
import type { Settings } from './settings.ts';

/** How `ls` prints the sockets. */
export interface Listing {
  /** Output instead of the sockets: their process ids, or nothing. */
  readonly only: 'pids' | 'nothing' | undefined;
  readonly hasHeader: boolean;
  /** Maximum number of sockets; undefined for all. */
  readonly limit: number | undefined;
  /** Columns of the table in addition to the usual ones. */
  readonly extra: readonly ColumnId[];
}

/** How `kill` sends the signal. */
export interface Killing {
  readonly signal: SignalName;
  /** True if it does not ask first. */
  readonly isSure: boolean;
  /** Maximum time to wait for the end of the processes, milliseconds; undefined to not wait. */
  readonly waitMs: number | undefined;
}

/** The parsed command line. */
export interface CommandLine {
  readonly command: CommandName | 'help' | 'version';
  /** Topic of the command `help`; undefined for the general help, and for other commands. */
  readonly topic: HelpTopic | undefined;
  /** Format of the output of `ls` and `watch`; undefined for text. */
  readonly format: FormatName | undefined;
  /** The configuration file; undefined for the default path. */
  readonly configFile: string | undefined;
  /** `config --path`: print only the paths of the files. */
  readonly path: boolean;
  /** `doctor --redact`: private names are replaced. */
  readonly isRedacted: boolean;
  readonly listing: Listing;
  readonly killing: Killing;
  readonly given: PartialSettings;
}

/** A command with all its settings. */
export interface Invocation extends Omit<CommandLine, 'given'>, Omit<Settings, 'query'> {
  readonly query: Query;
  readonly origins: Origins;
}
