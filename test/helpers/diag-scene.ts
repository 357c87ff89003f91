import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from './herd.ts';

/** Description of the scene, printed by its process. */
interface SceneInfo {
  /** Number of sockets without Unix sockets. */
  inet: number;
  /** Processes that hold the sockets. */
  pids: number[];
  /** Sockets that some or all versions of ss do not show, by protocol and port. */
  notInSs: { protocol: string; port: number }[];
  /** Kinds of sockets that could not be opened here, each with the reason. */
  skipped: string[];
}

/** A network namespace with idle sockets of every kind and state. */
export class DiagScene {
  readonly info: SceneInfo;
  /** Inode of the namespace. */
  readonly netns: number;
  /** Command and first arguments that run a program in the namespace. */
  readonly through: readonly string[];
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string, info: SceneInfo) {
    const path = `/proc/${child.pid}/ns/net`;
    this.#child = child;
    this.#folder = folder;
    this.info = info;
    this.netns = statSync(path).ino;
    this.through = ['nsenter', `--net=${path}`];
  }

  /** Returns the reason why this machine cannot run the scene; undefined if it can. */
  static impossible(): string | undefined {
    if (process.platform !== 'linux') return 'it needs Linux';
    if (process.geteuid?.() !== 0) return 'network namespaces and raw sockets need root';
    if (spawnSync('unshare', ['--net', 'true']).status !== 0)
      return 'network namespaces cannot be created here';
    if (spawnSync('nsenter', ['--version']).status !== 0) return 'nsenter is not installed';
    const hasKoffi = spawnSync(process.execPath, ['--input-type=module', '-e', 'import "koffi"'], {
      cwd: root,
    });
    return hasKoffi.status === 0 ? undefined : 'the package koffi is not installed';
  }

  /** @param connections number of connections; the scene has somewhat more than twice as many sockets */
  static async start(connections: number): Promise<DiagScene> {
    const folder = mkdtempSync(join(tmpdir(), 'netpane-scene-'));
    const script = join(root, 'test', 'helpers', 'diag-scene.mjs');
    const args = ['--net', process.execPath, script, String(connections), folder];
    const child = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'inherit'], cwd: root });
    const ended = once(child, 'exit').then(() => {
      throw new Error('the scene ended before it was ready');
    });
    const firstLine = once(createInterface({ input: child.stdout }), 'line');
    const [line] = (await Promise.race([firstLine, ended])) as [string];
    ended.catch(() => {});
    return new DiagScene(child, folder, JSON.parse(line) as SceneInfo);
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
