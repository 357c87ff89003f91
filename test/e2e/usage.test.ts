// The command line, and netpane in different terminals, locales and networks.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Herd, type HerdSocket, root } from '../helpers/herd.ts';
import { Terminal } from '../helpers/terminal.ts';
import {
  cleanUp,
  isLinux,
  program,
  rowOf,
  runNetpane,
  startNetpane,
  uniqueName,
  unshare,
} from './netpane.ts';

describe('the command line', () => {
  test('without a terminal, suggests netpane ls', async () => {
    const { stdout, stderr, code } = await runNetpane([]);
    expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
    expect(stderr).toMatch(/^netpane: .*'netpane ls'.*\n$/);
  });

  test.each([
    ['stdin', '</dev/null'],
    ['stdout', '| cat'],
  ])('without a terminal on %s, suggests netpane ls', async (_, redirection) => {
    const command = `${process.execPath} ${program} ${redirection}; echo "code $? \${PIPESTATUS[0]}"`;
    const t = Terminal.start({ command: 'bash', args: ['-c', command], cols: 120, rows: 10 });
    cleanUp(() => t.close());
    await t.exited;
    await t.until('the code', () => /^code (?:2 2|0 2)$/m.test(t.text()));
    expect(t.text()).toContain(`'netpane ls'`);
    expect(t.received().includes('\x1b')).toBe(false);
  });

  test('with TERM=dumb, suggests netpane ls', async () => {
    const t = startNetpane({ env: { TERM: 'dumb' } });
    expect(await t.exited).toMatchObject({ exitCode: 2 });
    await t.until('the message', () => /TERM=dumb.*'netpane ls'/.test(t.text()));
    expect(t.received().includes('\x1b')).toBe(false);
  });

  test.each([
    [['--no-such-option'], /unknown option '--no-such-option'/],
    [
      ['ls', 'port:no-such-service'],
      /bad query at column 6 of 'port:no-such-service': unknown service 'no-such-service'/,
    ],
    [['-i', 'gopher'], /bad query .*unknown protocol 'gopher' after -i/],
    [['watch', '--interval', '5'], /--interval takes a duration .*500ms.*, not '5'/],
    [['config', '--port', '1'], /'netpane config' has no option --port/],
  ])('%j ends with code 2 and one line that names the mistake', async (args, message) => {
    const { stdout, stderr, code } = await runNetpane(args);
    expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^netpane: [^\n]+\n$/);
  });

  test('prints --version and --help in any place', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    // test/cli/command-line.test.ts has the other places and the short options.
    const [plain, ofLs, help, helpOfLs] = await Promise.all(
      [['--version'], ['ls', '-V'], ['--port', '1', '--help'], ['ls', '-h']].map((args) => runNetpane(args)),
    );
    for (const outcome of [plain, ofLs])
      expect(outcome).toEqual({ stdout: `netpane ${version}\n`, stderr: '', code: 0 });
    expect(help).toMatchObject({ stderr: '', code: 0 });
    const { stdout = '' } = help ?? {};
    for (const text of [
      'netpane ls',
      'netpane config',
      '--interval',
      '--port',
      '--json',
      'systeminformation',
      'Exit codes',
    ])
      expect(stdout).toContain(text);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
    expect(helpOfLs?.stdout).toContain('--limit');
    expect(helpOfLs?.stdout).not.toContain('--interval');
  });
});

describe.skipIf(!isLinux)('the environment (skipped elsewhere: the herd needs Linux)', () => {
  // Those with terminfo of their own, and names for which netpane takes that of xterm: see test/tui/terminal-names.test.ts.
  const terms = ['xterm-256color', 'screen-256color', 'linux', 'vt100', 'no-such-terminal'];
  const herd = new Herd();
  const name = uniqueName();
  let listener: HerdSocket;
  /** Part of the name of a process with characters that are not ASCII. */
  const otherName = uniqueName();
  let other: HerdSocket;
  beforeAll(async () => {
    [listener, other] = (await Promise.all(
      [name, `${otherName}漢é`].map(async (title) => (await herd.spawn({ title })).listen()),
    )) as [HerdSocket, HerdSocket];
  });
  afterAll(() => herd.close());

  test.each(terms)('TERM=%s: shows the table, takes keys and restores the terminal', async (TERM) => {
    const script = `echo before; read -r; ${process.execPath} ${program} --process ${name}; echo "after=$?"; exec cat`;
    const t = Terminal.start({ command: 'bash', args: ['-c', script], cols: 120, rows: 20, env: { TERM } });
    cleanUp(() => t.close());
    await t.until('the script', () => t.text().includes('before'));
    const [modes, tty] = [t.modes(), t.ttyModes()];
    t.press('enter');
    const row = await t.until('the listener', () => rowOf(t, listener));
    expect(row).toMatchObject({ process: name, state: 'LISTEN' });
    expect(row.age).toMatch(/^[≤>]\d+[sm]$/);
    expect(t.text()).toMatch(/PROCESS▴/);
    expect(t.rows()[19]).toMatch(/^\/ filter {2}enter details/);
    // A VT has no colours, all others have. No text is black, which the background may be.
    const colours = new Set(t.cells().flatMap((cells) => cells.map(({ fg }) => fg)));
    expect(colours.has(0)).toBe(false);
    expect(colours.size > 1).toBe(TERM !== 'vt100');
    t.press('end');
    t.press('pageup');
    t.write('/zzz');
    await t.until('the filter', () => t.rows()[2]?.includes(' zzz '));
    t.press('backspace');
    t.press('escape');
    await t.until('the row', () => rowOf(t, listener));
    t.write('q');
    await t.until('the end', () => t.text().includes('after=0'));
    // blessed prints nothing about the terminal description.
    expect(t.text().trim()).toMatch(/^(?:before\s+)?after=0$/);
    expect(t.ttyModes()).toEqual(tty);
    // The emulator is an xterm: it does not know the codes of other terminals.
    if (!/linux|vt100/.test(TERM)) expect(t.modes()).toEqual(modes);
    expect(t.modes()).toMatchObject({
      mouse: 'none',
      cursorHidden: false,
      plainStyle: true,
      plainCharset: true,
    });
  });

  test('LANG=C: writes only ASCII', async () => {
    const env = { LANG: 'C' };
    const t = startNetpane({ args: ['--process', otherName, '--interval', '200ms'], env });
    const row = await t.until('the listener', () => rowOf(t, other));
    expect(row).toMatchObject({ process: `${otherName}???` });
    expect(row.age).toMatch(/^[<>]\d+[sm]$/);
    expect(t.rows()[3]).toContain('PROCESS^');
    expect(t.rows()[1]).toContain('-0 now');
    t.write('M');
    await t.until('the graph', () => /^[_.:=+*#-]+/m.test(t.text()));
    t.write('?');
    await t.until('the help', () => t.text().includes('HELP AND QUITTING'));
    t.press('ctrl-c');
    await t.exited;
    expect(t.received().filter((byte) => byte > 126)).toEqual(Buffer.of());
  });

  test('LC_ALL=C: `ls`, --help, config and messages are ASCII, JSON and CSV are UTF-8', async () => {
    const port = `lport:${other.local.port}`;
    const env = { ...process.env, LC_ALL: 'C' };
    const run = (...args: string[]) => runNetpane(args, { env });
    const [table, help, mistake, config, json, csv] = await Promise.all([
      run('ls', port),
      run('--help'),
      run('ls', 'rx:töö…'),
      run('config', '--config', 'töö.toml', '--path'),
      run('ls', '--json', port),
      run('ls', '--csv', port),
    ]);
    for (const { stdout, stderr } of [table, help, mistake, config])
      expect(stdout + stderr).toMatch(/^\p{ASCII}+$/u);
    expect(table.stdout).toContain(`${otherName}???`);
    expect(mistake.stderr).toContain("bad query at column 1 of 'rx:t??~'");
    for (const { stdout } of [json, csv]) expect(stdout).toContain(`${otherName}漢é`);
  });

  const whyNot = unshare.length > 0 ? '' : ' (skipped: no network namespace may be made here)';
  describe.skipIf(unshare.length === 0)(`a network without sockets${whyNot}`, () => {
    test('shows `no sockets` at every size', async () => {
      const t = startNetpane({ through: unshare, args: ['--source', 'proc', '--interval', '100ms'] });
      await t.until('the text', () => t.text().includes('no sockets') && t.text().includes('0 of 0'));
      expect(t.rows()[0]).toMatch(/0 sockets {2}0 established {2}0 listening {2}0 other$/);
      // Many keys, which have no row to act on.
      t.write('lLtUnfsScem  jkG+-');
      t.press('enter');
      await t.until('the details', () => t.text().includes('no socket selected'));
      for (const key of ['home', 'end', 'pageup', 'pagedown', 'up', 'down'] as const) t.press(key);
      t.click(5, 5);
      t.write('p\rP\r/x\r');
      for (const [cols, rows] of [
        [40, 10],
        [3, 3],
        [1, 1],
      ] as const)
        t.resize(cols, rows);
      t.resize(100, 20);
      await t.until('the filter', () => t.rows()[2]?.startsWith('/ '));
      t.press('ctrl-c');
      expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
    });

    test('`ls` prints only the titles', async () => {
      // Root sees all namespaces: --netns limits the list to this one.
      const own = 'exec "$@" --netns "$(stat -L -c %i /proc/self/ns/net)"';
      const through = [...unshare, 'sh', '-c', own, 'sh'];
      const [json, { stdout, stderr, code }] = await Promise.all([
        runNetpane(['ls', '--json'], { through }),
        runNetpane(['ls'], { through }),
      ]);
      expect(json.stdout).toBe('[]\n');
      expect(stdout.split('\n')).toEqual([expect.stringMatching(/^PROCESS\tPID\t/), '']);
      // The notices are about other namespaces: hidden owners, and sockets and namespaces that cannot be seen from here.
      const elsewhere =
        /^netpane: .*(?: hidden| cannot be seen|only the network namespace| missing from).*\n/gm;
      expect({ stderr: stderr.replace(elsewhere, ''), code }).toEqual({
        stderr: '',
        code: 0,
      });
    });
  });
});
