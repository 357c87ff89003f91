import { type FSWatcher, statSync, watch } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { Environment } from './config/paths.ts';

/** The bits with which tmux says at its socket that a terminal is attached (server.c, server_update_socket). */
const ANY_EXECUTE = 0o111;

/**
 * Returns true if no terminal is attached to any session of the tmux at this socket; false if one is, or if it is
 * unknown.
 */
function isDetached(socket: string): boolean {
  try {
    return (statSync(socket).mode & ANY_EXECUTE) === 0;
  } catch {
    return false;
  }
}

/**
 * Calls back when the last terminal leaves the tmux in which netpane runs, and when one comes back; also at once if none
 * is attached now. The kernel reports the change (inotify(7)), so netpane does not check at intervals. Outside of tmux,
 * or where a file cannot be watched, there is no callback.
 * @param environment TMUX has the socket of tmux
 * @returns a function that ends the callbacks
 */
export function onDetached({ TMUX = '' }: Environment, report: (isDetached: boolean) => void): () => void {
  const [socket = ''] = TMUX.split(',');
  let watcher: FSWatcher;
  let last = false;
  const check = () => {
    const now = isDetached(socket);
    if (now !== last) report(now);
    last = now;
  };
  if (!isAbsolute(socket)) return () => {};
  try {
    watcher = watch(socket, { persistent: false }, check);
  } catch {
    return () => {};
  }
  const end = () => watcher.close();
  watcher.on('error', end);
  check();
  return end;
}
