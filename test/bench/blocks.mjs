// For `node --import`: watches how long the thread of the screen is busy at a stretch, so that it hears no key, and
// writes that to the file NETPANE_BENCH_BLOCKS when the program ends. A timer of one millisecond runs late by as much;
// what the thread itself has computed meanwhile tells how much of it was the machine's doing.
import { writeFileSync } from 'node:fs';
import { isMainThread, Worker } from 'node:worker_threads';

const file = process.env.NETPANE_BENCH_BLOCKS;

/** Shorter ones are not kept, milliseconds. */
const LEAST_MS = 2;
const TIMER_MS = 1;
const CLOCK_THREAD_CPUTIME_ID = 3;

if (file && isMainThread) {
  const { default: koffi } = await import('koffi');
  const clock = koffi.load(null).func('int clock_gettime(int, void *)');
  const is64 = koffi.sizeof('long') === 8;
  const time = is64 ? new BigInt64Array(2) : new Int32Array(2);
  const cpuNow = () => {
    clock(CLOCK_THREAD_CPUTIME_ID, time);
    return Number(time[0]) * 1000 + Number(time[1]) / 1e6;
  };
  /** Milliseconds since 1970, finely. */
  const now = () => performance.timeOrigin + performance.now();

  const blocks = [];
  let lastMs = now();
  let lastCpuMs = cpuNow();
  const watch = () => {
    const nowMs = now();
    const cpuMs = cpuNow();
    const ms = nowMs - lastMs - TIMER_MS;
    if (ms >= LEAST_MS) blocks.push({ startMs: lastMs, endMs: nowMs, ms, cpuMs: cpuMs - lastCpuMs });
    lastMs = nowMs;
    lastCpuMs = cpuMs;
    setTimeout(watch, TIMER_MS).unref();
  };
  setTimeout(watch, TIMER_MS).unref();

  // Every batch, or part of one, as it comes from the sampling thread.
  const batches = [];
  const emit = Worker.prototype.emit;
  Worker.prototype.emit = function (event, ...args) {
    // What else the thread tells is no batch.
    if (event !== 'message' || !('spawned' in args[0])) return emit.call(this, event, ...args);
    const [{ baseline, partial, spawned, changed, closed }] = args;
    const startMs = now();
    const result = emit.call(this, event, ...args);
    const count = spawned.length + changed.length + closed.length;
    batches.push({ startMs, endMs: now(), baseline, partial, count });
    return result;
  };

  process.on('exit', () => writeFileSync(file, JSON.stringify({ blocks, batches })));
}
