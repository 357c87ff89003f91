import { isMainThread, workerData } from 'node:worker_threads';

/**
 * Task of a process or thread of the benchmark:
 * - `main` runs the benchmark;
 * - `poll` polls the sockets on request, as the program's sampling thread does on its timer;
 * - `first-poll` takes a single first poll in a fresh process;
 * - `soak` runs the soak test;
 * - `view` measures filtering, sorting, grouping and drawing of synthetic rows.
 */
export type Role = 'main' | 'poll' | 'first-poll' | 'soak' | 'view';

const ROLE_VARIABLE = 'NETPANE_BENCH_ROLE';

/** Data that a thread of the benchmark is started with. */
export interface ThreadData {
  readonly role: Role;
}

/** Returns the role of this process or thread. */
export const currentRole = (): Role =>
  isMainThread
    ? ((process.env[ROLE_VARIABLE] as Role | undefined) ?? 'main')
    : (workerData as ThreadData).role;

/** Returns the environment for a process with this role. */
export const withRole = (role: Role): NodeJS.ProcessEnv => ({ ...process.env, [ROLE_VARIABLE]: role });

/** Returns the path of this script, from which further processes and threads are started. */
export const scriptPath = (): string => process.argv[1] ?? '';
