// The thread of `netpane watch` gives up the rights that it does not need.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually, type HerdProcess } from '../helpers/herd.ts';
import { cleanUp, hasNetlink, newHerd, program } from './netpane.ts';

/** Starts `netpane watch` and waits for its first event, after which its thread is confined if it ever is. */
async function isConfined(server: HerdProcess, ...args: string[]): Promise<boolean> {
  const child = spawn(process.execPath, [program, 'watch', '--interval', '200ms', ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  cleanUp(() => child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  await eventually(
    () => `an event in ${output}`,
    () => {
      server.listen().catch(() => {});
      return output !== '';
    },
  );
  const tasks = `/proc/${child.pid ?? 0}/task`;
  const statuses = readdirSync(tasks).map((id) => readFileSync(join(tasks, id, 'status'), 'utf8'));
  return statuses.some((it) => /^Seccomp:\t2/m.test(it));
}

test.skipIf(!hasNetlink || !['x64', 'arm64'].includes(process.arch))(
  'the thread of watch is confined, unless it must run commands (skipped without netlink or on other processors)',
  async () => {
    const server = await newHerd().spawn();
    const both = await Promise.all([isConfined(server), isConfined(server, '--on', 'listen', '--', 'true')]);
    expect(both).toEqual([true, false]);
  },
);
