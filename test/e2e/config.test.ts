// Reads and prints the configuration file.
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { root } from '../helpers/herd.ts';
import { cleanUp, isRoot, runNetpane, startNetpane, uniqueName } from './netpane.ts';

let home: string;
let file: string;
let env: Record<string, string | undefined>;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'netpane-home-'));
  cleanUp(() => rmSync(home, { recursive: true }));
  file = join(home, 'netpane', 'config.toml');
  mkdirSync(join(home, 'netpane'));
  const { PATH } = process.env;
  env = { PATH, HOME: home, XDG_CONFIG_HOME: home };
});

const run = (...args: string[]) => runNetpane(args, { env });

const script = (text: string): string => `data:text/javascript,${encodeURIComponent(text)}`;

/** Returns options of Node that make loading the configuration parser of dist/ fail. */
const withoutParser = (): string[] => [
  '--import',
  script(`import { Module } from 'node:module';
  const { load } = Module.prototype;
  Module.prototype.load = function (file) {
    if (file.includes('smol-toml')) throw new Error('must not be loaded: ' + file);
    return load.call(this, file);
  };`),
];

describe('netpane config', () => {
  test('prints every setting with its origin, and can read what it prints', async () => {
    writeFileSync(file, '# mine\ninterval = "2s"\nlinger = "1s"\n\n[[view]]\nname = "a"\n');
    const { stdout, stderr, code } = await run('config', '--linger', '5s', '--no-color');
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    for (const line of [
      `interval = "2s"  # ${file}:2`,
      'linger = "5s"  # command line',
      'theme = "mono"  # command line',
      'events = 10000  # default',
      `[[view]]  # ${file}:5`,
    ])
      expect(stdout.split('\n')).toContain(line);
    const printed = join(home, 'printed.toml');
    writeFileSync(printed, stdout);
    const again = await run('config', '--config', printed);
    const withoutOrigins = (text: string) => text.replace(/ {2}# .*/g, '');
    expect(withoutOrigins(again.stdout)).toBe(withoutOrigins(stdout));
  });

  test('--path prints the files, even if the configuration has mistakes', async () => {
    writeFileSync(file, 'interval = 5');
    const { stdout, code } = await run('config', '--path');
    expect({ stdout, code }).toEqual({
      stdout: `config  ${file}\nstate   ${join(home, '.local', 'state', 'netpane', 'state.json')}\n`,
      code: 0,
    });
    expect((await run('--help')).code).toBe(0);
  });
});

describe('mistakes in the file', () => {
  test.each([['ls'], ['watch'], ['config']])('make `%s` list them and do nothing else', async (command) => {
    const mistakes = join(root, 'fixtures', 'config', 'mistakes.toml');
    const { stdout, stderr, code } = await run(command, '--config', mistakes);
    expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
    const lines = stderr.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(20);
    for (const line of lines) expect(line).toMatch(/^netpane: \/[^:]*\/mistakes\.toml:\d+: [^\p{C}]+$/u);
  });

  test('keep the screen from opening', async () => {
    writeFileSync(file, 'interval = 5\n[');
    const t = startNetpane({ env: { XDG_CONFIG_HOME: home } });
    expect(await t.exited).toMatchObject({ exitCode: 2 });
    await t.until('the message', () => t.text().includes('config.toml:2:2: invalid TOML'));
    expect(t.received().includes('\x1b[?1049h')).toBe(false);
  });

  test.each([
    ['no such file', (path: string) => path],
    ['is a directory', (path: string) => (mkdirSync(path), path)],
    ['is not UTF-8 text', (path: string) => (writeFileSync(path, Uint8Array.of(0xff)), path)],
    ['is not a regular file', () => '/dev/zero'],
  ])('are reported with the reason if the file cannot be used: %s', async (why, make) => {
    const { stderr, code } = await run('ls', '--config', make(join(home, 'other')));
    expect(code).toBe(2);
    expect(stderr).toMatch(new RegExp(`^netpane: [^\n]* ${why}[^\n]*\n$`));
  });
});

test('does not load the parser if there is no file', async () => {
  const options = { env, nodeArgs: withoutParser() };
  expect(await runNetpane(['ls', '--port', '1'], options)).toMatchObject({ code: 0 });
  writeFileSync(file, '');
  const { stderr, code } = await runNetpane(['ls', '--port', '1'], options);
  expect(code).toBe(1);
  expect(stderr).toContain('must not be loaded');
});

test('polls at the interval for a detached tmux while no terminal is attached to it', async () => {
  // A file in place of the socket of tmux: its mode says whether a terminal is attached.
  const socket = join(home, 'tmux');
  writeFileSync(socket, '');
  chmodSync(socket, 0o660);
  const args = ['--process', uniqueName(), '--interval', '300ms', '--detached-interval', '900ms'];
  const t = startNetpane({ args, env: { TMUX: `${socket},1,0` } });
  await t.until('the interval while detached', () => t.rows()[0]?.includes('  300ms → 900ms '));
  chmodSync(socket, 0o770);
  await t.until('the usual interval', () => t.rows()[0]?.includes('  300ms  '));
});

test.runIf(isRoot)(
  'as root, does not read the file of another user, and shows a notice (skipped otherwise)',
  async () => {
    writeFileSync(file, 'source = "magic"');
    chownSync(home, 4242, 4242);
    const why = `configuration file ignored: ${home} is owned by user 4242, not by root`;
    const { stderr, code } = await run('ls', '--port', '1');
    expect(stderr.split('\n')).toContain(`netpane: ${why}`);
    expect(code).toBe(0);
    const t = startNetpane({ env: { XDG_CONFIG_HOME: home }, cols: 160 });
    await t.until('the notice', () => t.text().includes(why));
    const named = await run('ls', '--config', file);
    expect(named.code).toBe(2);
    expect(named.stderr).toContain('is not safe to read as root');
  },
);
