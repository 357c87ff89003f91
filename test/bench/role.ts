import { isMainThread, workerData } from 'node:worker_threads';

/**
 * What a process or thread of the bench is for: it leads; it looks at the sockets, as the program's sampling thread
 * does; it takes one first sample; it soaks; it passes over made-up rows.
 */
export type Role = 'lead' | 'look' | 'first' | 'soak' | 'passes';

const ROLE = 'NETPANE_BENCH_ROLE';

/** What a thread of the bench is started with. */
export interface ThreadData {
  readonly role: Role;
}

export const roleNow = (): Role =>
  isMainThread ? ((process.env[ROLE] as Role | undefined) ?? 'lead') : (workerData as ThreadData).role;

/** The environment of a process with a role. */
export const withRole = (role: Role): NodeJS.ProcessEnv => ({ ...process.env, [ROLE]: role });

/** The file that this program is, for more of its processes and threads. */
export const self = (): string => process.argv[1] ?? '';

/** Room for short-lived objects, MB: what the program gives its sampling thread (src/cli/sampling.ts). */
export const YOUNG_MB = 8;
