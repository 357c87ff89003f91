import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { FIRST_PORT } from './load.ts';
import { processCpuMs } from './machine.ts';
import type { PrivateNet } from './private-net.ts';
import { scratchFolder } from './scratch.ts';

/** netpane's interval in this measurement, seconds. */
export const INTERVAL_S = 2;

/** A program that reports connections. */
export interface Watcher {
  readonly name: string;
  readonly words: readonly string[];
  /** True if it runs until it is stopped; false if it prints one list and exits: then it is run again and again. */
  readonly isContinuous: boolean;
  /** User to run as; absent for the user of the benchmark. */
  readonly uid?: number;
  readonly format: 'netpane' | 'ss' | 'netstat' | 'lsof' | 'nethogs';
}

/** The account 'nobody' on most systems. */
const ORDINARY_UID = 65534;

export const ROOT = 'netpane, root';
export const USER = 'netpane, ordinary user';

/** Returns all watchers. @param netpane file of the program, readable by every user */
export function watchers(netpane: string): Watcher[] {
  const watch = [process.execPath, netpane, 'watch', '--json', '--interval', `${INTERVAL_S}s`];
  const isRoot = process.geteuid?.() === 0;
  const own = { words: watch, isContinuous: true, format: 'netpane' } as const;
  const lister = (format: 'ss' | 'lsof' | 'netstat', ...words: string[]): Watcher => ({
    name: words.join(' '),
    words,
    isContinuous: false,
    format,
  });
  return [
    ...(isRoot ? [{ ...own, name: ROOT }] : []),
    { ...own, name: USER, ...(isRoot && { uid: ORDINARY_UID }) },
    lister('ss', 'ss', '-tunap'),
    lister('lsof', 'lsof', '-nP', '-i'),
    lister('netstat', 'netstat', '-tunap'),
    {
      name: 'nethogs -t',
      words: ['nethogs', '-t', '-a', '-d', '1'],
      isContinuous: true,
      format: 'nethogs',
    },
  ];
}

export const isInstalled = ({ words: [command = ''] }: Watcher): boolean =>
  spawnSync('sh', ['-c', 'command -v "$1"', 'sh', command]).status === 0;

/** Returns true for the event of the end of a connection by `Load.connectOnce`. It begins with its time. */
const isCloseOfOne = (line: string): boolean =>
  line.includes('"type":"close"') && line.includes(`"remote":{"address":"127.0.0.1","port":${FIRST_PORT}}`);

/** Runs a program again and again until SIGTERM, then once more, so that one run begins after the load has ended. */
const RUN_REPEATEDLY = `trap stop=1 TERM
runs=0
run() { "$@" 2>/dev/null; runs=$((runs + 1)); }
while [ -z "$stop" ]; do run "$@"; done
run "$@"
echo "runs $runs" >&2
times >&2`;

/** Costs of a watcher. */
export interface WatcherCosts {
  readonly cpuMs: number;
  /** Elapsed time of the load, in which that CPU time was used, milliseconds. */
  readonly ms: number;
  /** How often the program ran. */
  readonly runs: number;
  /** Lines on stderr; none for a program that is run again and again. */
  readonly notices: readonly string[];
}

/** A watcher is done when its output has not grown for longer than its interval, milliseconds. */
const QUIET_MS = 1000 * INTERVAL_S + 700;
/** Maximum wait for any step of a watcher, milliseconds. */
const TIMEOUT_MS = 30_000;

/** A running watcher, its output written to a file. */
export class WatcherRun {
  readonly #watcher: Watcher;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #out: number;
  #stderr = '';
  #startMs = 0;
  #startCpuMs = 0;

  constructor(watcher: Watcher, net: PrivateNet, outFile: string) {
    const { words, isContinuous, uid } = watcher;
    const command = isContinuous ? words : ['sh', '-c', RUN_REPEATEDLY, 'sh', ...words];
    // After SIGTERM netpane removes its tracefs instance; after SIGKILL it could not.
    const { file, args } = net.command(command, {
      ...(uid !== undefined && { uid }),
      signal: isContinuous ? 'TERM' : 'KILL',
    });
    this.#watcher = watcher;
    this.#out = openSync(outFile, 'w+');
    // A home that every user can read, and without configuration.
    const { XDG_CONFIG_HOME: _, ...env } = process.env;
    this.#child = spawn(file, args, {
      stdio: ['ignore', this.#out, 'pipe'],
      cwd: '/',
      env: { ...env, HOME: scratchFolder() },
    });
    this.#exited = once(this.#child, 'close');
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.#startMs = performance.now();
  }

  get #pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Waits until netpane reports events and its first polls are over; returns at once for another watcher. */
  async waitUntilReady(connectOnce: () => Promise<void>): Promise<void> {
    if (this.#watcher.format !== 'netpane') return;
    const startMs = performance.now();
    while (fstatSync(this.#out).size === 0) {
      this.#checkRunning();
      if (performance.now() - startMs > TIMEOUT_MS)
        throw new Error(`${this.#watcher.name} reports no events: ${this.#stderr}`);
      await connectOnce();
      await sleep(200);
    }
    // Loading and compiling in the first polls are no cost of the load.
    await sleep(1000 * INTERVAL_S + 500);
  }

  /** Starts the measurement: the load begins. */
  start(): void {
    if (!this.#watcher.isContinuous) return;
    this.#startMs = performance.now();
    this.#startCpuMs = processCpuMs(this.#pid);
  }

  /**
   * Ends the measurement: the load is over. Waits until the watcher has reported everything, and ends it.
   * @param connectOnce makes a connection, so that netpane has something to report
   */
  async stop(connectOnce: () => Promise<void>): Promise<WatcherCosts> {
    const ms = performance.now() - this.#startMs;
    if (!this.#watcher.isContinuous) return this.#stopRepeated();
    if (this.#watcher.format === 'netpane') await this.#waitForAnother(connectOnce);
    await this.#waitUntilQuiet();
    const cpuMs = processCpuMs(this.#pid) - this.#startCpuMs;
    this.#child.kill('SIGTERM');
    await this.#waitForExit();
    return { cpuMs, ms, runs: 1, notices: this.#stderr.split('\n').slice(0, -1) };
  }

  async #stopRepeated(): Promise<WatcherCosts> {
    this.#child.kill('SIGTERM');
    await this.#waitForExit();
    let seconds = 0;
    // `times` prints the CPU time of the shell and of its children.
    for (const [, m, s] of this.#stderr.matchAll(/(\d+)m([\d.]+)s/g)) seconds += 60 * Number(m) + Number(s);
    const runs = Number(/^runs (\d+)$/m.exec(this.#stderr)?.[1]);
    return { cpuMs: 1000 * seconds, ms: performance.now() - this.#startMs, runs, notices: [] };
  }

  /** Waits until netpane reports a connection from after the load: it may be silent before that because it is busy. */
  async #waitForAnother(connectOnce: () => Promise<void>): Promise<void> {
    const [startMs, afterMs] = [performance.now(), Date.now()];
    let at = 0;
    let rest = '';
    let isFound = false;
    while (!isFound && performance.now() - startMs < TIMEOUT_MS) {
      await connectOnce();
      await sleep(200);
      const bytes = Buffer.alloc(fstatSync(this.#out).size - at);
      at += readSync(this.#out, bytes, 0, bytes.length, at);
      const lines = (rest + bytes.toString()).split('\n');
      rest = lines.pop() ?? '';
      isFound = lines.some((line) => isCloseOfOne(line) && Number(/\d+/.exec(line)) > afterMs);
    }
  }

  async #waitUntilQuiet(): Promise<void> {
    const startMs = performance.now();
    let size = -1;
    let sinceMs = startMs;
    while (performance.now() - sinceMs < QUIET_MS && performance.now() - startMs < TIMEOUT_MS) {
      const now = fstatSync(this.#out).size;
      if (now !== size) [size, sinceMs] = [now, performance.now()];
      await sleep(100);
    }
  }

  async #waitForExit(): Promise<void> {
    const killTimer = setTimeout(() => this.#child.kill('SIGKILL'), TIMEOUT_MS);
    await this.#exited;
    clearTimeout(killTimer);
  }

  /** Returns the CPU time of all its threads so far, milliseconds, with the precision of the scheduler. */
  exactCpuMs(): number {
    this.#checkRunning();
    const folder = `/proc/${this.#pid}/task`;
    let nanoseconds = 0;
    for (const thread of readdirSync(folder)) {
      nanoseconds += Number(readFileSync(`${folder}/${thread}/schedstat`, 'latin1').split(' ')[0]);
    }
    return nanoseconds / 1e6;
  }

  #checkRunning(): void {
    if (this.#child.exitCode !== null) throw new Error(`${this.#watcher.name} has exited: ${this.#stderr}`);
  }

  /** Must be called once. */
  close(): void {
    this.#child.kill(this.#watcher.isContinuous ? 'SIGTERM' : 'SIGKILL');
    closeSync(this.#out);
  }
}
