import { aheadMs } from './clock.ts';
import { parseBootTimeMs, parseUptimeMs } from './process.ts';
import { LIMIT, ONE_RECORD, type Proc } from './proc.ts';

/** Change between the two clocks after which the boot time is read again, milliseconds. */
const MAX_DRIFT_MS = 500;

/** Maximum difference between the boot times by /proc/uptime and by /proc/stat, milliseconds. */
const MAX_ERROR_MS = 2000;

export interface BootClocks {
  /** Returns wall-clock time, milliseconds since 1970. */
  readonly wallMs: () => number;
  /** Returns milliseconds on a monotonic clock. */
  readonly nowMs: () => number;
}

/**
 * The boot time of the machine on the wall clock, from which the start of every process is computed. When the wall clock
 * is set, the kernel moves its boot time too (fs/proc/stat.c, getboottime64).
 */
export class BootTime {
  readonly #proc: Proc;
  readonly #clocks: BootClocks;
  #ms: number | undefined;
  /** Wall clock minus monotonic clock when the boot time was read. */
  #aheadMs: number;

  constructor(proc: Proc, clocks: BootClocks) {
    this.#proc = proc;
    this.#clocks = clocks;
    this.#aheadMs = this.#readAhead();
    this.#ms = this.#read();
  }

  /** Boot time, milliseconds since 1970; undefined if unknown. */
  get ms(): number | undefined {
    return this.#ms;
  }

  /** Reads the boot time again if the wall clock was set, or the machine slept. Costs two reads of clocks otherwise. */
  check(): void {
    const nowAheadMs = this.#readAhead();
    if (Math.abs(nowAheadMs - this.#aheadMs) < MAX_DRIFT_MS) return;
    this.#aheadMs = nowAheadMs;
    this.#ms = this.#read();
  }

  #readAhead(): number {
    return this.#clocks.wallMs() - this.#clocks.nowMs();
  }

  #read(): number | undefined {
    const stat = this.#proc.latin1('stat', LIMIT.machine);
    // In whole seconds, rounded down.
    const wholeMs = 'value' in stat ? parseBootTimeMs(stat.value) : undefined;
    if (wholeMs === undefined) return undefined;
    // `aheadMs` reads its second clock twice: the wall clock is the quicker one.
    const exactMs = -aheadMs(() => this.#readUptime() ?? NaN, this.#clocks.wallMs);
    // NaN, or the uptime is that of a container (lxcfs).
    if (!(Math.abs(exactMs - wholeMs) < MAX_ERROR_MS)) return wholeMs;
    return Math.min(Math.max(Math.round(exactMs), wholeMs), wholeMs + 999);
  }

  /** Returns the time since the boot, milliseconds, in hundredths of a second; undefined if it cannot be read. */
  #readUptime(): number | undefined {
    const uptime = this.#proc.latin1('uptime', LIMIT.machine, ONE_RECORD);
    return 'value' in uptime ? parseUptimeMs(uptime.value) : undefined;
  }
}
