import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from './herd.ts';

/** What the scene says of itself. */
interface Made {
  /** How many sockets it has but for Unix ones. */
  inet: number;
  /** Processes of the scene: those that have its sockets. */
  pids: number[];
  /** Sockets that ss, or some ss, does not show, by protocol and port. */
  apart: { protocol: string; port: number }[];
  /** What could not be made here, and why. */
  lacking: string[];
}

/** A network namespace with sockets of every kind and state in it, all at rest. */
export class DiagScene {
  readonly made: Made;
  /** Inode of the namespace. */
  readonly netns: number;
  /** The command and first arguments that run a program in the namespace. */
  readonly through: readonly string[];
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string, made: Made) {
    const path = `/proc/${child.pid}/ns/net`;
    this.#child = child;
    this.#folder = folder;
    this.made = made;
    this.netns = statSync(path).ino;
    this.through = ['nsenter', `--net=${path}`];
  }

  /** Why there can be no scene on this machine; undefined where there can be one. */
  static impossible(): string | undefined {
    if (process.platform !== 'linux') return 'it needs Linux';
    if (process.geteuid?.() !== 0) return 'it takes root to make a network namespace and raw sockets';
    if (spawnSync('unshare', ['--net', 'true']).status !== 0) return 'no network namespace can be made here';
    if (spawnSync('nsenter', ['--version']).status !== 0) return 'there is no nsenter';
    const hasKoffi = spawnSync(process.execPath, ['--input-type=module', '-e', 'import "koffi"'], {
      cwd: root,
    });
    return hasKoffi.status === 0 ? undefined : 'the package koffi is not installed';
  }

  /** @param connections so many of them, and some more sockets than twice as many in all */
  static async start(connections: number): Promise<DiagScene> {
    const folder = mkdtempSync(join(tmpdir(), 'netpane-scene-'));
    const script = join(root, 'test', 'helpers', 'diag-scene.mjs');
    const args = ['--net', process.execPath, script, String(connections), folder];
    const child = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'inherit'], cwd: root });
    const ended = once(child, 'exit').then(() => {
      throw new Error('the scene ended before it was ready');
    });
    const said = once(createInterface({ input: child.stdout }), 'line');
    const [line] = (await Promise.race([said, ended])) as [string];
    ended.catch(() => {});
    return new DiagScene(child, folder, JSON.parse(line) as Made);
  }

  async close(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.stdin?.end();
      await ended;
    }
    rmSync(this.#folder, { recursive: true });
  }
}
