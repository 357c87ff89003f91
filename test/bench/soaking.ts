import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { self, withRole } from './role.ts';
import { scratchFolder } from './scratch.ts';
import type { SoakFigures } from './soak.ts';

let running: ChildProcess | undefined;

/** Runs so many ticks of a made-up machine, in a process of its own: its memory is that of the soak alone. */
export async function measureSoak(ticks: number): Promise<SoakFigures> {
  const child = fork(self(), [String(ticks), scratchFolder()], {
    env: withRole('soak'),
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  running = child;
  try {
    const answered = once(child, 'message') as Promise<[SoakFigures]>;
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('the soak ended early')));
    ended.catch(() => {});
    const [figures] = await Promise.race([answered, ended]);
    return figures;
  } finally {
    endSoak();
  }
}

/** Ends what runs, if anything does. */
export function endSoak(): void {
  running?.kill('SIGKILL');
  running = undefined;
}
