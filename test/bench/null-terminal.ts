import { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import type { AppEffects } from '../../src/tui/app.ts';
import { openScreen, type Terminal } from '../../src/tui/terminal.ts';
import { COLS, ROWS } from './pane.ts';

/** A terminal that takes everything and shows nothing. */
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

/** A world in which the app can do nothing, and that has a clock only. */
export const noEffects = (nowMs: () => number): AppEffects => ({
  quit: () => {},
  setInterval: () => {},
  usageOf: async () => undefined,
  resolve: async () => ({ type: 'failed', why: 'not asked for' }),
  copy: () => ({ text: '', isError: false }),
  save: async () => ({ text: '', isError: false }),
  keep: () => {},
  nowMs,
  samplerIs: () => '',
});
