import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { NativeGate } from '../../src/source/native-gate.ts';
import { bundled } from '../helpers/bundle.ts';

/** Returns a gate, and the words that it shares. */
function newGate() {
  const words = NativeGate.sharedWords();
  return { words, gate: new NativeGate(words) };
}

test('a closed gate lets a thread finish the step it is in, with the steps inside that one', () => {
  const { words, gate } = newGate();
  gate.enter();
  gate.close(0);
  gate.enter();
  expect([...words]).toEqual([2, 1]);
  gate.leave();
  gate.leave();
  expect([...words]).toEqual([0, 1]);
});

test('closing does not wait for a thread that is outside or has ended', () => {
  const { gate } = newGate();
  gate.enter();
  gate.leave();
  gate.close(60_000);
  const ended = newGate().gate;
  ended.enter();
  ended.noteEnd();
  ended.close(60_000);
});

describe.runIf(process.platform === 'linux')('threads that make functions and views all the time', () => {
  test('can be ended behind a closed gate', async () => {
    // koffi would abort this program, and with it the tests if they were the same program.
    const program = spawn(process.execPath, ['--eval', bundled(PROGRAM, import.meta.dirname)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const output: unknown[] = [];
    program.stdout.on('data', (text) => output.push(String(text)));
    expect(await once(program, 'close')).toEqual([0, null]);
    expect(output.join('')).toBe('20 ended\n');
  });
});

/** The program of the test: it starts threads that make functions and views, and ends each at some point. */
const PROGRAM = `
  import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
  import { CLibrary } from '../../src/source/linux/netlink/c-library.ts';
  import { NativeGate, setNativeGate } from '../../src/source/native-gate.ts';

  const code = isMainThread ? process.execArgv[process.execArgv.indexOf('--eval') + 1] : '';
  const endThread = (count, delayMs) => new Promise((resolve) => {
    const gate = NativeGate.sharedWords();
    const worker = new Worker(code, { eval: true, execArgv: [], workerData: gate });
    worker.on('message', () => setTimeout(() => {
      new NativeGate(gate).close(60_000);
      worker.terminate();
    }, delayMs));
    worker.on('exit', resolve);
  });
  const endThreads = async () => {
    for (let i = 0; i < 20; i++) await endThread(i, i % 5);
    console.log('20 ended');
  };
  const makeForEver = async () => {
    setNativeGate(new NativeGate(workerData));
    const library = await CLibrary.load();
    parentPort.postMessage('begins');
    for (;;) {
      library.call('int getpid()');
      library.free(library.allocate(64));
    }
  };
  void (isMainThread ? endThreads() : makeForEver());
`;
