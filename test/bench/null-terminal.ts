import { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import { EffectRunner } from '../../src/cli/effects.ts';
import type { State } from '../../src/store/state.ts';
import { App } from '../../src/tui/app.ts';
import { openScreen, type Terminal } from '../../src/tui/terminal.ts';
import { IDLE_WORLD } from '../helpers/idle-world.ts';
import { COLS, ROWS } from './program-pty.ts';

/** Returns a terminal that discards its output. @param onBytes is called with the length of each write */
export function nullTerminal(onBytes: (count: number) => void = () => {}, rows = ROWS): Terminal {
  const write = (chunk: Buffer, _encoding: string, done: () => void): void => {
    onBytes(chunk.length);
    done();
  };
  const output = Object.assign(new Writable({ write }), { isTTY: true, columns: COLS, rows });
  const input = Object.assign(new EventEmitter(), {
    isTTY: true,
    isRaw: true,
    setRawMode: () => {},
    resume: () => {},
    pause: () => {},
  });
  const screen = openScreen(input, output, 'xterm-256color');
  return { screen, restore: () => screen.destroy(), suspend: () => {} };
}

/**
 * Resolves when everything is painted and written: the app paints two turns of the event loop after a change, blessed
 * writes in the turn after, and a click means the new picture two turns later.
 */
export async function painted(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await new Promise(setImmediate);
}

/** Returns an app whose effects do nothing, except for its timers. */
export function appWithoutWorld(terminal: Terminal, state: State, nowMs: () => number): App {
  const runner = new EffectRunner({ ...IDLE_WORLD, nowMs }, (action) => app.dispatch(action));
  const app = new App(terminal, state, (effect) => runner.run(effect), nowMs);
  return app;
}
