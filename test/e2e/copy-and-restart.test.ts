// Copying, restart, event log, prompts, sudo.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Terminal } from '../helpers/terminal.ts';
import { escape, tableLines } from './finding.ts';
import {
  cleanUp,
  eventsOf,
  isLinux,
  isRoot,
  newHerd,
  newHome,
  program,
  startNetpane,
  uniqueName,
} from './netpane.ts';
import {
  atEachSize,
  filterLine,
  resize,
  SCENE_SIZE,
  showScene,
  SIZES,
  socketCounts,
  titleLine,
  typeQuery,
  useScene,
  useScreen,
} from './scene.ts';

const [cols, rows] = SIZES[0];

const hasMounts = spawnSync('unshare', ['-m', 'true']).status === 0;
const hasTmux = spawnSync('tmux', ['-V']).status === 0;
const hasScreen = spawnSync('screen', ['--version']).status === 0;

/** Returns the texts that were written to the clipboard of the terminal, by OSC 52. */
const clipboard = (t: Terminal): string[] =>
  [
    ...t
      .received()
      .toString('latin1')
      .matchAll(/\x1b\]52;c?;([\w+/=]*)(?:\x07|\x1b\\)/g),
  ].map(([, base64 = '']) => Buffer.from(base64, 'base64').toString());

/**
 * Quits netpane and waits for the end of the multiplexer that runs it. The terminal does not end it with its own processes:
 * netpane would save its state in the home after the clean-up has removed it.
 */
async function quit(t: Terminal): Promise<void> {
  t.write('q');
  await t.exited;
}

describe.skipIf(!isLinux)('copying, prompts, restart (skipped elsewhere: the herd needs Linux)', () => {
  const scene = useScene();
  /** The screen that most tests share. The last test starts netpane again with the state that it saves in its home. */
  const shared = { cols, rows, home: '' };
  beforeAll(() => {
    shared.home = newHome();
  });
  const show = useScreen(scene, shared);

  describe('copying works', () => {
    test.skipIf(!hasTmux)(
      'in tmux with default settings, at 80×24 (skipped elsewhere: tmux is not installed)',
      async () => {
        const home = newHome();
        const socket = join(home, 'tmux');
        const tmux = (...args: string[]) => spawnSync('tmux', ['-S', socket, ...args]).stdout.toString();
        cleanUp(() => tmux('kill-server'));
        // Several arguments: tmux runs them without the shell of the user, which may allow no login.
        const netpane = [process.execPath, program, '--process', scene.name];
        const t = Terminal.start({
          command: 'tmux',
          args: ['-S', socket, '-f', '/dev/null', '-u', 'new-session', ...netpane],
          cols: 80,
          rows: 25,
          home,
        });
        cleanUp(() => t.close());
        await t.until('the scene', () => t.text().includes(`${SCENE_SIZE} of `));
        t.write('y');
        await t.until('the message', () =>
          /copied row \(\d+ columns\) · tmux buffer and clipboard/.test(t.text()),
        );
        const row = tmux('show-buffer');
        expect(row.split('\t')[0]).toBe(`${scene.name}-cli`);
        // The row has more columns than fit in 80 cells.
        expect(row.split('\t')).toContain(String(scene.client.pid));
        expect(clipboard(t)).toEqual([row]);
        t.write('Y');
        await t.until('the cell', () => /copied \d[\d.]+:\d+ · tmux buffer and clipboard/.test(t.text()));
        expect(tmux('show-buffer')).toMatch(/^[\d.]+:\d+$/);
        await quit(t);
      },
    );

    test.skipIf(!hasScreen)(
      'in screen with default settings, at 80×24 (skipped elsewhere: screen is not installed)',
      async () => {
        // screen keeps its socket in this folder; only the owner may read it.
        const home = newHome();
        const session = uniqueName();
        const t = Terminal.start({
          command: 'screen',
          args: ['-c', '/dev/null', '-U', '-S', session, process.execPath, program, '--process', scene.name],
          env: { SCREENDIR: home },
          cols: 80,
          rows: 24,
          home,
        });
        cleanUp(() => t.close());
        cleanUp(() => spawnSync('screen', ['-S', session, '-X', 'quit'], { env: { SCREENDIR: home } }));
        await t.until('the scene', () => t.text().includes(`${SCENE_SIZE} of `));
        t.write('y');
        await t.until('the message', () =>
          /copied row \(\d+ columns\) · OSC 52 through screen/.test(t.text()),
        );
        // The terminal gets the pieces as one sequence.
        const [row = '', ...others] = await t.until('the sequence', () => {
          const found = clipboard(t);
          return found.length > 0 && found;
        });
        expect(others).toEqual([]);
        expect(row.split('\t')).toEqual(
          expect.arrayContaining([`${scene.name}-cli`, String(scene.client.pid)]),
        );
        await quit(t);
      },
    );

    test.each([
      ['in a bare terminal', show, 'OSC 52, if allowed'],
      [
        'in screen, through its envelope',
        () => showScene(scene, { cols, rows, env: { STY: '1.pts-0.host' } }),
        'OSC 52 through screen',
      ],
    ])('%s, at five sizes', async (_, start, way) => {
      const t = await start();
      t.write('y');
      await t.until('the message', () => /^copied row \(\d+ columns\) · /.test(filterLine(t)));
      expect(filterLine(t)).toContain(way);
      await t.until('the sequence', () => clipboard(t).length > 0 || t.received().includes('\x1bP\x1b]52'));
      await atEachSize(t, async () => {
        // Another key removes the message of the previous size.
        t.press('home');
        await t.until('no message', () => !filterLine(t).startsWith('copied'));
        t.write('y');
        await t.until('the message', () => filterLine(t).startsWith('copied row ('));
      });
      // Joins the pieces of the envelope, as screen does.
      const text = t
        .received()
        .toString('latin1')
        .replace(/\x1b\\\x1bP|\x1bP|\x1b\\/g, '');
      const [, base64 = ''] = /\x1b\]52;c;([\w+/=]*)\x07/.exec(text) ?? [];
      const row = Buffer.from(base64, 'base64').toString();
      expect(row.split('\t')).toEqual(
        expect.arrayContaining([`${scene.name}-cli`, String(scene.client.pid)]),
      );
    });
  });

  test('a prompt loses neither rows nor text, at five sizes', async () => {
    const t = await show();
    const shows = (count: number) => socketCounts(t).shown === count;
    expect(t.modes().bracketedPaste).toBe(true);
    // The rows stay while the query is invalid, and while a name is looked up.
    typeQuery(t, `process:${scene.name}-cli rport:5432 `);
    await t.until('four rows', () => shows(4));
    t.write('(');
    await t.until('what is missing', () => filterLine(t).includes('expected'));
    await atEachSize(t, () => expect(tableLines(t)).toHaveLength(4));
    t.press('backspace');
    t.write('@localhost');
    await t.until('the addresses', () => shows(4) && !titleLine(t).includes('localhost'));
    t.write('.invalid');
    await t.until('the answer', () => /localhost\.invalid(: [^l]|\?)/.test(titleLine(t)));
    await atEachSize(t, () => expect(tableLines(t)).toHaveLength(4));
    // Several pasted lines are one text, and accept nothing.
    t.press('ctrl-u');
    t.write(`\x1b[200~process:${scene.name}-cli\nrport:5432\n\x1b[201~`);
    await t.until('the pasted text', () => shows(4) && /^\/ .*rport:5432 /.test(filterLine(t)));
    t.press('enter');
    await t.until('the query', () => titleLine(t).includes('PROCESS'));
    // A file that cannot be saved: its name is there again.
    t.write('w/nowhere/a.csv\r');
    await t.until('the reason', () => titleLine(t).includes('not saved: no such directory'));
    await atEachSize(t, () => expect(filterLine(t)).toContain('save to: /nowhere/a.csv'));
    t.press('escape');
    await t.until('the titles', () => titleLine(t).includes('PROCESS'));
  });

  test('the event log keeps closes under `new`, `b` and an age, at five sizes', async () => {
    const herd = newHerd();
    const [server, client] = await Promise.all([herd.spawn(), herd.spawn()]);
    const t = await show([120, 40]);
    t.write('e');
    for (const [words, keys] of [
      ['new :PORT', ''],
      [':PORT', 'b'],
      [':PORT age<1m', ''],
    ] as const) {
      const listener = await server.listen();
      const query = words.replace('PORT', String(listener.local.port));
      typeQuery(t, `${query}\r${keys}`);
      await t.until('the query', () => filterLine(t).includes(query) && /(new|age<1m)/.test(filterLine(t)));
      const { near } = await client.connect(server, listener);
      const [end = listener] = near;
      await t.until('the spawn', () => eventsOf(t, end).some((line) => line.startsWith('+')));
      await client.close(near, { reset: true });
      await t.until('the close', () => eventsOf(t, end).some((line) => line.startsWith('-')));
      // The log follows its end, where the close is; the query leaves only events of this port.
      await atEachSize(t, () => expect(t.text()).toMatch(/^\d\d:\d\d:\d\d\S* - /m));
      await resize(t, 120, 40);
    }
    await escape(t, () => !t.text().includes('EVENTS'));
  });

  // Last, because it ends the screen that the tests share.
  test('the next start has the layout and a line about the last filter, not the query, at five sizes', async () => {
    const query = `process:${scene.name}`;
    const t = await show();
    t.write('S');
    await t.until('the order', () => titleLine(t).includes('▾'));
    t.press('enter');
    await t.until('the details', () => t.text().includes('DETAILS'));
    // `q` would only close the details.
    t.press('ctrl-c');
    await t.exited;
    expect(t.modes().bracketedPaste).toBe(false);

    const again = startNetpane(shared);
    await again.until('the line', () => filterLine(again).startsWith(`last filter: ${query} (/ ↑)`));
    await atEachSize(again, () => {
      expect(filterLine(again)).toMatch(/^last filter: process:np/);
      expect(again.text()).not.toContain('DETAILS');
      expect(titleLine(again)).toContain('▾');
    });
    again.write('/');
    again.press('up');
    again.press('enter');
    await again.until('the scene', () => socketCounts(again).shown === SCENE_SIZE);
  });

  describe.skipIf(!isRoot || !hasMounts)(
    'a start through sudo (skipped otherwise: needs root and a mount namespace)',
    () => {
      test('uses the configuration and state of the caller, and leaves no file of root in the home', async () => {
        const [uid, home] = [4242, newHome()];
        // sudo is imitated by its variables, the user by a passwd(5) of its own in a mount namespace.
        const passwd = join(newHome(), 'passwd');
        writeFileSync(passwd, `root:x:0:0::/root:/bin/sh\nana:x:${uid}:${uid}::${home}:/bin/sh\n`);
        const config = join(home, '.config', 'netpane', 'config.toml');
        mkdirSync(dirname(config), { recursive: true });
        writeFileSync(config, `query = "process:${scene.name}"\n`);
        spawnSync('chown', ['-R', `${uid}:${uid}`, home]);
        const t = startNetpane({
          through: ['unshare', '-m', 'sh', '-c', 'mount --bind "$0" /etc/passwd && exec "$@"', passwd],
          env: { SUDO_UID: String(uid), SUDO_USER: 'ana', SUDO_GID: String(uid) },
          cols: 80,
          rows: 24,
        });
        await t.until('the query of the configuration', () => t.text().includes(`${SCENE_SIZE} of `));
        t.write('w~/saved.csv\r');
        await t.until('the saved file', () => filterLine(t).includes(`saved ${SCENE_SIZE} sockets`));
        t.write('q');
        await t.exited;
        const paths = readdirSync(home, { recursive: true, encoding: 'utf8' });
        expect(paths).toContain('saved.csv');
        expect(paths).toContain(join('.local', 'state', 'netpane', 'state.json'));
        for (const path of paths) expect([path, statSync(join(home, path)).uid]).toEqual([path, uid]);
      });
    },
  );
});
