import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/cli/config/load.ts';
import { StateFile } from '../../../src/cli/config/state-file.ts';
import { checkOwner, processUser, trustedPath, Untrusted } from '../../../src/cli/config/trust.ts';
import { useFolders } from '../../helpers/folder.ts';

const isRoot = process.geteuid?.() === 0;
const OTHER = 4242;

const newFolder = useFolders();
let home: string;
let config: string;
beforeEach(() => {
  // Below /tmp, which is sticky: other users can add files there, but not replace those of root.
  home = newFolder();
  config = join(home, '.config', 'netpane', 'config.toml');
  mkdirSync(dirname(config), { recursive: true });
  writeFileSync(config, 'interval = "9s"\n');
});

/** Returns the message if the default file is ignored; undefined if it is read. */
async function refusal(): Promise<string | undefined> {
  const said: string[] = [];
  const file = await loadConfig(
    undefined,
    { HOME: home },
    () => undefined,
    (text) => said.push(text),
  );
  expect(file === undefined).toBe(said.length === 1);
  return said[0];
}

const asked = (path = config) =>
  loadConfig(path, {}, () => undefined, expect.unreachable).catch((error: unknown) => String(error));

const owned = (path: string) => `${path} is owned by user ${OTHER}, not by root`;
const writable = (path: string, mode: string) => `${path} is writable by other users (mode ${mode})`;

describe.runIf(isRoot)('as root (skipped otherwise: files are given to another user)', () => {
  test('reads a file of root', async () => {
    expect(await refusal()).toBeUndefined();
    expect(trustedPath(config)).toBe(config);
  });

  test.each([
    ['the file', () => config],
    ['its directory', () => dirname(config)],
    ['a directory above', () => join(home, '.config')],
    ['the home', () => home],
  ])('rejects a configuration if %s belongs to another user or is writable by others', async (_, which) => {
    const path = which();
    chownSync(path, OTHER, OTHER);
    expect(await refusal()).toBe(`configuration file ignored: ${owned(path)}`);
    expect(await asked()).toContain(`${config} is not safe to read as root: ${owned(path)}`);
    chownSync(path, 0, 0);
    for (const mode of ['722', '770', '666', '777']) {
      chmodSync(path, parseInt(mode, 8));
      expect(await refusal()).toBe(`configuration file ignored: ${writable(path, mode)}`);
    }
    chmodSync(path, 0o755);
    expect(await refusal()).toBeUndefined();
  });

  test.each([
    ['the file', () => config],
    ['its directory', () => dirname(config)],
    ['all of it', () => join(home, '.config')],
  ])('rejects nothing in the home of another user if %s is missing', async (_, which) => {
    rmSync(which(), { recursive: true });
    chownSync(home, OTHER, OTHER);
    const said: string[] = [];
    const load = () =>
      loadConfig(
        undefined,
        { HOME: home },
        () => undefined,
        (text) => said.push(text),
      );
    expect([await load(), said]).toEqual([undefined, []]);
    rmSync(join(home, '.config'), { recursive: true, force: true });
    writeFileSync(join(home, '.config'), 'no directory');
    expect([await load(), said]).toEqual([undefined, []]);
  });

  test('rejects a sticky directory of another user, and a writable file in a sticky directory of root', async () => {
    chmodSync(dirname(config), 0o1777);
    expect(await refusal()).toBeUndefined();
    chmodSync(config, 0o646);
    expect(await refusal()).toContain(writable(config, '646'));
    chmodSync(config, 0o644);
    chownSync(dirname(config), OTHER, OTHER);
    expect(await refusal()).toContain(owned(dirname(config)));
  });

  describe('follows a symbolic link', () => {
    let target: string;
    beforeEach(() => {
      target = join(home, 'dotfiles', 'netpane.toml');
      mkdirSync(dirname(target));
      renameSync(config, target);
      symlinkSync('../../dotfiles/netpane.toml', config);
    });

    test('of root to a file of root', async () => {
      expect(await refusal()).toBeUndefined();
      expect(trustedPath(config)).toBe(target);
    });

    test('but not a link of another user', async () => {
      lchownSync(config, OTHER, OTHER);
      expect(await refusal()).toContain(owned(config));
    });

    test('but not to a place where another user can write', async () => {
      chownSync(target, OTHER, OTHER);
      expect(await refusal()).toContain(owned(target));
      chownSync(target, 0, 0);
      chownSync(dirname(target), OTHER, OTHER);
      expect(await refusal()).toContain(owned(dirname(target)));
    });

    test('but not endlessly', async () => {
      rmSync(config);
      symlinkSync(config, config);
      expect(await refusal()).toBe(`configuration file ignored: too many symbolic links in ${config}`);
    });
  });

  test('checks both sides of a directory that is a link', async () => {
    const real = join(home, 'real');
    renameSync(dirname(config), real);
    symlinkSync(real, dirname(config));
    expect(await refusal()).toBeUndefined();
    chmodSync(real, 0o777);
    expect(await refusal()).toContain(writable(real, '777'));
  });

  test('checks the opened file, not the one that had the path before', () => {
    const path = trustedPath(config);
    // Another user's file is moved to the path between the check of the path and open(2).
    expect(() => checkOwner(path, { uid: OTHER, gid: 0, mode: 0o100_644 })).toThrow(Untrusted);
    expect(() => checkOwner(path, { uid: 0, gid: 0, mode: 0o100_664 })).toThrow(Untrusted);
  });

  test('rejects the saved state if others can write its file or a directory above', () => {
    const path = join(home, '.local', 'state', 'netpane', 'state.json');
    const state = {
      version: 1 as const,
      query: '',
      sort: { column: 'process' as const, descending: false },
      group: null,
      columns: null,
      theme: null,
      serviceNames: false,
      views: [],
      known: [],
      history: [],
      panes: [],
    };
    const said: string[] = [];
    const open = () => new StateFile({ HOME: home }, (text) => said.push(text));
    open().save(state);
    const before = readFileSync(path, 'utf8');
    for (const each of [path, dirname(path), home]) {
      chmodSync(each, 0o777);
      expect(open().load()).toBeUndefined();
      open().save({ ...state, query: 'x' });
      expect(said.splice(0)).toEqual([
        `saved state not loaded: ${writable(each, '777')}`,
        `saved state not updated: ${writable(each, '777')}`,
      ]);
      chmodSync(each, 0o700);
    }
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(open().load()).toEqual(state);
  });
});

test('an ordinary user reads any file with permission', async () => {
  chmodSync(config, 0o666);
  const file = await loadConfig(
    undefined,
    { HOME: home },
    () => undefined,
    expect.unreachable,
    processUser(1000),
  );
  expect(file).toMatchObject({ file: config });
});

test('stops at a step that is missing or below a file', () => {
  for (const path of ['/nowhere/at/all', '/dev/null/netpane/config.toml'])
    expect(trustedPath(path)).toBe(path);
});
