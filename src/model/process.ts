/** Signals that netpane sends, in the order of the menu: `TERM` is SIGTERM. */
export const SIGNALS = ['TERM', 'KILL', 'INT', 'HUP', 'QUIT', 'USR1', 'USR2', 'STOP', 'CONT'] as const;
export type SignalName = (typeof SIGNALS)[number];

/** Processes that a signal goes to: one, its process group, or all of its systemd service. */
export const SCOPES = ['process', 'group', 'unit'] as const;
export type Scope = (typeof SCOPES)[number];

/** A process as a row of the table shows it. A number alone may mean another process soon. */
export interface ProcessTarget {
  readonly pid: number;
  /** Wall-clock start, milliseconds since 1970; absent if the source does not know it. */
  readonly startedAtMs?: number;
}

/** Why a signal to a process needs a second confirmation. */
export type Guard = 'init' | 'netpane' | 'kernel';

/** A process that is about to get a signal. All texts are untrusted. */
export interface ProcessFacts {
  readonly pid: number;
  readonly name: string;
  /** User that it runs as. */
  readonly user?: string;
  /** Working directory. */
  readonly directory?: string;
  /** Number of its child processes. */
  readonly children: number;
  /** Its process group: id and number of processes; absent if it is alone in it. */
  readonly group?: { readonly id: number; readonly members: number };
  /** Its systemd service: name and number of processes; absent if it is in none. */
  readonly unit?: { readonly name: string; readonly members: number };
  /** Absent for an ordinary process. */
  readonly guard?: Guard;
}

/** What came of a signal. */
export interface SignalResult {
  /** Number of processes that got it. */
  readonly reached: number;
  /** Why others did not, a clause; absent if all got it. */
  readonly refused?: string;
}
