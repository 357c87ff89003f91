import type { Owner } from './socket.ts';

/** Signals that netpane sends, in the order of the menu: `TERM` is SIGTERM. */
export const SIGNALS = ['TERM', 'KILL', 'INT', 'HUP', 'QUIT', 'USR1', 'USR2', 'STOP', 'CONT'] as const;
export type SignalName = (typeof SIGNALS)[number];

/** Where a signal goes: to one process, its process group, or all processes of its systemd service (`unit`). */
export const SCOPES = ['process', 'group', 'unit'] as const;
export type Scope = (typeof SCOPES)[number];

/** A process of a row. A pid alone is not enough: another process may get it. */
export interface ProcessTarget {
  readonly pid: number;
  /** Wall-clock start, milliseconds since 1970; absent if the source does not know it. */
  readonly startedAtMs?: number;
  /** Start in hundredths of a second since the machine booted; absent if the source does not know it. See `Owner`. */
  readonly startTicks?: number;
}

/** The start of a process, which distinguishes it from another one with its pid; empty if unknown. */
export type ProcessStart = Omit<ProcessTarget, 'pid'>;

/** Returns only the start of a process, without undefined fields. */
export const startOf = ({ startedAtMs, startTicks }: ProcessStart): ProcessStart => ({
  ...(startedAtMs !== undefined && { startedAtMs }),
  ...(startTicks !== undefined && { startTicks }),
});

/**
 * Returns true if no later process can be taken for an owner: its start is known, or it holds the socket. The creator of a
 * socket may have ended, and its pid may belong to another process.
 * @param isOpen true if the socket is open
 */
export const isIdentified = ({ startedAtMs, startTicks, knowledge }: Owner, isOpen: boolean): boolean =>
  startTicks !== undefined || startedAtMs !== undefined || (isOpen && knowledge === 'exact');

/** Returns the process of an owner; undefined if it is unknown. */
export const targetOf = (owner: Owner): ProcessTarget | undefined =>
  owner.pid === undefined ? undefined : { pid: owner.pid, ...startOf(owner) };

/** Why a signal to a process needs a second confirmation. */
export type Guard = 'init' | 'netpane' | 'kernel';

/** Facts that the user sees of a process before it gets a signal. All texts are untrusted. */
export interface ProcessFacts {
  readonly pid: number;
  readonly name: string;
  /** User that it runs as. */
  readonly user?: string;
  /** Working directory. */
  readonly directory?: string;
  /** Number of its child processes. */
  readonly children: number;
  /** Its process group, with the number of processes that a signal to it reaches; absent if that is one at most. */
  readonly group?: { readonly id: number; readonly members: number };
  /** Its systemd service, with the number of processes that a signal to it reaches; absent if it is in none. */
  readonly unit?: { readonly name: string; readonly members: number };
  /** Absent for an ordinary process. */
  readonly guard?: Guard;
}

/** The result of a signal. */
export interface SignalResult {
  /** Number of processes that got it. */
  readonly reached: number;
  /** Why others did not, as a clause; absent if none was refused. */
  readonly refused?: string;
}
