import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, type as systemType } from 'node:os';
import { figure, type Spread, spreadOf } from './stats.ts';

/** Clock ticks of /proc/PID/stat per second (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** Returns the CPU time of a process with all its threads so far, user and system, milliseconds (proc(5)). */
export function processCpuMs(pid: number): number {
  const [user = '', system = ''] = statFields(pid).slice(11);
  return ((Number(user) + Number(system)) * 1000) / TICKS_PER_SECOND;
}

/** Returns the CPU time of the exited children of this process, milliseconds, in steps of ten. */
export function childrenCpuMs(): number {
  const [user = '', system = ''] = statFields(process.pid).slice(13);
  return ((Number(user) + Number(system)) * 1000) / TICKS_PER_SECOND;
}

/** Returns the fields of /proc/PID/stat from the third on; the second, a name with any characters, ends at the last `)`. */
function statFields(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Returns the resident memory of a process, MB of 1,000,000 bytes. */
export function residentMegabytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kibibytes) * 1024) / 1e6;
}

/** Returns the CPU time of this process with all its threads so far, milliseconds. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

export const loadText = (): string =>
  loadavg()
    .map((load) => load.toFixed(2))
    .join(' ');

/** Returns a description of the machine in one line. */
export function machineText(): string {
  const [cpu] = cpus();
  return `${cpu?.model.trim() ?? 'unknown CPU'}, ${cpus().length} cores, ${systemType()} ${release()}, Node ${process.versions.node}`;
}

/** Repeats a fixed computation. @returns its times, milliseconds: on a quiet machine they hardly vary */
export function measureNoise(): Spread {
  const times: number[] = [];
  for (let run = 0; run < 25; run++) {
    const startMs = performance.now();
    let state = 1;
    for (let i = 0; i < 5_000_000; i++) state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    // Uses the result, or V8 could remove the loop.
    times.push(performance.now() - startMs + (state === 0 ? 1e-9 : 0));
  }
  // The first runs are interpreted, not compiled.
  return spreadOf(times.slice(5));
}

export const noiseText = (noise: Spread): string =>
  `${figure(noise.median)} ms, ${figure(noise.min)}–${figure(noise.max)} (spread ${figure((100 * (noise.max - noise.min)) / noise.median)} %)`;
