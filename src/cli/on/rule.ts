/** A rule of `--on` or `[[on]]`: what to do for each socket that comes to match a query. */
export interface OnRule {
  readonly query: string;
  /** Program and arguments; empty if the rule runs none. */
  readonly command: readonly string[];
  /** Ring the bell of the terminal. */
  readonly bell: boolean;
  /** Show a notification of the desktop. */
  readonly notify: boolean;
}

/** Returns a rule as a table of the configuration file. */
export const ruleTable = ({ query, command, bell, notify }: OnRule): object => ({
  query,
  ...(command.length > 0 && { command }),
  ...(bell && { bell }),
  ...(notify && { notify }),
});
