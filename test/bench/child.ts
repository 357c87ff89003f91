import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type Role, self, withRole } from './role.ts';

const running = new Set<ChildProcess>();

/** What a process of its own, with this role, has to tell: its memory and what V8 compiled there are of that alone. */
export async function askChild<Answer>(
  role: Role,
  args: readonly string[],
  nodeArgs: readonly string[],
): Promise<Answer> {
  const child = fork(self(), args, {
    env: withRole(role),
    execArgv: [...nodeArgs],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  running.add(child);
  try {
    const answered = once(child, 'message') as Promise<[Answer]>;
    const ended = once(child, 'exit').then(() => Promise.reject(new Error(`'${role}' ended early`)));
    ended.catch(() => {});
    const [answer] = await Promise.race([answered, ended]);
    return answer;
  } finally {
    child.kill('SIGKILL');
    running.delete(child);
  }
}

/** Ends what runs, if anything does. */
export function endChildren(): void {
  for (const child of running) child.kill('SIGKILL');
}
