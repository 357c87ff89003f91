import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyText, withMultiplexer } from '../../src/cli/copy.ts';
import { MAX_COPY_BYTES } from '../../src/tui/clipboard.ts';

const { PATH } = process.env;
const hasTmux = spawnSync('tmux', ['-V']).status === 0;

/** Copies a text. Returns the message and what was written to the terminal. */
async function copy(text: string, environment: Record<string, string | undefined>) {
  const written: string[] = [];
  const message = await copyText(text, 'row', (sequence) => written.push(sequence), { PATH, ...environment });
  return { text: message.text, isError: message.isError, written };
}

const OSC_52 = '\x1b]52;c;eA==\x07';

test('in a terminal without tmux or screen copies by OSC 52', async () => {
  expect(await copy('x', {})).toEqual({
    text: 'copied row · OSC 52, if allowed',
    isError: false,
    written: [OSC_52],
  });
});

test('in GNU screen copies by OSC 52, in a sequence that screen passes on', async () => {
  expect(await copy('x', { STY: '1.pts-0.host' })).toEqual({
    text: 'copied row · OSC 52 through screen, if allowed',
    isError: false,
    written: [`\x1bP${OSC_52}\x1b\\`],
  });
});

test('copies by OSC 52 if tmux does not answer', async () => {
  for (const TMUX of ['/nonexistent/default,1,0', 'relative,1,0']) {
    const { text, written } = await copy('x', { TMUX });
    expect(text).toBe('copied row · OSC 52 through tmux, if allowed');
    expect(written).toEqual([`${OSC_52}\x1bPtmux;\x1b${OSC_52}\x1b\\`]);
  }
});

test('says that a text is too long', async () => {
  const { text, isError, written } = await copy('x'.repeat(MAX_COPY_BYTES + 1), {});
  expect([isError, written]).toEqual([true, []]);
  expect(text).toContain('save it to a file instead');
});

describe('as sudo', () => {
  const parent = () => 'A=1\0TMUX=/tmp/tmux-1000/default,1,0\0TMUX_PANE=%3\0';

  test('finds tmux in the environment of sudo, which does not pass it on', () => {
    expect(withMultiplexer({ SUDO_UID: '1000', TERM: 'tmux' }, parent)).toEqual({
      SUDO_UID: '1000',
      TERM: 'tmux',
      TMUX: '/tmp/tmux-1000/default,1,0',
      TMUX_PANE: '%3',
    });
    expect(withMultiplexer({ SUDO_UID: '1000' }, () => 'STY=1.host\0')).toMatchObject({ STY: '1.host' });
  });

  test('keeps the environment without sudo, with its own tmux, and if sudo cannot be read', () => {
    for (const environment of [{}, { SUDO_UID: '1', TMUX: 'own' }, { SUDO_UID: '1', STY: 'own' }])
      expect(withMultiplexer(environment, parent)).toBe(environment);
    const unreadable = () => {
      throw new Error('EACCES');
    };
    expect(withMultiplexer({ SUDO_UID: '1' }, unreadable)).toEqual({ SUDO_UID: '1' });
  });
});

describe.skipIf(!hasTmux)('in tmux without configuration (skipped elsewhere: tmux is not installed)', () => {
  let folder: string;
  let socket: string;
  // tmux runs the command in SHELL, or in the login shell, which may be nologin.
  const env = { ...process.env, SHELL: '/bin/sh' };
  const tmux = (...args: string[]) => spawnSync('tmux', ['-S', socket, '-f', '/dev/null', ...args], { env });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'netpane-tmux-'));
    socket = join(folder, randomBytes(4).toString('hex'));
    tmux('new-session', '-d', 'cat');
  });
  afterEach(() => {
    tmux('kill-server');
    rmSync(folder, { recursive: true, force: true });
  });
  const buffer = () => tmux('show-buffer').stdout.toString();

  test('the text is in the buffer of tmux; OSC 52 is sent too, as no terminal is attached', async () => {
    const { text, written } = await copy('node\t443\x1b', { TMUX: `${socket},1,0` });
    expect(text).toBe('copied row · tmux buffer, and clipboard if allowed');
    expect(buffer()).toBe('node\t443?');
    expect(written).toHaveLength(1);
  });

  test.runIf(process.geteuid?.() === 0)(
    'root asks no tmux whose socket another user can replace (skipped otherwise: needs root)',
    async () => {
      chmodSync(folder, 0o777);
      expect((await copy('x', { TMUX: `${socket},1,0` })).text).toContain('OSC 52 through tmux');
      expect(buffer()).toBe('');
    },
  );
});
