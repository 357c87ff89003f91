import { once } from 'node:events';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EventWaiter } from '../../../../src/source/linux/netlink/event-waiter.ts';
import { CLibrary } from '../../../../src/source/linux/netlink/c-library.ts';
import { bundled } from '../../../helpers/bundle.ts';

const NONBLOCK = 0o4000;

/** Returns both ends of a pipe. */
function makePipe(library: CLibrary): { outlet: number; inlet: number } {
  const ends = new Int32Array(2);
  expect(library.call('int pipe2(void *, int)')(ends, NONBLOCK)).toBe(0);
  const [outlet = -1, inlet = -1] = ends;
  return { outlet, inlet };
}

describe.runIf(process.platform === 'linux')('the event waiter', () => {
  let library: CLibrary;
  let waiter: EventWaiter;
  let pipe: ReturnType<typeof makePipe>;

  beforeEach(async () => {
    library = await CLibrary.load();
    waiter = new EventWaiter(library);
    pipe = makePipe(library);
    waiter.add(pipe.outlet);
  });

  afterEach(() => {
    waiter.close();
    closeSync(pipe.outlet);
    closeSync(pipe.inlet);
  });

  const ready = () => new Promise<void>((resolve) => waiter.wait(resolve));

  test('calls back when a descriptor can be read, and again as long as it can', async () => {
    const first = ready();
    writeSync(pipe.inlet, 'x');
    await first;
    await ready();
    readSync(pipe.outlet, Buffer.alloc(1));
    const next = ready();
    writeSync(pipe.inlet, 'x');
    await next;
  });

  test('watches descriptors that are added during the wait', async () => {
    const waiting = ready();
    const other = makePipe(library);
    waiter.add(other.outlet);
    writeSync(other.inlet, 'x');
    await waiting;
    closeSync(other.outlet);
    closeSync(other.inlet);
    expect(waiter.watchesAll).toBe(true);
  });

  test('says that it cannot watch a descriptor', () => {
    // A regular file or folder is always ready: epoll_ctl(2) refuses it.
    const folder = openSync('/', 'r');
    waiter.add(folder);
    closeSync(folder);
    expect(waiter.watchesAll).toBe(false);
  });

  test('does not open without a free descriptor', () => {
    vi.spyOn(library, 'call').mockReturnValue(Object.assign(() => -1, { async: () => {} }));
    expect(EventWaiter.open(library)).toBeUndefined();
    vi.restoreAllMocks();
  });

  describe('the end of a thread that waits', () => {
    /** Starts a thread. Resolves when it waits. */
    async function startThread(): Promise<Worker> {
      const worker = new Worker(bundled(THREAD, import.meta.dirname), {
        eval: true,
        resourceLimits: { maxOldGenerationSizeMb: 32 },
      });
      await once(worker, 'message');
      return worker;
    }

    test.each([
      ['is terminated', undefined, 1],
      ['exits', 'exit', 3],
      ['throws', 'throw', 1],
      ['runs out of memory', 'exhaust', 1],
      ['has nothing to do after the end of the wait', 'close', 0],
    ])('is not delayed if the thread %s', async (_, order, code) => {
      const worker = await startThread();
      worker.on('error', () => {});
      const ended = new Promise<number>((resolve) => worker.on('exit', resolve));
      if (order === undefined) void worker.terminate();
      else worker.postMessage(order);
      expect(await ended).toBe(code);
    });
  });
});

/** A thread that waits for an event that never comes, and ends in the way that a message says. */
const THREAD = `
  import { parentPort } from 'node:worker_threads';
  import { EventWaiter } from '../../../../src/source/linux/netlink/event-waiter.ts';
  import { CLibrary } from '../../../../src/source/linux/netlink/c-library.ts';
  void CLibrary.load().then((library) => {
    const waiter = new EventWaiter(library);
    waiter.wait(() => { throw new Error('nothing happened'); });
    parentPort.on('message', (order) => {
      if (order === 'exit') process.exit(3);
      if (order === 'throw') throw new Error('a mistake');
      if (order === 'close') waiter.close(), parentPort.close();
      if (order === 'exhaust') for (const all = [];;) all.push(new Array(10_000).fill({}));
    });
    parentPort.postMessage('waiting');
  });
`;
