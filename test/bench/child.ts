import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type Role, scriptPath, withRole } from './role.ts';

const running = new Set<ChildProcess>();

/**
 * Runs a role in a process of its own, so that memory and compiled code are those of the role alone.
 * @returns the first message of the process; rejects if it exits without one
 */
export async function runInChild<Answer>(
  role: Role,
  args: readonly string[],
  nodeArgs: readonly string[],
): Promise<Answer> {
  const child = fork(scriptPath(), args, {
    env: withRole(role),
    execArgv: [...nodeArgs],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  running.add(child);
  try {
    const answered = once(child, 'message') as Promise<[Answer]>;
    const ended = once(child, 'exit').then(() =>
      Promise.reject(new Error(`the process '${role}' exited without a result`)),
    );
    ended.catch(() => {});
    const [answer] = await Promise.race([answered, ended]);
    return answer;
  } finally {
    child.kill('SIGKILL');
    running.delete(child);
  }
}

/** Kills all processes started by `runInChild` that still run. */
export function killChildren(): void {
  for (const child of running) child.kill('SIGKILL');
}
