// The processes of a terminal's session and the flags of its line, read from the kernel.
import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, readFileSync } from 'node:fs';

/**
 * Returns the flags of the terminal line (termios), by their names in `stty`: `icanon` and `echo` are false in raw mode.
 * @param path its device file
 */
export function ttyModes(path: string): Record<string, boolean> {
  // O_NOCTTY: this must not become the controlling terminal of a test runner that has none.
  const line = openSync(path, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
  try {
    const { stdout, stderr, status } = spawnSync('stty', ['-a'], {
      stdio: [line, 'pipe', 'pipe'],
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`stty: ${stderr}`);
    // Before the flags come `speed …; rows …;` and `intr = ^C;`.
    const words = stdout.replace(/[^;]*;/g, '').split(/\s+/);
    const flags = words.filter((word) => /^-?[a-z][a-z0-9]*$/.test(word));
    return Object.fromEntries(flags.map((flag) => [flag.replace('-', ''), !flag.startsWith('-')]));
  } finally {
    closeSync(line);
  }
}

/** Returns the living processes of a session, by the pid of its leader. Linux only. */
export const sessionPids = (leader: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      const stat = readIfThere(`/proc/${name}/stat`);
      // proc_pid_stat(5): state, ppid, pgrp and session follow the name, which may contain ")".
      const [state, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(session) === leader && state !== 'Z' && state !== 'X';
    })
    .map(Number);

/** Kills a process with SIGKILL, unless it has ended. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended in the meantime.
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
