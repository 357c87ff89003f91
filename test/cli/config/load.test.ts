import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/cli/config/load.ts';
import { configPath, noPathReason, statePath } from '../../../src/cli/config/paths.ts';
import { pathsText } from '../../../src/cli/config/print.ts';
import { type FileSettings, resolveSettings, type PartialSettings } from '../../../src/cli/resolve.ts';
import { UsageError } from '../../../src/cli/values.ts';
import { anyQuery } from './parsing.ts';

describe('the configuration file', () => {
  let home: string;
  let file: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'netpane-config-'));
    file = join(home, '.config', 'netpane', 'config.toml');
    mkdirSync(join(home, '.config', 'netpane'), { recursive: true });
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  const loadIn = (environment: Record<string, string>, path?: string) =>
    loadConfig(path, environment, anyQuery, expect.unreachable);
  const load = (path?: string) => loadIn({ HOME: home }, path);

  test('is optional at its default path', async () => {
    expect(await load()).toBeUndefined();
    writeFileSync(file, '\uFEFFmouse = false');
    expect(await load()).toMatchObject({ file, settings: { mouse: false } });
    expect(await load(devNull)).toBeUndefined();
    expect(await loadIn({})).toBeUndefined();
    // `/dev/null` as XDG_CONFIG_HOME means no configuration.
    expect(await loadIn({ XDG_CONFIG_HOME: '/dev/null' })).toBeUndefined();
  });

  test('must exist if given by --config', async () => {
    const path = join(home, 'none');
    await expect(load(path)).rejects.toThrow(new UsageError(`--config: no such file: ${path}`));
  });

  test.each<[string, string | Uint8Array | null, string]>([
    ['a directory', null, 'is a directory, not a file'],
    ['not UTF-8', Uint8Array.of(0x61, 0xff), 'is not UTF-8 text'],
    ['too large', '#'.repeat(1024 * 1024 + 1), 'is larger than 1 MiB'],
  ])('is rejected: %s', async (_, contents, why) => {
    if (contents === null) mkdirSync(file);
    else writeFileSync(file, contents);
    await expect(load()).rejects.toThrow(new UsageError(`${file} ${why}`));
  });

  test('of the maximum size is read, even if hard to parse', async () => {
    const long = (open: string, fill: string, close: string) =>
      open + fill.repeat(Math.floor((1024 * 1024 - open.length - close.length) / fill.length)) + close;
    for (const text of [
      long('query = """', 'a', '"""'),
      long("query = '''", 'a\n', "'''"),
      long('query = "', '\\\\', '"'),
      long('', '#\n', ''),
    ]) {
      writeFileSync(file, text);
      expect((await load())?.file).toBe(file);
    }
  });

  test('of random bytes gives settings or a UsageError', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
        writeFileSync(file, bytes);
        await load().catch((error: unknown) => expect(error).toBeInstanceOf(UsageError));
        expect(readFileSync(file)).toEqual(Buffer.from(bytes));
      }),
    );
  });
});

test('paths follow XDG variables, or HOME if these are empty or relative', () => {
  for (const XDG_CONFIG_HOME of [undefined, '', 'x', './x'])
    expect(configPath({ HOME: '/h', XDG_CONFIG_HOME })).toBe('/h/.config/netpane/config.toml');
  expect(configPath({ HOME: '/h', XDG_CONFIG_HOME: '/x' })).toBe('/x/netpane/config.toml');
  expect(statePath({ HOME: '/h', XDG_STATE_HOME: 'x' })).toBe('/h/.local/state/netpane/state.json');
  expect(statePath({ XDG_STATE_HOME: '/x' })).toBe('/x/netpane/state.json');
  expect(statePath({ HOME: 'h' })).toBeUndefined();
  expect(pathsText('/a\u001b', { HOME: '/h' })).toBe(
    'config  /a?\nstate   /h/.local/state/netpane/state.json\n',
  );
  expect(pathsText(undefined, {})).toBe('config  none (HOME is not set)\nstate   none (HOME is not set)\n');
});

test('on Windows paths follow XDG variables, then APPDATA and LOCALAPPDATA, then the profile', () => {
  const folders = {
    APPDATA: 'D:\\Roaming',
    LOCALAPPDATA: 'D:\\Local',
    USERPROFILE: 'C:\\Users\\anna',
  };
  expect(configPath(folders, 'win32')).toBe('D:\\Roaming\\netpane\\config.toml');
  expect(statePath(folders, 'win32')).toBe('D:\\Local\\netpane\\state.json');
  expect(configPath({ ...folders, XDG_CONFIG_HOME: 'E:\\x' }, 'win32')).toBe('E:\\x\\netpane\\config.toml');
  const { USERPROFILE } = folders;
  expect(configPath({ USERPROFILE }, 'win32')).toBe(
    'C:\\Users\\anna\\AppData\\Roaming\\netpane\\config.toml',
  );
  expect(statePath({ USERPROFILE, LOCALAPPDATA: 'x' }, 'win32')).toBe(
    'C:\\Users\\anna\\AppData\\Local\\netpane\\state.json',
  );
  expect(statePath({ HOME: 'C:\\h' }, 'win32')).toBeUndefined();
  expect(noPathReason('win32')).toBe('USERPROFILE is not set');
  expect(configPath(folders, 'linux')).toBeUndefined();
});

describe('the settings in effect', () => {
  const file = (settings: PartialSettings): FileSettings => ({
    file: '/f',
    settings,
    lines: { palette: [7] },
  });

  test('the command line overrides the file, and the file the defaults', () => {
    const { settings, origins } = resolveSettings(
      { intervalMs: 1 },
      {},
      { ...file({ intervalMs: 2, lingerMs: 3 }), lines: { lingerMs: [4] } },
    );
    expect(settings).toMatchObject({ intervalMs: 1, lingerMs: 3, eventsKept: 10_000 });
    expect(origins).toMatchObject({
      intervalMs: { from: 'command line' },
      lingerMs: { from: 'file', file: '/f', lines: [4] },
      eventsKept: { from: 'default' },
    });
  });

  test.each<[string, PartialSettings, Record<string, string>, PartialSettings, string, string]>([
    ['the environment', {}, { NO_COLOR: '1' }, {}, 'mono', 'environment'],
    ['the file, over NO_COLOR', {}, { NO_COLOR: '1' }, { palette: 'standard' }, 'standard', 'file'],
    [
      'a terminal that has no colours, over the file',
      {},
      { TERM: 'vt100' },
      { palette: 'standard' },
      'mono',
      'environment',
    ],
    [
      'the command line, over all',
      { palette: 'standard' },
      { TERM: 'vt100' },
      { palette: 'mono' },
      'standard',
      'command line',
    ],
  ])('colours follow %s', (_, given, environment, inFile, palette, from) => {
    const { settings, origins } = resolveSettings(given, environment, file(inFile));
    expect([settings.palette, origins.palette.from]).toEqual([palette, from]);
  });
});
