import { spawn } from 'node:child_process';

const INSIDE = 'NETPANE_BENCH_INSIDE';

/** True when this process is to measure here; false when it has to start itself again in a network of its own. */
export const isInside = (): boolean => process.env[INSIDE] !== undefined || process.geteuid?.() !== 0;

/**
 * Runs this program again in a network namespace of its own, where no other socket is, and gives its exit code. When
 * that is not allowed, it runs in the network of the machine.
 */
export async function runInside(args: readonly string[]): Promise<number> {
  const [, self = ''] = process.argv;
  // `exec` keeps the process, and with it the channel by which it hears that we are gone.
  const script =
    'if unshare --net true 2>/dev/null; then exec unshare --net sh -c \'ip link set lo up && exec "$@"\' sh "$@"; fi; exec "$@"';
  const child = spawn('sh', ['-c', script, 'sh', process.execPath, self, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [INSIDE]: '1' },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
