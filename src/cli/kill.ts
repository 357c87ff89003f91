import { createInterface } from 'node:readline/promises';
import { isatty } from 'node:tty';
import { type ProcessFacts, targetOf } from '../model/process.ts';
import { firstOwner, isListening, type Owner, type Socket } from '../model/socket.ts';
import { counted, printable } from '../model/text.ts';
import { scopeText } from '../store/process-actions.ts';
import { suggestionText } from '../view/text/query-notices.ts';
import type { Invocation } from './invocation.ts';
import { OpenProcesses } from './open-processes.ts';
import { say } from './say.ts';
import type { Environment } from './config/paths.ts';
import { matchingSockets } from './snapshot.ts';
import { UsageError } from './values.ts';

/** Asks a question on stderr. Resolves to the line typed on stdin; empty at its end. */
async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  try {
    return await Promise.race([terminal.question(question), ended]);
  } finally {
    terminal.close();
  }
}

/** Returns the processes known to hold these sockets (`exact`), each once. */
function ownersOf(sockets: readonly Socket[]): readonly Owner[] {
  const owners = new Map<number, Owner>();
  for (const { owners: some } of sockets)
    for (const owner of some)
      if (owner.knowledge === 'exact' && owner.pid !== undefined) owners.set(owner.pid, owner);
  return [...owners.values()];
}

/** Returns what a process does with these sockets: `listens on 0.0.0.0:3000`, `4 matching sockets`. */
function socketsText(pid: number, sockets: readonly Socket[]): string {
  const own = sockets.filter(({ owners }) => owners.some((it) => it.pid === pid));
  const listener = own.find(isListening);
  return listener
    ? `listens on ${listener.local.address}:${listener.local.port}`
    : counted(own.length, 'matching socket');
}

/** Returns a process on one line, as it is shown before the question. */
const processLine = ({ pid, name, user, directory }: ProcessFacts, sockets: readonly Socket[]): string =>
  printable(
    [`${name} (${pid})`, user && `user ${user}`, socketsText(pid, sockets), directory]
      .filter(Boolean)
      .join('  '),
  );

/**
 * `netpane kill`: sends a signal to the programs that hold the sockets of the query. If some of the sockets are
 * listeners, only their programs get the signal: `kill :3000` leaves the clients of that port alone. Asks first, on
 * stderr.
 * @param environment that of the user whose files are used
 * @returns false if no program was found, one is hidden, or one did not get the signal or did not end in time
 * @throws UsageError or Error for the user, if the query is empty, read-only is set, there is no terminal to ask on, or
 *   the sockets cannot be read
 */
export async function kill(
  invocation: Invocation,
  environment: Environment,
  processes = new OpenProcesses(),
): Promise<boolean> {
  const { query, killing, readOnly } = invocation;
  if (query.text.trim() === '') throw new UsageError("'netpane kill' needs a query: netpane kill :3000");
  if (readOnly) throw new Error('read-only is set in the configuration: netpane ends no programs');
  if (!killing.isSure && !isatty(0))
    throw new UsageError('netpane kill asks on a terminal: without one, use --yes');
  const { order, notices } = await matchingSockets(invocation, false, environment);
  const matching = order.rows().map(({ socket }) => socket);
  const listeners = matching.filter(isListening);
  const sockets = listeners.length > 0 ? listeners : matching;
  const owners = ownersOf(sockets);
  if (owners.length === 0) {
    sayNothingFound(matching, suggestionText(query));
    for (const text of notices()) say(printable(text));
    return false;
  }
  const others = ownersOf(matching).length - owners.length;
  if (others > 0)
    say(
      `${counted(others, 'other program')} only ${others === 1 ? 'connects' : 'connect'} to it: left alone`,
    );
  const hidden = sockets.filter((socket) => firstOwner(socket).knowledge === 'hidden').length;
  if (hidden > 0)
    say(`${counted(hidden, 'matching socket')} of hidden programs: left alone, run netpane with sudo`);
  const opened: ProcessFacts[] = [];
  let isDone = hidden === 0;
  for (const target of owners.map(targetOf)) {
    if (target === undefined) continue;
    const facts = await processes.open(target);
    if (typeof facts !== 'string') opened.push(facts);
    else {
      say(printable(facts));
      isDone = false;
    }
  }
  const chosen: ProcessFacts[] = [];
  for (const facts of opened) {
    if (await isConfirmed(facts, sockets, invocation)) chosen.push(facts);
    else isDone = false;
  }
  const results = await Promise.all(chosen.map((facts) => send(facts, invocation, processes)));
  for (const facts of opened) processes.release(facts);
  return isDone && results.every(Boolean);
}

/** Says that no socket matches, or that none of them has a known process. */
function sayNothingFound(matching: readonly Socket[], suggestion: string | undefined): void {
  if (matching.length === 0) {
    say(printable(`no socket matches${suggestion === undefined ? '' : `: ${suggestion}`}`));
    return;
  }
  const [first] = matching;
  const why = first ? firstOwner(first).knowledge : 'unknown';
  const them = matching.length === 1 ? 'it' : 'them';
  say(`${counted(matching.length, 'socket')} found, but no process that holds ${them} (${why})`);
}

/** Shows a process and asks whether to send the signal. Resolves to true if it may be sent. */
async function isConfirmed(
  facts: ProcessFacts,
  sockets: readonly Socket[],
  { killing: { signal, isSure } }: Invocation,
): Promise<boolean> {
  const target = printable(scopeText(facts, 'process'));
  if (facts.guard !== undefined) {
    if (isSure || !isatty(0)) {
      say(`${target} is protected: without --yes netpane asks for its name`);
      return false;
    }
    say(processLine(facts, sockets));
    return (await ask(`type its name to send ${signal}: `)).trim() === facts.name;
  }
  say(processLine(facts, sockets));
  return isSure || /^y(es)?$/i.test((await ask(`send ${signal} to ${target}? [y/N] `)).trim());
}

/** Sends the signal, and waits for the end with --wait. Resolves to false if the process did not get it, or did not end. */
async function send(
  facts: ProcessFacts,
  { killing: { signal, waitMs } }: Invocation,
  processes: OpenProcesses,
): Promise<boolean> {
  const target = printable(scopeText(facts, 'process'));
  const { reached, refused } = processes.signal(facts, signal, 'process');
  if (reached === 0) {
    say(printable(`${signal} not sent to ${target}: ${refused ?? 'it has ended'}`));
    return refused === undefined;
  }
  if (waitMs === undefined) {
    say(`${signal} sent to ${target}`);
    return true;
  }
  const { hasEnded, afterMs } = await processes.waitForEnd(facts, waitMs);
  say(`${target} ${hasEnded ? 'ended' : 'still runs'} ${(afterMs / 1000).toFixed(1)}s after ${signal}`);
  return hasEnded;
}
