import { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Link } from '../../src/cli/link.ts';
import { Progress } from '../../src/model/progress.ts';
import { invocationOf, parseCommandLine } from '../../src/cli/command-line.ts';
import type { Source } from '../../src/source/types.ts';
import { snapshot } from '../helpers/fakes.ts';

let before: unknown[] = [];
beforeEach(() => {
  // The real one would take rights from the thread of the tests, for good.
  vi.doMock('../../src/source/confine.ts', () => ({ confineThread: async () => true }));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  before = process.listeners('uncaughtException');
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.doUnmock('../../src/source/index.ts');
  vi.doUnmock('../../src/sampler/open.ts');
  vi.doUnmock('../../src/source/confine.ts');
  process.removeAllListeners('uncaughtException');
  for (const listener of before) process.on('uncaughtException', listener as () => void);
});

/** A run of watch until it ends. */
interface End {
  readonly log: string[];
  /** Asks it to end, as the keeper does. */
  readonly end: () => void;
}

/** Runs watch with this source until it ends and returns its steps. @param act called while the source is opened */
async function watchToTheEnd(
  read: Source['read'],
  act: (end: End['end']) => void = () => {},
  out: Writable = new Writable({ write: (_chunk, _encoding, done) => done() }),
  words: readonly string[] = [],
): Promise<string[]> {
  const log: string[] = [];
  let end = () => {};
  const open = async (): Promise<Source> => {
    act(() => end());
    return { name: 'fake', read, close: () => log.push('source closed') };
  };
  vi.resetModules();
  vi.doMock('../../src/source/index.ts', async (original) => ({
    ...(await original<object>()),
    openSource: open,
  }));
  const exited = new Promise<void>((resolve) => {
    vi.spyOn(process, 'exit').mockImplementation((code) => {
      log.push(`exit ${code}`);
      resolve();
      return undefined as never;
    });
  });
  const link: Link = {
    progress: new Progress(),
    on: (_type, listener) => {
      end = () => listener({ type: 'end', code: 0 } as never);
    },
    post: (message) => {
      if (message.type === 'ended') log.push(...message.lines);
    },
  };
  const { watch } = await import('../../src/cli/watch.ts');
  await watch(invocationOf(parseCommandLine(['watch', ...words]), {}), link, { environment: {} }, out);
  await exited;
  return log;
}

test('closes a source that fails and reports the reason', async () => {
  const log = await watchToTheEnd(() => Promise.reject(new Error('the tables are broken')));
  expect(log).toEqual(['source closed', 'the tables are broken', 'exit 1']);
});

test('closes a source that fails before the sampler is returned', async () => {
  vi.doMock('../../src/sampler/open.ts', async (original) => {
    const { openSampler } = await original<typeof import('../../src/sampler/open.ts')>();
    const open: typeof openSampler = async (setup, listeners) => {
      const sampler = await openSampler(setup, listeners);
      listeners.onError(new Error('the tables are broken'));
      return sampler;
    };
    return { openSampler: open };
  });
  const log = await watchToTheEnd(async () => snapshot([]));
  expect(log).toEqual(['source closed', 'the tables are broken', 'exit 1']);
});

test('closes the source after an unexpected error', async () => {
  const log = await watchToTheEnd(async () => {
    process.emit('uncaughtException', new Error('a timer is broken'));
    return snapshot([]);
  });
  expect(log).toEqual([
    'source closed',
    expect.stringMatching(/^unexpected error:\nError: a timer is broken/),
    'exit 1',
  ]);
});

test('obeys a request to end that arrives while the source is opened', async () => {
  const log = await watchToTheEnd(
    async () => snapshot([]),
    (end) => end(),
  );
  expect(log).toEqual(['source closed', 'exit 0']);
});

test('points out a misspelled field before it waits for events', async () => {
  const say = vi.fn();
  vi.doMock('../../src/cli/say.ts', () => ({ say }));
  await watchToTheEnd(
    async () => snapshot([]),
    (end) => end(),
    undefined,
    ['proces:curl'],
  );
  vi.doUnmock('../../src/cli/say.ts');
  expect(say).toHaveBeenCalledWith('unknown field proces: did you mean process:?');
});

/** Returns a stdout whose every write fails with this error code. */
const failing = (code: string) =>
  new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })) });

test.each([
  ['EPIPE', 0, []],
  ['ECONNRESET', 0, []],
  ['ENOSPC', 1, ['cannot write to stdout: the disk is full: free some space or write elsewhere (ENOSPC)']],
  [
    'EFBIG',
    1,
    ['cannot write to stdout: the file is too large: raise the limit (ulimit -f) or write elsewhere (EFBIG)'],
  ],
  ['EXYZ', 1, ['cannot write to stdout: EXYZ']],
])('ends after a write that fails with %s, with exit code %i', async (code, exitCode, lines) => {
  const log = await watchToTheEnd(
    async () => snapshot([]),
    (end) => end(),
    failing(code),
  );
  expect(log).toEqual(['source closed', ...lines, `exit ${exitCode}`]);
});
