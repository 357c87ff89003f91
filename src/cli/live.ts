import type { Bounds } from '../model/bounds.ts';
import { LOCAL_HOST } from '../model/host.ts';
import type { Socket } from '../model/socket.ts';
import { counted, printable } from '../model/text.ts';
import { collectGarbage } from '../sampler/heap.ts';
import { StormDetector } from '../sampler/storms.ts';
import type { Message, State } from '../store/state.ts';
import { App } from '../tui/app.ts';
import { Keymap } from '../tui/keymap.ts';
import { enterTerminal, type Terminal } from '../tui/terminal.ts';
import type { Account } from './config/account.ts';
import { StateFile } from './config/state-file.ts';
import { onDetached } from './detached.ts';
import { EffectRunner } from './effects.ts';
import { copyText, withMultiplexer } from './copy.ts';
import { crashText, messageOf } from './errors.ts';
import { geoFilesOf } from './geo/lookups.ts';
import { actionsOn } from './host-actions.ts';
import { openTty } from './tty.ts';
import { finish, type Link } from './link.ts';
import type { Invocation } from './invocation.ts';
import { OnRules, type ReadRule } from './on/rules.ts';
import type { NamesThread } from './names-thread.ts';
import type { Sampling } from './sampling.ts';
import { restoredState, savedStateOf } from './restore.ts';
import { saveSockets } from './save.ts';
import { whoisServerOf } from './whois-server.ts';
import { askWhois } from './whois.ts';

const nowMs = (): number => performance.now();

async function save(path: string, sockets: readonly Socket[], account: Account): Promise<Message> {
  try {
    const saved = await saveSockets(path, sockets, account);
    return { text: `saved ${counted(sockets.length, 'socket')} to ${saved}`, isError: false };
  } catch (error) {
    return { text: messageOf(error), isError: true };
  }
}

/**
 * Runs the live screen until the user quits or the keeper ends it. Restores the terminal before it ends.
 * @param startMessages messages to show on the screen first
 * @param account the user whose saved state and files are used
 * @param rules the rules of `--on` and `[[on]]`
 * @throws Error if the screen cannot be opened; the terminal is restored
 */
export function showLive(
  invocation: Invocation,
  link: Link,
  bounds: Bounds,
  { sampling, names }: { readonly sampling: Sampling; readonly names: NamesThread | undefined },
  startMessages: readonly string[],
  account: Account,
  rules: readonly ReadRule[],
): void {
  const shown: { app?: App; terminal?: Terminal } = {};
  /** Messages for the start of the screen. Later ones go to the screen, and after its end to stderr. */
  const complaints: string[] = [...startMessages];
  let complain = (message: string): void => void complaints.push(message);
  const file = new StateFile(account.environment, (message) => complain(message), account);
  const saved = file.load();
  const saveState = (state: State): void => file.save(savedStateOf(state, saved, invocation));
  let isEnding = false;
  const end = (exitCode: number, message?: string): void => {
    if (isEnding) return;
    isEnding = true;
    shown.terminal?.restore();
    const lines: string[] = [];
    complain = (text) => void lines.push(printable(text));
    if (shown.app) saveState(shown.app.state);
    onRules.stop();
    if (message !== undefined) lines.push(message);
    finish(link, exitCode, lines);
  };
  const onRules = new OnRules(rules, {
    account,
    report: ({ text, isError, bell }) => {
      if (isEnding) complain(text);
      else shown.app?.dispatch({ type: 'on-rule', text, isError, bell, wallMs: Date.now() });
    },
  });
  const crash = (error: unknown): void => end(1, crashText(error));
  process.on('uncaughtException', crash);
  link.on('end', ({ code }) => end(code));

  const terminal = enterTerminal(openTty(link), () => shown.app?.paint(), invocation.mouse);
  shown.terminal = terminal;
  const runner = new EffectRunner(
    {
      quit: () => end(0),
      suspend: () => terminal.suspend(),
      redraw: () => terminal.screen.realloc(),
      bell: () => void terminal.screen.program.output.write('\x07'),
      setInterval: (intervalMs) => sampling.setInterval(intervalMs),
      ...actionsOn(LOCAL_HOST),
      askWhois: (address, onAnswer) => {
        const server = whoisServerOf(invocation.whoisServer);
        if (server) void askWhois(address, server, onAnswer);
      },
      readLocations: (onLocations) =>
        void geoFilesOf(invocation.geoFiles, account.environment).follow(onLocations),
      copy: (text, what) =>
        copyText(
          text,
          what,
          (sequence) => void terminal.screen.program.output.write(sequence),
          withMultiplexer(process.env),
        ),
      save: (path, sockets) => save(path, sockets, account),
      saveState,
      nowMs,
      wallMs: () => Date.now(),
      closeSockets: (sockets) => sampling.closeSockets(sockets),
      samplerActivity: () => sampling.progress.text,
    },
    (action) => shown.app?.dispatch(action),
  );
  const app = new App(
    terminal,
    restoredState(invocation, bounds, saved, complaints, account.user),
    (effect) => runner.run(effect),
    nowMs,
    new Keymap(invocation.keys),
  );
  shown.app = app;
  app.dispatch({ type: 'start', atMs: nowMs() });
  complain = (text) => app.dispatch({ type: 'message', message: { text, isError: true } });
  sampling.onFailure(crash);
  const { detachedIntervalMs } = invocation;
  if (detachedIntervalMs !== undefined)
    onDetached(process.env, (isDetached) =>
      app.dispatch({ type: 'detached', intervalMs: isDetached ? detachedIntervalMs : null }),
    );
  names?.onNames((found) => app.dispatch({ type: 'asked-names', names: found, atMs: nowMs() }));
  const storms = new StormDetector();
  sampling.onBatch((batch) => {
    app.dispatch({ type: 'batch', batch, atMs: nowMs() });
    onRules.take(batch);
    if (storms.note(batch) === 'calm') collectGarbage();
  });
}
