import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { processCpuMs } from './machine.ts';
import type { PrivateNet } from './private-net.ts';

/** How often netpane looks here. */
export const INTERVAL_S = 2;

/** A program that is to see connections. */
export interface Watcher {
  readonly name: string;
  readonly words: readonly string[];
  /** It runs once and for all, and says what happens; else it is run again and again. */
  readonly goesOn: boolean;
  /** User to run as; absent for ours. */
  readonly uid?: number;
  readonly format: 'netpane' | 'ss' | 'netstat' | 'lsof' | 'nethogs';
}

/** nobody, on most systems. */
const ORDINARY_UID = 65534;

/** Everybody who watches. @param netpane the program's file, where anybody can read it */
export function watchers(netpane: string): Watcher[] {
  const watch = [process.execPath, netpane, 'watch', '--json', '--interval', `${INTERVAL_S}s`];
  const isRoot = process.geteuid?.() === 0;
  const own = { words: watch, goesOn: true, format: 'netpane' } as const;
  const rival = (format: 'ss' | 'lsof' | 'netstat', ...words: string[]): Watcher => ({
    name: words.join(' '),
    words,
    goesOn: false,
    format,
  });
  return [
    ...(isRoot ? [{ ...own, name: ROOT }] : []),
    { ...own, name: USER, ...(isRoot && { uid: ORDINARY_UID }) },
    rival('ss', 'ss', '-tunap'),
    rival('lsof', 'lsof', '-nP', '-i'),
    rival('netstat', 'netstat', '-tunap'),
    { name: 'nethogs -t', words: ['nethogs', '-t', '-a', '-d', '1'], goesOn: true, format: 'nethogs' },
  ];
}

export const ROOT = 'netpane, root';
export const USER = 'netpane, ordinary user';

export const isInstalled = ({ words: [command = ''] }: Watcher): boolean =>
  spawnSync('sh', ['-c', 'command -v "$1"', 'sh', command]).status === 0;

/** Runs a program without a pause until TERM, then once more, so that one look begins when all is over. */
const AGAIN = `trap over=1 TERM
looks=0
look() { "$@" 2>/dev/null; looks=$((looks + 1)); }
while [ -z "$over" ]; do look "$@"; done
look "$@"
echo "looks $looks" >&2
times >&2`;

/** What a watcher cost. */
export interface WatcherCosts {
  readonly cpuMs: number;
  /** The time in which it took that, milliseconds: without the rest after the load. */
  readonly ms: number;
  /** How often it was run. */
  readonly looks: number;
  /** What it says on stderr; of one that is run again and again nothing. */
  readonly notices: readonly string[];
}

/** It has told all when it has told nothing for longer than its interval; but it is not waited for longer than this. */
const QUIET_MS = 1000 * INTERVAL_S + 700;
const PATIENCE_MS = 30_000;

/** A watcher that runs; its output goes to a file. */
export class Watching {
  readonly #watcher: Watcher;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #out: number;
  #stderr = '';
  #startMs = 0;
  #startCpuMs = 0;

  constructor(watcher: Watcher, net: PrivateNet, outFile: string) {
    const { words, goesOn, uid } = watcher;
    const command = goesOn ? words : ['sh', '-c', AGAIN, 'sh', ...words];
    // netpane takes back what it made in the kernel, when it may.
    const { file, args } = net.command(command, {
      ...(uid !== undefined && { uid }),
      signal: goesOn ? 'TERM' : 'KILL',
    });
    this.#watcher = watcher;
    this.#out = openSync(outFile, 'w');
    this.#child = spawn(file, args, { stdio: ['ignore', this.#out, 'pipe'], cwd: '/' });
    this.#ended = once(this.#child, 'close');
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.#startMs = performance.now();
  }

  get #pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Waits until it tells of what `poke` does. */
  async awake(poke: () => Promise<void>): Promise<void> {
    if (this.#watcher.format !== 'netpane') return;
    const startMs = performance.now();
    while (fstatSync(this.#out).size === 0) {
      if (performance.now() - startMs > PATIENCE_MS)
        throw new Error(`${this.#watcher.name} tells nothing: ${this.#stderr}`);
      await poke();
      await sleep(200);
    }
    // What it loads and compiles for its first looks is not what the load costs.
    await sleep(1000 * INTERVAL_S + 500);
  }

  /** The load begins. */
  begin(): void {
    if (!this.#watcher.goesOn) return;
    this.#startMs = performance.now();
    this.#startCpuMs = processCpuMs(this.#pid);
  }

  /** The load is over: waits until it has told all, and ends it. */
  async end(): Promise<WatcherCosts> {
    const ms = performance.now() - this.#startMs;
    if (!this.#watcher.goesOn) return this.#endAgain();
    await this.#quiet();
    const cpuMs = processCpuMs(this.#pid) - this.#startCpuMs;
    this.#child.kill('SIGTERM');
    await this.#over();
    return { cpuMs, ms, looks: 1, notices: this.#stderr.split('\n').slice(0, -1) };
  }

  async #endAgain(): Promise<WatcherCosts> {
    this.#child.kill('SIGTERM');
    await this.#over();
    let seconds = 0;
    // Its own time, and that of its children.
    for (const [, m, s] of this.#stderr.matchAll(/(\d+)m([\d.]+)s/g)) seconds += 60 * Number(m) + Number(s);
    const looks = Number(/^looks (\d+)$/m.exec(this.#stderr)?.[1]);
    return { cpuMs: 1000 * seconds, ms: performance.now() - this.#startMs, looks, notices: [] };
  }

  async #quiet(): Promise<void> {
    const startMs = performance.now();
    let size = -1;
    let sinceMs = startMs;
    while (performance.now() - sinceMs < QUIET_MS && performance.now() - startMs < PATIENCE_MS) {
      const now = fstatSync(this.#out).size;
      if (now !== size) [size, sinceMs] = [now, performance.now()];
      await sleep(100);
    }
  }

  async #over(): Promise<void> {
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS);
    await this.#ended;
    clearTimeout(impatience);
  }

  /** CPU time so far of all its threads, milliseconds, as exact as the scheduler counts it. */
  exactCpuMs(): number {
    const folder = `/proc/${this.#pid}/task`;
    let nanoseconds = 0;
    for (const thread of readdirSync(folder)) {
      nanoseconds += Number(readFileSync(`${folder}/${thread}/schedstat`, 'latin1').split(' ')[0]);
    }
    return nanoseconds / 1e6;
  }

  /** Once. */
  close(): void {
    this.#child.kill(this.#watcher.goesOn ? 'SIGTERM' : 'SIGKILL');
    closeSync(this.#out);
  }
}
