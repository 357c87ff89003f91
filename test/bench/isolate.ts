import { spawn } from 'node:child_process';

const ISOLATED_VARIABLE = 'NETPANE_BENCH_ISOLATED';

/** Returns true if this process measures; false if it first has to restart in a network namespace of its own. */
export const isIsolated = (): boolean =>
  process.env[ISOLATED_VARIABLE] !== undefined || process.geteuid?.() !== 0;

/**
 * Runs this program again in a new network namespace, which has no other sockets. Where unshare(1) is not allowed it
 * runs in the network namespace of the machine.
 * @returns its exit code
 */
export async function runIsolated(args: readonly string[]): Promise<number> {
  const [, script = ''] = process.argv;
  // `exec` keeps the process, and so the IPC channel whose end signals the death of this process.
  const shell =
    'if unshare --net true 2>/dev/null; then exec unshare --net sh -c \'ip link set lo up && exec "$@"\' sh "$@"; fi; exec "$@"';
  const child = spawn('sh', ['-c', shell, 'sh', process.execPath, script, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [ISOLATED_VARIABLE]: '1' },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
