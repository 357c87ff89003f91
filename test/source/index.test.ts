import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Snapshot } from '../../src/model/batch.ts';
import { openSource, SOURCE_NAMES } from '../../src/source/index.ts';
import { LACKS } from '../../src/source/macos/lacks.ts';
import { type Source, SourceFailed, type SourceOptions, SourceUnavailable } from '../../src/source/types.ts';
import { snapshot } from '../helpers/fakes.ts';

const openers = vi.hoisted(() => ({
  sockDiag: vi.fn<(options: SourceOptions) => Promise<Source>>(),
  procNet: vi.fn<(options: SourceOptions) => Promise<Source>>(),
  pcblist: vi.fn<(options: SourceOptions) => Promise<Source>>(),
  nettop: vi.fn<(options: SourceOptions) => Promise<Source>>(),
  iphlpapi: vi.fn<(options: SourceOptions) => Promise<Source>>(),
  portable: vi.fn<() => Source>(),
}));
vi.mock('../../src/source/windows/open.ts', () => ({ openIphlpapi: openers.iphlpapi }));
vi.mock('../../src/source/linux/open.ts', () => ({
  openSockDiag: openers.sockDiag,
  openProcNet: openers.procNet,
}));
vi.mock('../../src/source/macos/open.ts', () => ({
  openPcblist: openers.pcblist,
  openNettop: openers.nettop,
}));
vi.mock('../../src/source/portable/portable.ts', () => ({ portableSource: openers.portable }));

const OPTIONS: SourceOptions = { also: ['unix'], tcpDetails: true, ownerBudgetMs: 5 };

const NOTICE = { code: 'own', text: 'a notice of its own', short: 'own' };

/** A source with this name and one notice of its own. */
const working = (name: string): Source => ({
  name,
  read: async (): Promise<Snapshot> => ({ ...snapshot([]), degradations: [NOTICE] }),
});

const platform = vi.spyOn(process, 'platform', 'get');
beforeEach(() => {
  platform.mockReturnValue('linux');
  openers.sockDiag.mockReset().mockResolvedValue(working('sock_diag'));
  openers.procNet.mockReset().mockResolvedValue(working('/proc/net'));
  openers.pcblist.mockReset().mockResolvedValue(working('pcblist'));
  openers.nettop.mockReset().mockResolvedValue(working('nettop'));
  openers.iphlpapi.mockReset().mockResolvedValue(working('iphlpapi'));
  openers.portable.mockReset().mockReturnValue(working('systeminformation'));
});
afterEach(() => {
  platform.mockReset();
});

const notices = async (source: Source) =>
  (await source.read()).degradations.filter(({ code }) => code !== 'own').map(({ text }) => text);

const failOpening = (opener: keyof typeof openers, reason: string) =>
  openers[opener].mockImplementation(() => {
    throw new SourceUnavailable(reason);
  });

describe('the best source that works', () => {
  test('is sock_diag, without a notice and with the given options', async () => {
    const source = await openSource(undefined, OPTIONS);
    expect(source.name).toBe('sock_diag');
    expect((await source.read()).degradations).toEqual([NOTICE]);
    expect(openers.sockDiag).toHaveBeenCalledWith(OPTIONS);
    expect(openers.procNet).not.toHaveBeenCalled();
  });

  test('falls back to /proc/net, with a notice after its own: the reason and what is missing', async () => {
    failOpening('sockDiag', 'the package koffi is not installed');
    const source = await openSource(undefined, OPTIONS);
    expect(source.name).toBe('/proc/net');
    expect(openers.procNet).toHaveBeenCalledWith(OPTIONS);
    expect((await source.read()).degradations).toEqual([
      NOTICE,
      {
        code: 'fallback',
        text: expect.stringMatching(
          /^no sock_diag: the package koffi is not installed: traffic and round-trip times, .* not shown$/,
        ) as string,
        short: 'no traffic',
      },
    ]);
  });

  test('falls back to systeminformation, with both reasons and everything that is missing', async () => {
    failOpening('sockDiag', 'this kernel has no inet_diag');
    failOpening('procNet', '/proc/net cannot be read');
    const source = await openSource(undefined, OPTIONS);
    expect(source.name).toBe('systeminformation');
    const [text, ...others] = await notices(source);
    expect(others).toEqual([]);
    expect(text).toMatch(
      /^no sock_diag: this kernel has no inet_diag; no proc: \/proc\/net cannot be read: traffic and .*; polls take much longer/,
    );
  });

  test('gives no notice on a system that has only systeminformation, and tries no source of another system', async () => {
    platform.mockReturnValue('freebsd');
    const source = await openSource(undefined, OPTIONS);
    expect(openers.sockDiag).not.toHaveBeenCalled();
    expect(openers.procNet).not.toHaveBeenCalled();
    expect(source.name).toBe('systeminformation');
    expect(await notices(source)).toEqual([]);
  });

  test('is pcblist on macOS, without a notice', async () => {
    platform.mockReturnValue('darwin');
    const source = await openSource(undefined, OPTIONS);
    expect(source.name).toBe('pcblist');
    expect(await notices(source)).toEqual([]);
    expect(openers.nettop).not.toHaveBeenCalled();
    expect(openers.sockDiag).not.toHaveBeenCalled();
  });

  test('falls back to nettop on macOS, with the reason and what is missing: not traffic', async () => {
    platform.mockReturnValue('darwin');
    failOpening('pcblist', 'macOS withholds all 100 TCP sockets from netpane');
    const source = await openSource(undefined, OPTIONS);
    expect(source.name).toBe('nettop');
    expect(openers.nettop).toHaveBeenCalledWith(OPTIONS);
    expect((await source.read()).degradations).toEqual([
      NOTICE,
      {
        code: 'fallback',
        text: `no pcblist: macOS withholds all 100 TCP sockets from netpane: ${LACKS.nettop}`,
        short: 'slow polls',
      },
    ]);
  });

  test('falls back to systeminformation on macOS, with both reasons and everything that is missing', async () => {
    platform.mockReturnValue('darwin');
    failOpening('pcblist', 'the package koffi is not installed');
    failOpening('nettop', 'nettop lists no sockets');
    const source = await openSource(undefined, OPTIONS);
    expect(source.name).toBe('systeminformation');
    expect((await source.read()).degradations.at(-1)).toEqual({
      code: 'fallback',
      text:
        'no pcblist: the package koffi is not installed; no nettop: nettop lists no sockets: ' +
        `${LACKS.nettop}; ${LACKS.systeminformation}`,
      short: 'no traffic',
    });
    expect(openers.sockDiag).not.toHaveBeenCalled();
  });

  test('is iphlpapi on Windows, without a notice', async () => {
    platform.mockReturnValue('win32');
    const source = await openSource(undefined, OPTIONS);
    expect(source.name).toBe('iphlpapi');
    expect(await notices(source)).toEqual([]);
    expect(openers.sockDiag).not.toHaveBeenCalled();
  });

  test('falls back to systeminformation on Windows, with the reason and what is missing there', async () => {
    platform.mockReturnValue('win32');
    failOpening('iphlpapi', 'the package koffi is not installed');
    const source = await openSource(undefined, OPTIONS);
    expect(source.name).toBe('systeminformation');
    expect(await notices(source)).toEqual([
      'no iphlpapi: the package koffi is not installed: polls take much longer, and traffic, services and the age of ' +
        'sockets are not shown',
    ]);
  });

  test('says why better sources do not work if the poll of the last one fails', async () => {
    platform.mockReturnValue('win32');
    failOpening('iphlpapi', 'the package koffi is not installed');
    openers.portable.mockReturnValue({
      name: 'systeminformation',
      read: async () => Promise.reject(new SourceFailed('netstat printed nothing')),
    });
    const source = await openSource(undefined, OPTIONS);
    await expect(source.read()).rejects.toThrow(
      'netstat printed nothing (no iphlpapi: the package koffi is not installed)',
    );
  });

  test('rejects with the reason of each source if none works', async () => {
    failOpening('sockDiag', 'one');
    failOpening('procNet', 'two');
    failOpening('portable', 'three');
    await expect(openSource(undefined, OPTIONS)).rejects.toThrow(
      'no source works on this machine (no sock_diag: one; no proc: two; no systeminformation: three)',
    );
  });

  test('rejects on a programming error instead of falling back', async () => {
    openers.sockDiag.mockRejectedValue(new TypeError('undefined is not a function'));
    await expect(openSource(undefined, OPTIONS)).rejects.toThrow(TypeError);
    expect(openers.procNet).not.toHaveBeenCalled();
  });
});

describe('a source chosen by name', () => {
  test('gives no notice for sock_diag', async () => {
    const source = await openSource('sock_diag', OPTIONS);
    expect(source.name).toBe('sock_diag');
    expect(await notices(source)).toEqual([]);
  });

  test.each([
    ['proc', '/proc/net', /^--source proc: traffic and [^;]*$/],
    [
      'systeminformation',
      'systeminformation',
      /^--source systeminformation: traffic and .*; polls take much longer/,
    ],
  ] as const)('%s: the notice says what is missing', async (name, shown, text) => {
    const source = await openSource(name, OPTIONS);
    expect(source.name).toBe(shown);
    expect(await notices(source)).toEqual([expect.stringMatching(text)]);
    expect(openers.sockDiag).not.toHaveBeenCalled();
  });

  test('rejects with advice if the source cannot work', async () => {
    failOpening('sockDiag', 'this is not Linux');
    await expect(openSource('sock_diag', OPTIONS)).rejects.toThrow(
      "source 'sock_diag' does not work on this machine: this is not Linux; without --source netpane picks one that does",
    );
    expect(openers.procNet).not.toHaveBeenCalled();
  });

  test('rejects with a programming error unchanged', async () => {
    openers.procNet.mockRejectedValue(new TypeError('undefined is not a function'));
    await expect(openSource('proc', OPTIONS)).rejects.toThrow(TypeError);
  });
});

test('the names of the sources', () => {
  expect(SOURCE_NAMES).toEqual(['sock_diag', 'proc', 'pcblist', 'nettop', 'iphlpapi', 'systeminformation']);
});

test('a source that captures no names says so, if names are wanted', async () => {
  const captures = { hasEnded: false, opened: () => undefined, ended: () => undefined };
  expect(await notices(await openSource(undefined, { ...OPTIONS, captures }))).toEqual([]);
  expect(await notices(await openSource('proc', OPTIONS))).toHaveLength(1);
  expect(await notices(await openSource('proc', { ...OPTIONS, captures }))).toContain(
    'names that programs ask for are not seen: only the source sock_diag captures them',
  );
});
