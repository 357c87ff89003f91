import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { invocationOf, parseCommandLine } from '../../src/cli/options.ts';
import type { Source } from '../../src/source/types.ts';
import { snapshot } from '../helpers/fakes.ts';

/** What `watch` hears of. */
const HEARD: readonly (readonly [NodeJS.EventEmitter, string])[] = [
  [process.stdout, 'error'],
  [process.stderr, 'error'],
  ...['SIGHUP', 'SIGINT', 'SIGTERM', 'uncaughtException'].map((event) => [process, event] as const),
];

let before: { emitter: NodeJS.EventEmitter; event: string; listeners: unknown[] }[] = [];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  before = HEARD.map(([emitter, event]) => ({ emitter, event, listeners: emitter.listeners(event) }));
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.doUnmock('../../src/source/index.ts');
  for (const { emitter, event, listeners } of before) {
    emitter.removeAllListeners(event);
    for (const listener of listeners) emitter.on(event, listener as () => void);
  }
});

/** Watches with this source until netpane ends itself; `log` is what it did, in order. */
async function watchToTheEnd(read: Source['read'], onOpen = () => {}): Promise<string[]> {
  const log: string[] = [];
  const open = async (): Promise<Source> => {
    onOpen();
    return { name: 'fake', read, close: () => log.push('source closed') };
  };
  vi.resetModules();
  vi.doMock('../../src/source/index.ts', async (original) => ({
    ...(await original<object>()),
    openSource: open,
  }));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => log.push(String(text).trimEnd()) > 0);
  const exited = new Promise<void>((resolve) => {
    vi.spyOn(process, 'exit').mockImplementation((code) => {
      log.push(`exit ${code}`);
      resolve();
      return undefined as never;
    });
  });
  const { watch } = await import('../../src/cli/watch.ts');
  await watch(invocationOf(parseCommandLine(['watch']), {}));
  await exited;
  return log;
}

test('a source that fails: it is closed, and the reason told', async () => {
  const log = await watchToTheEnd(() => Promise.reject(new Error('the tables came to grief')));
  expect(log).toEqual(['source closed', 'netpane: the tables came to grief', 'exit 1']);
});

test('an error that should not be: the source is closed all the same', async () => {
  const log = await watchToTheEnd(async () => {
    process.emit('uncaughtException', new Error('a timer came to grief'));
    return snapshot([]);
  });
  expect(log[0]).toMatch(/^netpane: ended by an error that it did not expect:\nError: a timer came to grief/);
  expect(log.slice(1)).toEqual(['source closed', 'exit 1']);
});

test('a signal while the source is being opened is not lost', async () => {
  const log = await watchToTheEnd(
    async () => snapshot([]),
    () => process.emit('SIGTERM'),
  );
  expect(log).toEqual(['source closed', 'exit 0']);
});
