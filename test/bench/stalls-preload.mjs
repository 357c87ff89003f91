// Preloaded with `node --import`: records the stalls of the screen's thread, in which it cannot handle a key, and writes
// them to the file NETPANE_BENCH_STALLS when the program exits. A stall is the delay of a timer of one millisecond. The
// thread's CPU time during it separates computing from waiting for a CPU.
import { writeFileSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const file = process.env.NETPANE_BENCH_STALLS;

/** Minimum length of a stall that is kept, milliseconds. */
const MIN_STALL_MS = 2;
const TIMER_MS = 1;
const CLOCK_THREAD_CPUTIME_ID = 3;

/** The live screen runs in a thread of its own (src/cli/keeper.ts). */
const isScreenThread = !isMainThread && workerData?.isCommand === true;

if (file && isScreenThread) {
  const { default: koffi } = await import('koffi');
  const clock = koffi.load(null).func('int clock_gettime(int, void *)');
  const is64 = koffi.sizeof('long') === 8;
  const time = is64 ? new BigInt64Array(2) : new Int32Array(2);
  const threadCpuMs = () => {
    clock(CLOCK_THREAD_CPUTIME_ID, time);
    return Number(time[0]) * 1000 + Number(time[1]) / 1e6;
  };
  /** Milliseconds since 1970, with the resolution of `performance.now()`. */
  const wallMs = () => performance.timeOrigin + performance.now();

  const stalls = [];
  let lastMs = wallMs();
  let lastCpuMs = threadCpuMs();
  const check = () => {
    const nowMs = wallMs();
    const cpuMs = threadCpuMs();
    const ms = nowMs - lastMs - TIMER_MS;
    if (ms >= MIN_STALL_MS) stalls.push({ startMs: lastMs, endMs: nowMs, ms, cpuMs: cpuMs - lastCpuMs });
    lastMs = nowMs;
    lastCpuMs = cpuMs;
    setTimeout(check, TIMER_MS).unref();
  };
  setTimeout(check, TIMER_MS).unref();

  // Records every batch, or part of one, that the sampling thread sends.
  const batches = [];
  const emit = Worker.prototype.emit;
  Worker.prototype.emit = function (event, ...args) {
    if (event !== 'message' || args[0].type !== 'batch') return emit.call(this, event, ...args);
    const { baseline, partial, spawned, changed, closed } = args[0].batch;
    const startMs = wallMs();
    const result = emit.call(this, event, ...args);
    const count = spawned.length + changed.length + closed.length;
    batches.push({ startMs, endMs: wallMs(), baseline, partial, count });
    return result;
  };

  process.on('exit', () => writeFileSync(file, JSON.stringify({ stalls, batches })));
}
