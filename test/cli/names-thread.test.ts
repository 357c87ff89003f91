import { EventEmitter } from 'node:events';
import { expect, test, vi } from 'vitest';
import type { AskedName } from '../../src/model/asked-name.ts';
import type { NamesData, NamesMessage } from '../../src/names/worker.ts';

/** A thread that does nothing and records the messages it receives. */
class FakeWorker extends EventEmitter {
  static last: FakeWorker | undefined;
  readonly options: { readonly workerData: NamesData };
  readonly received: unknown[] = [];

  constructor(_: URL, options: { readonly workerData: NamesData }) {
    super();
    this.options = options;
    FakeWorker.last = this;
  }

  postMessage(message: unknown): void {
    this.received.push(message);
  }

  say(message: NamesMessage): void {
    this.emit('message', message);
  }
}

vi.mock('node:worker_threads', async (real) => ({ ...(await real<object>()), Worker: FakeWorker }));
// Loaded here: FakeWorker is not defined at the top of the file.
const { startNames } = await import('../../src/cli/names-thread.ts');

function start() {
  const names = startNames(new URL('file:///names.js'));
  const worker = FakeWorker.last;
  if (!worker) throw new Error('no thread was started');
  return { names, worker };
}

const named = (name: string): AskedName => ({ subject: '192.0.2.1', name, others: 0, from: 'dns' });

test('names before the first listener wait for it', () => {
  const { names, worker } = start();
  const heard: string[] = [];
  worker.say({ type: 'names', names: [named('a.example')], lost: 0 });
  names.onNames((found) => void heard.push(...found.map(({ name }) => name)));
  worker.say({ type: 'names', names: [named('b.example')], lost: 0 });
  expect(heard).toEqual(['a.example', 'b.example']);
  expect(names.notices()).toEqual([]);
});

test('each sampling thread has a port of its own', () => {
  const { names, worker } = start();
  const ports = [names.connect(), names.connect()];
  expect(new Set(ports).size).toBe(2);
  expect(worker.received).toHaveLength(2);
  for (const port of ports) port.close();
});

test('the port to a thread that has ended is closed', async () => {
  const { names, worker } = start();
  worker.emit('exit', 0);
  const port = names.connect();
  await new Promise<void>((resolve) => port.on('close', resolve));
  expect(worker.received).toEqual([]);
});

test('lost packets, a reason and an end of the thread are said in notices', () => {
  const { names, worker } = start();
  worker.say({ type: 'names', names: [], lost: 1 });
  expect(names.notices().map(({ short }) => short)).toEqual(['1 name lost']);
  worker.say({ type: 'names', names: [], lost: 1200 });
  expect(names.notices().map(({ short }) => short)).toEqual(['1,200 names lost']);
  expect(names.notices().map(({ text }) => text)).toEqual([
    '1,200 packets with names lost: more came at once than netpane could read',
  ]);
  worker.say({ type: 'failed', why: 'this is not Linux' });
  worker.emit('exit', 0);
  expect(names.notices()[0]?.text).toBe('names that programs ask for are not seen: this is not Linux');
});

test.each([
  ['error', new Error('out of memory'), 'the thread that parses packets failed (out of memory)'],
  ['exit', 1, 'the thread that parses packets ended'],
])('%s of the thread is a notice', (event, value, why) => {
  const { names, worker } = start();
  worker.emit(event, value);
  expect(names.notices().map(({ text }) => text)).toEqual([
    `names that programs ask for are not seen: ${why}`,
  ]);
});

test('the end waits for the start of the thread, and not for a thread that has ended', () => {
  const { names, worker } = start();
  expect([...worker.options.workerData.gate]).toEqual([1, 0]);
  worker.emit('exit', 0);
  names.end();
  expect([...worker.options.workerData.gate]).toEqual([0, 1]);
});
