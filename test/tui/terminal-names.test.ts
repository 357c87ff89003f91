import { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import { describe, expect, test, vi } from 'vitest';
import { openScreen } from '../../src/tui/terminal.ts';
import { LinesWidget } from '../../src/tui/widgets/lines.ts';
import { line, span } from '../../src/view/text/line.ts';

const REGION = { left: 0, top: 0, width: 40, height: 3 };
const LINES = [
  line(span('plain'), span('new', 'spawned'), span('few', 'quiet'), span('sure', 'strong')),
  { ...line(span('selected')), selected: true },
];

/** Returns all output of a screen that is opened, shows lines with colours and an inverse one, and is left. */
async function outputIn(term: string): Promise<string> {
  vi.stubEnv('TERM', term);
  const chunks: Buffer[] = [];
  const write = (data: Buffer, _: unknown, done: () => void) => {
    chunks.push(data);
    done();
  };
  const output = Object.assign(new Writable({ write }), { isTTY: true, columns: 80, rows: 24 });
  const input = Object.assign(new EventEmitter(), { resume: () => {}, pause: () => {} });
  const screen = openScreen(input, output, term);
  new LinesWidget(screen).show(REGION, LINES, 'standard', false);
  screen.render();
  // Blessed writes in the next turn of the event loop.
  await new Promise(setImmediate);
  screen.leave();
  screen.destroy();
  await new Promise(setImmediate);
  return Buffer.concat(chunks).toString();
}

describe('the output to a terminal', () => {
  test.each([
    'alacritty',
    'foot',
    'no-such-terminal',
    'rxvt-unicode-256color',
    'screen',
    'screen-256color',
    'tmux-256color',
    'xterm',
    'xterm-ghostty',
    'xterm-kitty',
  ])('with TERM=%s is that of xterm-256color', async (term) => {
    expect(await outputIn(term)).toBe(await outputIn('xterm-256color'));
  });

  test.each(['linux', 'vt100'])('with TERM=%s is by its own terminfo', async (term) => {
    expect(await outputIn(term)).not.toBe(await outputIn('xterm-256color'));
  });
});
