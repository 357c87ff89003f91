import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, type as systemType } from 'node:os';
import { figure, type Spread, spreadOf } from './stats.ts';

/** Ticks of /proc/PID/stat a second (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** CPU time that a process has used so far with all its threads, user and system, milliseconds (proc(5)). */
export function processCpuMs(pid: number): number {
  const [user = '', system = ''] = statFields(pid).slice(11);
  return ((Number(user) + Number(system)) * 1000) / TICKS_PER_SECOND;
}

/** CPU time of the ended children of this process, milliseconds, in steps of ten. */
export function childrenCpuMs(): number {
  const [user = '', system = ''] = statFields(process.pid).slice(13);
  return ((Number(user) + Number(system)) * 1000) / TICKS_PER_SECOND;
}

/** Fields of /proc/PID/stat from the third on: the name before them may hold anything but is closed by the last `)`. */
function statFields(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Resident memory of a process, MB of 1,000,000 bytes. */
export function residentMegabytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kibibytes) * 1024) / 1e6;
}

/** Milliseconds of CPU time of this process with all its threads. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

export const loadText = (): string =>
  loadavg()
    .map((load) => load.toFixed(2))
    .join(' ');

/** The machine in a line. */
export function machineText(): string {
  const [cpu] = cpus();
  return `${cpu?.model.trim() ?? 'unknown CPU'}, ${cpus().length} cores, ${systemType()} ${release()}, Node ${process.versions.node}`;
}

/** Time that the same work takes again and again, milliseconds: on a quiet machine it hardly spreads. */
export function calibrate(): Spread {
  const times: number[] = [];
  for (let run = 0; run < 25; run++) {
    const startMs = performance.now();
    let state = 1;
    for (let i = 0; i < 5_000_000; i++) state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    // The result has to be of use, or the loop could be left out.
    times.push(performance.now() - startMs + (state === 0 ? 1e-9 : 0));
  }
  // The first runs are those of the interpreter.
  return spreadOf(times.slice(5));
}

export const noiseText = (noise: Spread): string =>
  `${figure(noise.median)} ms, ${figure(noise.min)}–${figure(noise.max)} (spread ${figure((100 * (noise.max - noise.min)) / noise.median)} %)`;
