// netpane and its packages start only programs of the system, whatever the environment says.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type HerdSocket, root } from '../helpers/herd.ts';
import {
  cleanUp,
  isLinux,
  isRoot,
  newHerd,
  program,
  rowOf,
  runNetpane,
  startNetpane,
  uniqueName,
} from './netpane.ts';

/** Names of programs that netpane, pidusage, systeminformation and blessed start, or by which they find or start others. */
const WANTED = [
  'nft',
  'iptables-save',
  'ip6tables-save',
  'getconf',
  'netstat',
  'ss',
  'ps',
  'cat',
  'tmux',
  'sh',
  'bash',
  'which',
  'lsof',
  'grep',
  'node',
];

let mark: string;
let list: string;
let env: Record<string, string>;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'netpane-path-'));
  cleanUp(() => rmSync(folder, { recursive: true }));
  mark = join(folder, 'ran');
  list = join(folder, 'list');
  writeFileSync(list, '');
  const planted = (path: string): string => {
    writeFileSync(path, `#!/bin/sh\necho "$0 $*" >> ${mark}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  mkdirSync(join(folder, 'bin'));
  for (const name of WANTED) planted(join(folder, 'bin', name));
  const script = planted(join(folder, 'script'));
  env = {
    PATH: `${join(folder, 'bin')}:.:bin:${process.env['PATH'] ?? ''}`,
    BASH_ENV: script,
    ENV: script,
    IFS: '/',
    'BASH_FUNC_getconf%%': `() { echo function >> ${mark}; }`,
    LD_LIBRARY_PATH: folder,
    PIDUSAGE_USE_PS: 'true',
    // In tmux, blessed runs tmux to get its version.
    TMUX: '/tmp/tmux-0/default,1,0',
    NETPANE_CHILDREN: list,
  };
});

const nodeArgs = ['--import', join(root, 'test', 'helpers', 'children.mjs')];

interface Child {
  readonly args: readonly string[];
  readonly env: readonly string[];
}

/** Returns the programs that were started, without the Node processes that netpane itself needs. */
const children = (): readonly Child[] =>
  readFileSync(list, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Child)
    .filter(({ args: [command] }) => command !== process.execPath);

/** Checks that no planted program ran, and that no planted variable reached a child. */
function expectClean(): void {
  expect(existsSync(mark) ? readFileSync(mark, 'utf8') : '').toBe('');
  for (const { env: pairs } of children()) {
    expect(pairs).toContain('PATH=/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin');
    const names = pairs.map((pair) => pair.slice(0, pair.indexOf('=')));
    expect(names.filter((name) => /^(?:LD_|BASH_|ENV$|IFS$|PIDUSAGE_USE)/.test(name))).toEqual([]);
  }
}

describe.skipIf(!isLinux)('programs of PATH (skipped elsewhere: the herd needs Linux)', () => {
  const name = uniqueName();
  let listener: HerdSocket;
  beforeAll(async () => {
    listener = await (await newHerd().spawn({ title: name })).listen();
  });

  test.each([[[]], [['--source', 'proc']], [['--source', 'systeminformation']]])(
    'are not started by the screen and its details, with %j',
    async (args) => {
      const t = startNetpane({ args: ['--process', name, ...args], env, nodeArgs });
      await t.until('the listener', () => rowOf(t, listener)?.process);
      t.press('enter');
      await t.until('the usage', () => /usage +CPU/.test(t.text()));
      const commands = children().map((child) => child.args.join(' '));
      expect(commands.filter((each) => each.includes('getconf'))).toHaveLength(2);
      // Only the source systeminformation runs netstat.
      expect(commands.some((each) => each.includes('netstat'))).toBe(args.includes('systeminformation'));
      // Root sees the rules of the firewall about the listener.
      const others = commands.filter((each) => !/^(?:nft|ip6?tables(?:-legacy)?-save)\b/.test(each));
      if (!args.includes('systeminformation')) expect(others).toHaveLength(2);
      if (!isRoot) expect(others).toEqual(commands);
      expectClean();
    },
  );

  test.each([[[]], [['--source', 'proc']], [['--source', 'systeminformation']]])(
    'are not started by ls, with %j',
    async (args) => {
      const { code } = await runNetpane(['ls', '--port', '1', ...args], {
        env: { ...env, HOME: '/' },
        nodeArgs,
      });
      expect(code).toBe(0);
      expect(children().length > 0).toBe(args.includes('systeminformation'));
      expectClean();
    },
  );

  test('leave a mark if they run, which shows that these tests would notice one', async () => {
    const node = join(env['PATH']?.split(':')[0] ?? '', 'node');
    await runNetpane(['--version'], { through: [node], env, file: program });
    expect(readFileSync(mark, 'utf8')).toContain('--version');
  });
});
