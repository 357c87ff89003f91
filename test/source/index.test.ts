import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Snapshot } from '../../src/model/batch.ts';
import { openSource, SOURCE_NAMES } from '../../src/source/index.ts';
import { type Source, type SourceOptions, SourceUnavailable } from '../../src/source/types.ts';
import { snapshot } from '../helpers/fakes.ts';

const doors = vi.hoisted(() => ({
  sockDiag: vi.fn<(options: SourceOptions) => Promise<Source>>(),
  procNet: vi.fn<(options: SourceOptions) => Promise<Source>>(),
  portable: vi.fn<() => Source>(),
}));
vi.mock('../../src/source/linux/open.ts', () => ({
  openSockDiag: doors.sockDiag,
  openProcNet: doors.procNet,
}));
vi.mock('../../src/source/portable/portable.ts', () => ({ portableSource: doors.portable }));

const OPTIONS: SourceOptions = { also: ['unix'], tcpDetails: true, ownerBudgetMs: 5 };

const NOTICE = { code: 'own', text: 'a notice of its own', short: 'own' };

/** A source that says its name, and one notice of its own. */
const working = (name: string): Source => ({
  name,
  read: async (): Promise<Snapshot> => ({ ...snapshot([]), degradations: [NOTICE] }),
});

const platform = vi.spyOn(process, 'platform', 'get');
beforeEach(() => {
  platform.mockReturnValue('linux');
  doors.sockDiag.mockReset().mockResolvedValue(working('sock_diag'));
  doors.procNet.mockReset().mockResolvedValue(working('/proc/net'));
  doors.portable.mockReset().mockReturnValue(working('systeminformation'));
});
afterEach(() => {
  platform.mockReset();
});

const notices = async (source: Source) =>
  (await source.read()).degradations.filter(({ code }) => code !== 'own').map(({ text }) => text);

const without = (door: keyof typeof doors, reason: string) =>
  doors[door].mockImplementation(() => {
    throw new SourceUnavailable(reason);
  });

describe('the best source that works', () => {
  test('sock_diag, with nothing to be said of it, and with what it is asked for', async () => {
    const source = await openSource(undefined, OPTIONS);
    expect(source.name).toBe('sock_diag');
    expect((await source.read()).degradations).toEqual([NOTICE]);
    expect(doors.sockDiag).toHaveBeenCalledWith(OPTIONS);
    expect(doors.procNet).not.toHaveBeenCalled();
  });

  test('then /proc/net: why not the one before, and what is lost, behind its own notices', async () => {
    without('sockDiag', 'the package koffi is not installed');
    const source = await openSource(undefined, OPTIONS);
    expect(source.name).toBe('/proc/net');
    expect(doors.procNet).toHaveBeenCalledWith(OPTIONS);
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

  test('then systeminformation: the reasons of both, and all that is lost', async () => {
    without('sockDiag', 'this kernel has no inet_diag');
    without('procNet', '/proc/net cannot be read');
    const source = await openSource(undefined, OPTIONS);
    expect(source.name).toBe('systeminformation');
    const [text, ...others] = await notices(source);
    expect(others).toEqual([]);
    expect(text).toMatch(
      /^no sock_diag: this kernel has no inet_diag; no proc: \/proc\/net cannot be read: traffic and .*; it takes much longer/,
    );
  });

  test('on another system there is but one, and nothing is lost that there could be', async () => {
    platform.mockReturnValue('darwin');
    without('sockDiag', 'this is not Linux');
    without('procNet', 'this is not Linux');
    const source = await openSource(undefined, OPTIONS);
    expect(source.name).toBe('systeminformation');
    expect(await notices(source)).toEqual([]);
  });

  test('when none works: the reason of each', async () => {
    without('sockDiag', 'one');
    without('procNet', 'two');
    without('portable', 'three');
    await expect(openSource(undefined, OPTIONS)).rejects.toThrow(
      'no source works on this machine (no sock_diag: one; no proc: two; no systeminformation: three)',
    );
  });

  test('a mistake of the program is no reason to take the next one', async () => {
    doors.sockDiag.mockRejectedValue(new TypeError('undefined is not a function'));
    await expect(openSource(undefined, OPTIONS)).rejects.toThrow(TypeError);
    expect(doors.procNet).not.toHaveBeenCalled();
  });
});

describe('a source asked for by name', () => {
  test('the best one, with nothing to be said of it', async () => {
    const source = await openSource('sock_diag', OPTIONS);
    expect(source.name).toBe('sock_diag');
    expect(await notices(source)).toEqual([]);
  });

  test.each([
    ['proc', '/proc/net', /^--source proc: traffic and [^;]*$/],
    [
      'systeminformation',
      'systeminformation',
      /^--source systeminformation: traffic and .*; it takes much longer/,
    ],
  ] as const)('%s: what is lost by it', async (name, shown, text) => {
    const source = await openSource(name, OPTIONS);
    expect(source.name).toBe(shown);
    expect(await notices(source)).toEqual([expect.stringMatching(text)]);
    expect(doors.sockDiag).not.toHaveBeenCalled();
  });

  test('one that cannot work is refused, and it is said what to do', async () => {
    without('sockDiag', 'this is not Linux');
    await expect(openSource('sock_diag', OPTIONS)).rejects.toThrow(
      "source 'sock_diag' does not work on this machine: this is not Linux; without --source netpane picks one that does",
    );
    expect(doors.procNet).not.toHaveBeenCalled();
  });

  test('a mistake of the program is told as it is', async () => {
    doors.procNet.mockRejectedValue(new TypeError('undefined is not a function'));
    await expect(openSource('proc', OPTIONS)).rejects.toThrow(TypeError);
  });
});

test('every source has a name', () => {
  expect(SOURCE_NAMES).toEqual(['sock_diag', 'proc', 'systeminformation']);
});
