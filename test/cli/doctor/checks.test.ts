import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { processUser } from '../../../src/cli/config/trust.ts';
import { fileChecks } from '../../../src/cli/doctor/file-checks.ts';
import { geoChecks } from '../../../src/cli/doctor/geo-checks.ts';
import { type SourceFacts, sourceChecks } from '../../../src/cli/doctor/source-checks.ts';
import { facilityChecks, limitChecks, systemChecks } from '../../../src/cli/doctor/system-checks.ts';
import { terminalChecks } from '../../../src/cli/doctor/terminal-checks.ts';
import type { Check } from '../../../src/cli/doctor/check.ts';
import { boundsFor } from '../../../src/model/bounds.ts';
import type { LinuxFacts } from '../../../src/model/system.ts';
import { useFolders } from '../../helpers/folder.ts';

/** Returns the checks by topic: `state: text`. */
const byTopic = (checks: readonly Check[]) =>
  Object.fromEntries(checks.map(({ topic, state, text }) => [topic, `${state}: ${text}`]));

const ROOT: LinuxFacts = {
  capabilities: 'all',
  lackedCapabilities: [],
  isInUserNamespace: false,
  isInPidNamespace: false,
  closeSockets: true,
  landlockAbi: 4,
  confinement: true,
  names: true,
  openFiles: { soft: '1024', hard: '524288' },
  packageDatabases: ['dpkg'],
};
const ORDINARY: LinuxFacts = {
  ...ROOT,
  capabilities: 'none',
  lackedCapabilities: ['CAP_NET_ADMIN', 'CAP_SYS_PTRACE'],
  closeSockets: 'run with sudo',
};
const IDENTITY = {
  netpane: '1.2.3',
  node: 'v22.0.0',
  system: 'linux',
  kernel: '6.10.1',
  architecture: 'x64',
  host: 'box',
  user: 'ana',
  isRoot: false,
  filesOf: undefined,
};

describe('the system', () => {
  test('nothing is missing for root', () => {
    const checks = systemChecks(
      { ...IDENTITY, user: 'root', isRoot: true, filesOf: 'ana' },
      { koffi: true, linux: ROOT },
    );
    expect(checks.filter(({ state }) => state === 'missing')).toEqual([]);
    expect(byTopic(checks)).toMatchObject({
      netpane: 'info: netpane 1.2.3, Node v22.0.0',
      system: 'info: linux 6.10.1 x64, host box',
      user: 'ok: root, with the files of ana',
    });
  });

  test('an ordinary user in a container lacks rights, and each has a remedy', () => {
    const linux = { ...ORDINARY, container: 'web', isInUserNamespace: true, isInPidNamespace: true };
    const checks = systemChecks(IDENTITY, { koffi: 'the package koffi is not installed', linux });
    expect(byTopic(checks)).toMatchObject({
      user: 'info: ana: programs of other users are hidden from it',
      capabilities: 'missing: CAP_NET_ADMIN CAP_SYS_PTRACE (effective: none)',
      container: 'info: web',
      koffi: 'missing: the package koffi is not installed',
    });
    const lacking = checks.filter(({ state }) => state === 'missing');
    expect(lacking.map(({ topic }) => topic)).toEqual([
      'capabilities',
      'user namespace',
      'pid namespace',
      'koffi',
    ]);
    for (const { remedy } of lacking) expect(remedy).toBeDefined();
  });

  test('on another system there are no checks of Linux', () => {
    expect(systemChecks(IDENTITY, { koffi: true }).map(({ topic }) => topic)).toEqual([
      'netpane',
      'system',
      'user',
      'koffi',
    ]);
    expect(facilityChecks({ koffi: true })).toEqual([]);
  });

  test.each([
    [4, 'info: ABI 4; netpane does not use it'],
    [0, 'info: this kernel has none, or it is off; netpane does not use it'],
    [undefined, 'info: unknown without koffi'],
  ])('Landlock of ABI %s', (landlockAbi, expected) => {
    expect(byTopic(facilityChecks({ koffi: true, linux: { ...ROOT, landlockAbi } }))['landlock']).toBe(
      expected,
    );
  });

  test('reports that sockets cannot be closed, and that there is no package database', () => {
    const linux = { ...ORDINARY, packageDatabases: [], confinement: 'no filters', names: 'run with sudo' };
    expect(byTopic(facilityChecks({ koffi: true, linux }))).toMatchObject({
      'close sockets': 'missing: run with sudo',
      confinement: 'missing: no filters',
      names: 'missing: run with sudo',
      packages: 'missing: no database of dpkg, apk, pacman or rpm: the details name no package',
    });
  });

  test('the limits have the bounds in use', () => {
    const checks = byTopic(limitChecks({ koffi: true, linux: ROOT }, boundsFor(1e9), 1e9));
    expect(checks['open files']).toBe('info: at most 1024, which netpane may raise to 524288');
    expect(checks['memory']).toMatch(/^info: 1,000 MB .* 173,333 sockets, 130,000 events$/);
    const linux = { ...ROOT, openFiles: { soft: '1024', hard: '1024' } };
    expect(byTopic(limitChecks({ koffi: true, linux }, boundsFor(1e9), 1e9))['open files']).toBe(
      'info: at most 1024',
    );
  });
});

describe('the source', () => {
  const IN_USE: SourceFacts = {
    name: 'sock_diag',
    sockets: 12,
    degradations: [],
    facilities: { closeMessages: true, ledger: true, trace: 'not needed', namespaces: 3 },
    coverage: { level: 'lives' },
  };

  test('nothing is missing with the ledger', () => {
    const checks = sourceChecks(IN_USE);
    expect(checks.filter(({ state }) => state === 'missing')).toEqual([]);
    expect(byTopic(checks)).toMatchObject({
      source: 'ok: sock_diag, the best one: 12 sockets',
      trace: 'info: not needed',
      namespaces: 'info: 3 network namespaces read',
      owners: 'ok: none hidden',
    });
  });

  test('a lesser source says why, notices are shown once, and other notices as such', () => {
    const notices = [
      ['fallback', 'no sock_diag: no koffi: no traffic'],
      ['missing-kinds', 'this kernel does not list sctp sockets'],
      ['owners-hidden', 'owners of 3 sockets are hidden'],
      ['stale', 'a list was incomplete'],
    ];
    const degradations = notices.map(([code = '', text = '']) => ({ code, text, short: '' }));
    const facilities = {
      closeMessages: 'no',
      ledger: 'it needs root',
      trace: 'tracing needs root',
      namespaces: 1,
    };
    const checks = sourceChecks({
      ...IN_USE,
      name: '/proc/net',
      degradations,
      facilities,
      coverage: undefined,
    });
    expect(byTopic(checks)).toEqual({
      source: 'missing: /proc/net is used: no sock_diag: no koffi: no traffic',
      'TCP and UDP': 'missing: this kernel does not list sctp sockets',
      'close messages': 'missing: no',
      ledger: 'missing: it needs root',
      trace: 'missing: tracing needs root',
      namespaces: 'info: 1 network namespace read',
      coverage: 'missing: polling only; changes between two polls are not seen',
      owners: 'missing: owners of 3 sockets are hidden',
      notice: 'info: a list was incomplete',
    });
  });

  test('no source at all is one check', () => {
    expect(sourceChecks('no source works on this machine')).toEqual([
      { topic: 'source', state: 'missing', text: 'no source works on this machine' },
    ]);
  });
});

describe('the terminal', () => {
  const TERMINAL = { isTerminal: true, columns: 120, rows: 30, colourBits: 8 };
  const NO_TERMINAL = { isTerminal: false, columns: undefined, rows: undefined, colourBits: undefined };

  test('a usual one lacks nothing', () => {
    const environment = {
      TERM: 'xterm-256color',
      COLORTERM: 'truecolor',
      LANG: 'de_DE.UTF-8',
      TMUX: '/tmp/x,1,0',
    };
    const checks = terminalChecks(environment, TERMINAL, true);
    expect(checks.filter(({ state }) => state === 'missing')).toEqual([]);
    expect(byTopic(checks)).toMatchObject({
      terminal: 'ok: TERM=xterm-256color, COLORTERM=truecolor',
      size: 'ok: 120×30',
      colours: "info: the terminal's own; it has 256",
      multiplexer: 'info: tmux',
    });
  });

  test('a console without UTF-8 lacks the mouse and marked pastes', () => {
    const checks = byTopic(
      terminalChecks({ TERM: 'linux', LANG: 'C', STY: '1.x' }, { ...TERMINAL, rows: 9 }, true),
    );
    expect(checks['UTF-8']).toMatch(/^missing/);
    expect(checks['mouse']).toMatch(/^missing: TERM=linux/);
    expect(checks['paste']).toMatch(/^missing: TERM=linux/);
    expect(checks['size']).toBe('missing: 120×9 is too small');
    expect(checks['multiplexer']).toBe('info: screen');
  });

  test('size and colours of a pipe are unknown; the mouse and colours may be off', () => {
    const checks = byTopic(terminalChecks({ NO_COLOR: '1' }, NO_TERMINAL, false));
    expect(checks).toMatchObject({
      terminal: 'missing: TERM is not set',
      size: 'info: unknown: stdout is not a terminal',
      colours: 'info: off: NO_COLOR is set',
      mouse: 'info: off by the setting mouse',
    });
    expect(byTopic(terminalChecks({}, NO_TERMINAL, false, 'win32'))['terminal']).toBe(
      'ok: the console of Windows',
    );
    expect(byTopic(terminalChecks({}, NO_TERMINAL, false))['colours']).toBe(
      'info: unknown: stdout is not a terminal',
    );
  });
});

describe('the files', () => {
  const newFolder = useFolders();

  test('are there or not, and used only if they can be', () => {
    const home = newFolder();
    const config = join(home, '.config', 'netpane', 'config.toml');
    const user = processUser(4242);
    expect(byTopic(fileChecks(undefined, { HOME: home }, user))).toEqual({
      configuration: `info: ${config}: none yet`,
      'saved state': `info: ${join(home, '.local', 'state', 'netpane', 'state.json')}: none yet`,
    });
    mkdirSync(dirname(config), { recursive: true });
    writeFileSync(config, '');
    expect(byTopic(fileChecks(config, {}, user))).toEqual({
      configuration: `ok: ${config}`,
      'saved state': 'missing: HOME is not set',
    });
  });

  test.skipIf(process.geteuid?.() !== 0)('are not used by root if others can write them', () => {
    const config = join(newFolder(), 'config.toml');
    writeFileSync(config, '');
    const checked = () => byTopic(fileChecks(config, {}, processUser(0)))['configuration'];
    expect(checked()).toBe(`ok: ${config}: no other user can change it`);
    chmodSync(config, 0o666);
    expect(checked()).toMatch(/^missing: .*config\.toml is not used: .*writable by other users/);
  });
});

test('files with countries and organisations', async () => {
  const checks = await geoChecks(['fixtures/geo/GeoLite2-ASN-Test.mmdb', 'missing.mmdb'], {});
  expect(checks.map(({ state, text }) => `${state}: ${text}`)).toEqual([
    expect.stringMatching(/^ok: fixtures\/geo\/GeoLite2-ASN-Test\.mmdb: GeoLite2-ASN, of \d{4}-\d\d-\d\d$/),
    'missing: missing.mmdb: ENOENT: no such file or directory',
  ]);
});
