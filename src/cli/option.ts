/** Every command; `screen` is the command without a name. */
export type CommandName = 'screen' | 'ls' | 'watch' | 'kill' | 'config' | 'doctor';

/** Topics of `netpane help`: a command with a name, the query language, the columns, or the keys of the screen. */
export type HelpTopic = Exclude<CommandName, 'screen'> | 'query' | 'columns' | 'keys';

/** An option of the command line, as the help describes it. */
export interface Option {
  /** Name of the value in the help; absent for a switch. */
  readonly value?: string;
  readonly short?: string;
  readonly about: string;
  /** Commands that accept the option; absent for all. */
  readonly commands?: readonly CommandName[];
  /** Advice for an option that can be given only once: a query with several values. Absent if the last value counts. */
  readonly several?: string;
  /** True if it can be given several times: its value is then all values, separated by NUL. */
  readonly isList?: true;
  readonly group: 'Filters' | 'Options';
}
