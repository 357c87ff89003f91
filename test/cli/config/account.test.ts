import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { type AccountSources, openAccount } from '../../../src/cli/config/account.ts';
import { loadConfig } from '../../../src/cli/config/load.ts';
import { StateFile } from '../../../src/cli/config/state-file.ts';
import { saveSockets } from '../../../src/cli/save.ts';
import { loadLibC } from '../../../src/source/libc.ts';
import { useFolders } from '../../helpers/folder.ts';

const CALLER = 4242;
const THIRD = 4243;
const canActAs = process.geteuid?.() === 0 && process.platform === 'linux';

const newFolder = useFolders();
let folder: string;
let home: string;
let config: string;
let statePath: string;
beforeEach(() => {
  folder = newFolder();
  chmodSync(folder, 0o755);
  home = join(folder, 'ana');
  config = join(home, '.config', 'netpane', 'config.toml');
  statePath = join(home, '.local', 'state', 'netpane', 'state.json');
  mkdirSync(home);
});

/** Gives a path below the home, or the whole home, to a user. */
const give = (path: string, uid: number, gid = uid) => spawnSync('chown', ['-hR', `${uid}:${gid}`, path]);

function writeConfig(text = 'interval = "9s"\n'): void {
  mkdirSync(dirname(config), { recursive: true });
  writeFileSync(config, text);
}

interface Machine {
  env?: Record<string, string>;
  passwd?: string;
  group?: string;
  uid?: number;
}

/** Opens the account of `sudo netpane` by the user `ana`. */
async function open({ env, passwd, group = `ana:x:${CALLER}:`, uid = 0 }: Machine = {}) {
  const said: string[] = [];
  const lines = passwd ?? `root:x:0:0::/root:/bin/sh\nana:x:${CALLER}:${CALLER}::${home}:/bin/sh\n`;
  const sources: AccountSources = {
    uid,
    entry: (database, key) =>
      (database === 'passwd' ? lines : group)
        .split('\n')
        .find((line) => line.split(':')[database === 'passwd' ? 0 : 2] === key),
    users: () => lines,
    loadLibC,
  };
  const account = await openAccount(
    { HOME: '/root', SUDO_UID: String(CALLER), SUDO_USER: 'ana', ...env },
    (text) => said.push(text),
    sources,
  );
  const load = () =>
    loadConfig(
      undefined,
      account.environment,
      () => undefined,
      (text) => said.push(text),
      account,
    );
  const file = () => new StateFile(account.environment, (text) => said.push(text), account);
  return { account, said, load, file };
}

const STATE = {
  version: 1 as const,
  query: 'listen',
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

describe.runIf(canActAs)('under sudo (skipped otherwise: needs root on Linux)', () => {
  test('reads the configuration of the caller', async () => {
    writeConfig();
    give(home, CALLER);
    const { account, load, said } = await open();
    expect(account.environment['HOME']).toBe(home);
    expect(await load()).toMatchObject({ file: config });
    expect(said).toEqual([]);
  });

  test('every file and directory that is written belongs to the caller', async () => {
    give(home, CALLER);
    const { account, file, said } = await open();
    file().save(STATE);
    writeFileSync(statePath, 'damaged');
    expect(file().load()).toBeUndefined();
    file().save(STATE);
    expect(file().load()).toEqual(STATE);
    await saveSockets(join(home, 'a.csv'), [], account);
    await saveSockets('~/b.json', [], account);
    await saveSockets('!~/b.json', [], account);
    expect(said).toHaveLength(1);
    const paths = readdirSync(home, { recursive: true, encoding: 'utf8' });
    expect(paths).toHaveLength(7);
    for (const path of paths) {
      const { uid, gid } = statSync(join(home, path));
      expect([path, uid, gid]).toEqual([path, CALLER, CALLER]);
    }
    expect(statSync(statePath).mode & 0o777).toBe(0o600);
    // Afterwards this thread is root again.
    writeFileSync(join(folder, 'root'), '');
    expect(statSync(join(folder, 'root')).uid).toBe(0);
  });

  test('a file is saved as root where the caller may not write', async () => {
    give(home, CALLER);
    const { account } = await open();
    expect(await saveSockets(join(folder, 'a.csv'), [], account)).toBe(join(folder, 'a.csv'));
    expect(statSync(join(folder, 'a.csv')).uid).toBe(0);
  });

  test.each([
    ['the file', () => config],
    ['its directory', () => dirname(config)],
    ['a directory above', () => join(home, '.config')],
  ])('ignores a configuration if a third user may write %s', async (_, which) => {
    writeConfig();
    give(home, CALLER);
    const { load, said } = await open();
    chownSync(which(), THIRD, THIRD);
    expect(await load()).toBeUndefined();
    expect(said).toEqual([
      `configuration file ignored: ${which()} is owned by user ${THIRD}, not by root or user ${CALLER}`,
    ]);
    chownSync(which(), CALLER, CALLER);
    chmodSync(which(), 0o777);
    expect(await load()).toBeUndefined();
    expect(said[1]).toContain('writable by other users (mode 777)');
  });

  test('files that only the own group of the caller may write are read', async () => {
    writeConfig();
    give(home, CALLER);
    for (const path of [config, dirname(config)]) chmodSync(path, 0o775);
    const { load } = await open();
    expect(await load()).toMatchObject({ file: config });
    for (const group of [`ana:x:${CALLER}:ben`, `staff:x:${CALLER}:`]) {
      const other = await open({ group });
      expect(await other.load()).toBeUndefined();
      expect(other.said[0]).toContain('writable by other users (mode 775)');
    }
    const passwd = `ana:x:${CALLER}:${CALLER}::${home}:\nben:x:${THIRD}:${CALLER}::/:\n`;
    expect(await (await open({ passwd })).load()).toBeUndefined();
  });

  test('a link in the home leads to nothing that the caller may not read', async () => {
    mkdirSync(dirname(config), { recursive: true });
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'secret = 1\n', { mode: 0o640 });
    symlinkSync(secret, config);
    give(home, CALLER);
    const { load } = await open();
    const message = await load().catch((error: unknown) => String(error));
    expect(message).not.toContain('secret =');
    expect(message ?? '').not.toContain('unknown');
    chmodSync(secret, 0o644);
    // A file of root that everybody may read is read.
    expect(await load().catch((error: unknown) => String(error))).toContain('secret');
  });

  test('a state directory that is a link to a place of root is not written', async () => {
    mkdirSync(join(folder, 'etc'));
    mkdirSync(dirname(dirname(statePath)), { recursive: true });
    symlinkSync(join(folder, 'etc'), dirname(statePath));
    give(home, CALLER);
    const { file, said } = await open();
    file().save(STATE);
    expect(readdirSync(join(folder, 'etc'))).toEqual([]);
    expect(said[0]).toContain('saved state not updated');
  });

  test('uses the files of root if the home belongs to another user, and says so', async () => {
    const { account, said } = await open();
    expect(account.environment['HOME']).toBe('/root');
    expect(said).toEqual([`files of ana are not used: home directory ${home}: it is owned by user 0`]);
    give(home, THIRD);
    expect((await open()).said[0]).toContain(`it is owned by user ${THIRD}`);
    rmSync(home, { recursive: true });
    expect((await open()).said[0]).toContain('ENOENT');
    expect(existsSync(home)).toBe(false);
  });

  test('a given configuration file may be one that only root can read', async () => {
    give(home, CALLER);
    const { account } = await open();
    const path = join(folder, 'given.toml');
    writeFileSync(path, 'interval = "9s"\n', { mode: 0o600 });
    const given = loadConfig(path, {}, () => undefined, expect.unreachable, account);
    expect(await given).toMatchObject({ file: path });
  });
});

describe('uses the account of the process', () => {
  test.each<[string, Machine]>([
    ['without root', { uid: 1000 }],
    ['if root called sudo', { env: { SUDO_UID: '0', SUDO_USER: 'root' } }],
    ['if name and number do not agree', { env: { SUDO_UID: '4' } }],
    ['if the name is unknown', { env: { SUDO_USER: 'eve' } }],
    ['if the home is no absolute path', { passwd: `ana:x:${CALLER}:${CALLER}::home:/bin/sh` }],
    ['if the entry is damaged', { passwd: `ana:x:${CALLER}` }],
  ])('%s', async (_, machine) => {
    const { account, said } = await open(machine);
    expect(account.environment['HOME']).toBe('/root');
    expect(account.owner).toEqual(machine.uid === undefined ? { uid: 0 } : undefined);
    expect(said).toEqual([]);
  });
});

test.runIf(canActAs)(
  'finds a user in the name services of the system (skipped otherwise: needs root)',
  async () => {
    const [name = '', , uid = ''] =
      readFileSync('/etc/passwd', 'utf8')
        .split('\n')
        .find((line) => Number(line.split(':')[2]) > 0)
        ?.split(':') ?? [];
    const said: string[] = [];
    const environment = { HOME: '/nowhere', SUDO_UID: uid, SUDO_USER: name };
    const account = await openAccount(environment, (text) => said.push(text));
    // Their home may not exist or belong to root.
    expect(account.owner?.uid).toBe(said.length > 0 ? 0 : Number(uid));
  },
);
