import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Native } from '../../../../src/source/linux/netlink/native.ts';
import type { StateRecord, TraceRecord } from '../../../../src/source/linux/trace/records.ts';
import { Trace } from '../../../../src/source/linux/trace/trace.ts';
import { removeLeftovers } from '../../../../src/source/leftovers.ts';
import { TraceUnavailable } from '../../../../src/source/linux/trace/tracefs.ts';

/*
 * The real kernel: checks the assumptions of the fakes in the other tests. The trace contains all activity of the
 * machine, so each test filters for its own.
 */

/** Returns why these tests cannot run: the reason that netpane shows; undefined if they can. */
async function whyNot(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'this is not Linux';
  try {
    Trace.open(await Native.load()).close();
    return undefined;
  } catch (error) {
    if (!(error instanceof TraceUnavailable)) throw error;
    // Any other reason is a defect.
    if (/denied|needs root|no tracefs|not mounted|container/.test(error.message)) return error.message;
    throw error;
  }
}

const impossible = await whyNot();
const why = impossible === undefined ? '' : ` (skipped: ${impossible})`;

/** Starts a Node process. @returns its pid */
function start(program: string): number {
  const { pid } = spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
  if (pid === undefined) throw new Error('it did not start');
  return pid;
}

/** Connects to a port in a new process, which ends at once. @returns its pid */
const connectOnce = (host: string, port: number): number =>
  start(`require('net').connect(${port}, '${host}').on('connect', function () { this.destroy(); })`);

/** Returns true if the records have the exit of the first thread of a process. */
const hasExit =
  (pid: number) =>
  (records: readonly TraceRecord[]): boolean =>
    records.some((it) => it.type === 'exit' && it.pid === pid);

/** Connects and closes repeatedly in a new process. */
async function churn(port: number, connections: number): Promise<void> {
  const program = `const { connect } = require('net');
    const next = (left) => left && connect(${port}, '127.0.0.1').on('connect', function () { this.destroy(); }).on('close', () => next(left - 1));
    next(${connections});`;
  const [status] = (await once(spawn(process.execPath, ['-e', program]), 'exit')) as [number];
  expect(status).toBe(0);
}

describe.skipIf(impossible !== undefined)(`the trace of the kernel${why}`, async () => {
  const native = impossible === undefined ? await Native.load() : undefined;
  const traces: Trace[] = [];
  const servers: Server[] = [];
  afterEach(() => {
    for (const trace of traces.splice(0)) trace.close();
    for (const server of servers.splice(0)) server.close();
  });

  /** Opens a trace, by default with a buffer for all other activity of the machine while a child process runs. */
  function open(bufferKiB = 16_384): Trace {
    if (native === undefined) throw new Error('this test is skipped');
    const trace = Trace.open(native, { bufferKiB });
    traces.push(trace);
    return trace;
  }

  /** Starts a server that closes an accepted connection after the peer. @returns its port */
  async function listen(host: string): Promise<number> {
    const server = createServer((socket: Socket) => socket.on('error', () => undefined).resume());
    servers.push(server);
    server.listen(0, host);
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    return address.port;
  }

  /** Drains until `isDone` returns true for all records so far. */
  async function drainUntil(
    trace: Trace,
    isDone: (records: readonly TraceRecord[]) => boolean,
  ): Promise<TraceRecord[]> {
    const records: TraceRecord[] = [];
    for (;;) {
      const drained = trace.drain();
      expect(trace.failure).toBeUndefined();
      for (const record of drained) records.push(record);
      if (drained.length > 0 && isDone(records)) return records;
      await new Promise(setImmediate);
    }
  }

  const instancesOf = (trace: Trace) =>
    readdirSync(dirname(trace.leftovers.path)).filter((name) => name.startsWith('netpane-'));

  /** Returns the state changes of sockets with a port, in order, by socket. */
  function lives(records: readonly TraceRecord[], port: number): Map<number, StateRecord[]> {
    const all = new Map<number, StateRecord[]>();
    for (const record of records) {
      if (record.type !== 'state' || (record.localPort !== port && record.remotePort !== port)) continue;
      all.set(record.sk, [...(all.get(record.sk) ?? []), record]);
    }
    return all;
  }

  test.each([
    ['127.0.0.1', 'ipv4'],
    ['::1', 'ipv6'],
  ])('traces a process that connects to %s and ends', async (host, family) => {
    const port = await listen(host);
    const trace = open();
    const pid = connectOnce(host, port);
    // On a busy machine the addresses of sockets are reused soon: only the next destroy record counts.
    const endsOf = (all: readonly TraceRecord[]) =>
      [...lives(all, port).values()].flatMap((life) => {
        const last = life.at(-1);
        if (last?.now !== 'CLOSE') return [];
        const end = all.slice(all.indexOf(last)).find((it) => it.type === 'destroy' && it.sk === last.sk);
        return end?.type === 'destroy' ? [end] : [];
      });
    const records = await drainUntil(trace, (all) => hasExit(pid)(all) && endsOf(all).length === 2);

    const opener = [...lives(records, port).values()].find(([first]) => first?.remotePort === port) ?? [];
    expect(opener[0]).toMatchObject({
      type: 'state',
      tid: pid,
      inProcess: true,
      family,
      was: 'CLOSE',
      now: 'SYN_SENT',
      remoteAddress: host,
    });
    expect(opener[1]).toMatchObject({ was: 'SYN_SENT', now: 'ESTABLISHED', localAddress: host });
    expect(opener.at(-1)?.now).toBe('CLOSE');
    const accepted = [...lives(records, port).values()].find(([first]) => first?.localPort === port) ?? [];
    expect(accepted.map(({ now }) => now).slice(0, 2)).toEqual(['SYN_RECV', 'ESTABLISHED']);
    expect(accepted[0]?.remotePort).toBe(opener[1]?.localPort);

    const ids = endsOf(records).map(({ id }) => id);
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id).toMatch(/^sk:[1-9a-f][0-9a-f]*$/);

    const own = records.filter(({ tid }) => tid === pid);
    expect(records.find((it) => it.type === 'task' && it.child === pid)).toMatchObject({ isThread: false });
    expect(own.find(({ type }) => type === 'exec')).toMatchObject({ pid, filename: process.execPath });
    expect(own.some((it) => it.type === 'task' && it.isThread)).toBe(true);
    expect(trace.problems).toBe(0);
    expect(trace.takeLost()).toBe(0);
    const times = records.map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
  });

  test('has the clock of process.hrtime()', async () => {
    const trace = open();
    const nowMs = () => Number(process.hrtime.bigint()) / 1e6;
    const beforeMs = nowMs();
    const pid = start('');
    const own = (await drainUntil(trace, hasExit(pid))).filter(({ tid }) => tid === pid);
    const afterMs = nowMs();
    expect(own.length).toBeGreaterThan(1);
    for (const { atMs } of own) {
      expect(atMs).toBeGreaterThan(beforeMs);
      expect(atMs).toBeLessThan(afterMs);
    }
  });

  test('removes its instance at the end and those of dead netpanes at the start, but none in use', () => {
    const one = open();
    const folder = dirname(one.leftovers.path);
    // A pid that no process has.
    const stale = `${folder}/netpane-4194305-1`;
    mkdirSync(stale);
    const other = open();
    expect(existsSync(stale)).toBe(false);
    expect(existsSync(one.leftovers.path)).toBe(true);
    expect(() => rmdirSync(one.leftovers.path)).toThrow('EBUSY');
    const name = one.leftovers.path.slice(folder.length + 1);
    expect(instancesOf(other)).toContain(name);
    one.close();
    expect(instancesOf(other)).not.toContain(name);
    removeLeftovers(other.leftovers);
    expect(existsSync(other.leftovers.path)).toBe(false);
  });

  test('stops recording and frees its buffers after a program ends without closing it', () => {
    const trace = open();
    const { path, descriptors } = trace.leftovers;
    const read = (file: string) => readFileSync(`${path}/${file}`, 'utf8').trim();
    expect(read('tracing_on')).toBe('1');
    const bufferKiB = Number(read('buffer_total_size_kb'));
    // The kernel closes them at the end of a process, also after SIGKILL.
    for (const descriptor of descriptors) closeSync(descriptor);
    expect(read('tracing_on')).toBe('0');
    expect(Number(read('buffer_total_size_kb'))).toBeLessThan(bufferKiB / 100);
  });

  test('records the same in two instances, and continues in one after the other is closed', async () => {
    const port = await listen('127.0.0.1');
    const [one, other] = [open(), open()];
    const pid = connectOnce('127.0.0.1', port);
    const connecting = (records: readonly TraceRecord[], tid: number) =>
      records.flatMap((it) =>
        it.type === 'state' && it.tid === tid && it.now === 'SYN_SENT' ? [`${it.sk} ${it.remotePort}`] : [],
      );
    const both = await Promise.all([one, other].map((trace) => drainUntil(trace, hasExit(pid))));
    const [seen, again] = both.map((records) => connecting(records, pid));
    expect(seen).toEqual([expect.stringMatching(` ${port}$`)]);
    expect(again).toEqual(seen);
    one.close();
    const later = connectOnce('127.0.0.1', port);
    expect(connecting(await drainUntil(other, hasExit(later)), later)).toHaveLength(1);
  });

  test('counts lost events exactly', async () => {
    const port = await listen('127.0.0.1');
    const [small, large] = [open(4), open(8192)];
    // Only events of this process and its children, so that both instances record the same.
    const tids = readdirSync('/proc/self/task').join(' ');
    for (const { leftovers } of [small, large]) {
      writeFileSync(`${leftovers.path}/trace_options`, 'event-fork', { flag: 'r+' });
      writeFileSync(`${leftovers.path}/set_event_pid`, tids, { flag: 'r+' });
    }
    let [seen, lost, all] = [0, 0, 0];
    const drain = () => {
      seen += small.drain().length;
      lost += small.takeLost();
      all += large.drain().length;
    };
    drain();
    [seen, lost, all] = [0, 0, 0];
    for (let i = 0; i < 2; i++) {
      await churn(port, 500);
      drain();
    }
    expect(large.takeLost()).toBe(0);
    expect(lost).toBeGreaterThan(5000);
    expect(seen).toBeGreaterThan(50);
    expect(seen + lost).toBe(all);
  });
});
