import { hostname, release, type as systemType } from 'node:os';
import { initialState } from '../store/reduce.ts';
import { App } from '../tui/app.ts';
import { enterTerminal, type Terminal } from '../tui/terminal.ts';
import { crashText } from './errors.ts';
import type { Invocation } from './options.ts';
import type { Sampling } from './sampling.ts';
import { usageOf } from './usage.ts';

/** Signals that end the program, with the exit code that a shell gives a program ended by them. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGQUIT: 131, SIGTERM: 143 } as const;

/** `Linux 6.18`: the first two numbers of a release say enough. */
const systemName = (): string => `${systemType()} ${release().split('.').slice(0, 2).join('.')}`;

/** Runs the live screen until the user quits. However it ends, the terminal is given back first. */
export function showLive(invocation: Invocation, sampling: Sampling): void {
  const shown: { app?: App; terminal?: Terminal } = {};
  const end = (exitCode: number, message?: string): never => {
    shown.terminal?.restore();
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

  const terminal = enterTerminal(() => shown.app?.paint());
  shown.terminal = terminal;
  const app = new App(
    terminal,
    initialState({
      host: hostname(),
      system: systemName(),
      intervalMs: invocation.intervalMs,
      lingerMs: invocation.lingerMs,
      eventsKept: invocation.eventsKept,
      filter: invocation.filter,
      palette: invocation.palette,
    }),
    {
      quit: () => end(0),
      setInterval: (intervalMs) => sampling.setInterval(intervalMs),
      usageOf,
      nowMs: () => performance.now(),
    },
  );
  shown.app = app;
  sampling.onFailure(crash);
  sampling.onBatch((batch) => app.take(batch));
}
