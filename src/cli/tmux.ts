import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { Environment } from './config/paths.ts';
import { trustedPath } from './config/trust.ts';

/** Maximum time for an answer of tmux. */
const ANSWER_MS = 2000;

/** The user and group as whom tmux runs; absent for the user of netpane. */
interface RunAs {
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Returns the user for a client of the tmux at this socket. A tmux server can make its client run programs, so root
 * never runs a client for the server of another user: the client runs as the owner of the socket, whose path no
 * third user can change.
 * @throws Untrusted if another user can change the path; an error of the system if there is no socket
 */
function userFor(socket: string): RunAs {
  if (process.geteuid?.() !== 0) return {};
  const { uid, gid } = statSync(socket);
  trustedPath(socket, { uid });
  return { uid, gid };
}

/**
 * Puts a text into the newest buffer of tmux, and into the clipboard of the terminal in which tmux runs (`load-buffer
 * -w`, since tmux 3.2). tmux is found in PATH, which `environment.ts` sets.
 * @param environment TMUX has the socket of tmux, TMUX_PANE the pane
 * @returns `clipboard` if tmux also sent it to its terminal, `buffer` if that is uncertain, undefined if tmux is not
 *   there or did not take it. Never rejects.
 */
export async function loadTmuxBuffer(
  text: string,
  environment: Environment,
): Promise<'clipboard' | 'buffer' | undefined> {
  const { TMUX = '', TMUX_PANE = '', PATH, LANG } = environment;
  const [socket = ''] = TMUX.split(',');
  if (!isAbsolute(socket)) return undefined;
  try {
    const features = await runTmux(
      ['-S', socket, 'load-buffer', '-w', '-', ';', 'display-message', '-p', '#{client_termfeatures}'],
      text,
      userFor(socket),
      { TMUX, TMUX_PANE, PATH, LANG },
    );
    return features.trim().split(',').includes('clipboard') ? 'clipboard' : 'buffer';
  } catch {
    return undefined;
  }
}

/** Runs tmux with an input. Resolves to its output; rejects if it cannot be run, fails or takes too long. */
function runTmux(args: string[], input: string, as: RunAs, env: Environment): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('tmux', args, {
      stdio: ['pipe', 'pipe', 'ignore'],
      env,
      cwd: '/',
      timeout: ANSWER_MS,
      killSignal: 'SIGKILL',
      ...as,
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stdin.on('error', reject);
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`tmux ended with ${code}`));
    });
    child.stdin.end(input);
  });
}
