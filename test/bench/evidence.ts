import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { readEvidence } from '../../src/source/evidence.ts';
import { scratchFolder } from './scratch.ts';
import { type Spread, spreadOf } from './stats.ts';

/** Cost of reading all evidence about a process. */
export interface EvidenceFigures {
  readonly name: string;
  /** Milliseconds until all but the digests is read. */
  readonly quickMs: Spread;
  /** Milliseconds until all is read. */
  readonly wholeMs: Spread;
  /** CPU of all threads for it, milliseconds. */
  readonly cpuMs: Spread;
  /** The longest time for which the reading thread handled nothing else, milliseconds. */
  readonly longestTurnMs: Spread;
}

/** Programs whose evidence is read. */
const PROGRAMS: readonly {
  readonly name: string;
  readonly command: (folder: string) => readonly [command: string, ...args: string[]];
}[] = [
  { name: 'program of a package', command: () => ['/bin/sleep', '600'] },
  {
    name: 'program without a package',
    command: (folder) => {
      const path = join(folder, 'tool');
      copyFileSync('/bin/sleep', path);
      return [path, '600'];
    },
  },
  {
    name: 'script of node',
    command: (folder) => {
      const path = join(folder, 'server.js');
      writeFileSync(path, 'setInterval(() => {}, 1e6);');
      return [process.execPath, path];
    },
  },
];

const running = new Set<ChildProcess>();

/** Ends the programs. May be called again. */
export function closeEvidence(): void {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
}

/** Reads the evidence of each kind of program several times. */
export async function measureEvidence(repeats: number): Promise<readonly EvidenceFigures[]> {
  const figures: EvidenceFigures[] = [];
  for (const { name, command } of PROGRAMS) {
    const [file, ...args] = command(scratchFolder());
    const child = spawn(file, args, { stdio: 'ignore' });
    running.add(child);
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    // The first time loads the code.
    await readEvidence(
      { pid },
      () => {},
      () => true,
    );
    const [quick, whole, cpu, turns]: [number[], number[], number[], number[]] = [[], [], [], []];
    for (let i = 0; i < repeats; i++) {
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const [startMs, before] = [performance.now(), process.cpuUsage()];
      let quickMs = 0;
      await readEvidence(
        { pid },
        ({ isComplete }) => {
          if (!isComplete) quickMs = performance.now() - startMs;
        },
        () => true,
      );
      quick.push(quickMs);
      whole.push(performance.now() - startMs);
      const { user, system } = process.cpuUsage(before);
      cpu.push((user + system) / 1000);
      delay.disable();
      turns.push(delay.max / 1e6);
    }
    child.kill('SIGKILL');
    running.delete(child);
    figures.push({
      name,
      quickMs: spreadOf(quick),
      wholeMs: spreadOf(whole),
      cpuMs: spreadOf(cpu),
      longestTurnMs: spreadOf(turns),
    });
  }
  return figures;
}
