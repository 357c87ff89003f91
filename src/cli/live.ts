import type { Bounds } from '../model/bounds.ts';
import type { Socket } from '../model/socket.ts';
import { printable } from '../model/text.ts';
import { Churn, collectGarbage } from '../sampler/churn.ts';
import type { Message, State } from '../store/state.ts';
import { App } from '../tui/app.ts';
import { copySequence } from '../tui/clipboard.ts';
import { enterTerminal, type Terminal } from '../tui/terminal.ts';
import { StateFile } from './config/state-file.ts';
import { crashText, messageOf } from './errors.ts';
import { resolveHost } from './hosts.ts';
import type { Invocation } from './options.ts';
import type { Sampling } from './sampling.ts';
import { beginning, savedStateOf } from './restore.ts';
import { saveSockets } from './save.ts';
import { usageOf } from './usage.ts';

/** Signals that end the program, with the exit code that a shell gives a program ended by them. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGQUIT: 131, SIGTERM: 143 } as const;

/** Hands a text to the terminal's clipboard. */
function copy({ screen }: Terminal, text: string): Message {
  try {
    screen.program.output.write(copySequence(text, process.env));
    return { text: 'copied, where the terminal takes OSC 52', isError: false };
  } catch (error) {
    return { text: messageOf(error), isError: true };
  }
}

async function save(path: string, sockets: readonly Socket[]): Promise<Message> {
  try {
    return { text: `${sockets.length} sockets are in ${await saveSockets(path, sockets)}`, isError: false };
  } catch (error) {
    return { text: messageOf(error), isError: true };
  }
}

/**
 * Runs the live screen until the user quits. However it ends, the terminal is given back first.
 * @param said what is to be told on the screen first
 */
export function showLive(
  invocation: Invocation,
  bounds: Bounds,
  sampling: Sampling,
  said: readonly string[],
): void {
  const shown: { app?: App; terminal?: Terminal } = {};
  const complaints: string[] = [...said];
  /** Where what is wrong with the saved state is told: on the screen while there is one. */
  let complain = (message: string): void => void complaints.push(message);
  const file = new StateFile(process.env, (message) => complain(message));
  const saved = file.load();
  const keep = (state: State): void => file.save(savedStateOf(state, saved, invocation));
  const end = (exitCode: number, message?: string): never => {
    shown.terminal?.restore();
    complain = (text) => void process.stderr.write(`netpane: ${printable(text)}\n`);
    if (shown.app) keep(shown.app.state);
    if (message !== undefined) process.stderr.write(`netpane: ${message}\n`);
    return process.exit(exitCode);
  };
  const crash = (error: unknown): never => end(1, crashText(error));

  process.on('uncaughtException', crash);
  process.on('exit', () => shown.terminal?.restore());
  for (const [signal, code] of Object.entries(SIGNALS)) process.on(signal, () => end(code));
  for (const stream of [process.stdout, process.stdin]) {
    // The terminal itself is gone (EIO, EPIPE): there is nobody left to tell.
    stream.removeAllListeners('error').on('error', () => end(SIGNALS.SIGHUP));
  }
  process.stdin.on('end', () => end(SIGNALS.SIGHUP));

  const terminal = enterTerminal(() => shown.app?.paint(), invocation.mouse);
  shown.terminal = terminal;
  const app = new App(terminal, beginning(invocation, bounds, saved, complaints), {
    quit: () => end(0),
    setInterval: (intervalMs) => sampling.setInterval(intervalMs),
    usageOf,
    resolve: resolveHost,
    copy: (text) => copy(terminal, text),
    save,
    keep,
    nowMs: () => performance.now(),
  });
  shown.app = app;
  complain = (text) => app.say({ text, isError: true });
  sampling.onFailure(crash);
  const churn = new Churn();
  sampling.onBatch((batch) => {
    app.take(batch);
    if (churn.note(batch) === 'calm') collectGarbage();
  });
}
