/** Sleep below this, milliseconds, is the time between reading the two clocks. */
const SLEEP_MS = 50;

/** Clocks of the machine, milliseconds. */
export interface MacClocks {
  /** Time since the start of the machine without its sleep (mach_absolute_time). */
  readonly awakeMs: number;
  /** Time since the start of the machine (mach_continuous_time). */
  readonly continuousMs: number;
  /** Milliseconds since 1970. */
  readonly wallMs: number;
}

/** Values at the start of TCP: net.inet.tcp.now_init in milliseconds, net.inet.tcp.microuptime_init in microseconds. */
export interface TcpStart {
  readonly nowInit: number;
  readonly uptimeInit: number;
}

/**
 * Converts times on the clock of TCP, which begins at a random number and stands still while the machine sleeps
 * (bsd/netinet/tcp_subr.c, tcp_init and calculate_tcp_clock). A time before a sleep has no known wall-clock time: only
 * the sum of all sleep is known. If the machine slept before the first poll, no time before that poll is known.
 */
export class TcpClock {
  readonly #start: TcpStart | undefined;
  #now: MacClocks = { awakeMs: 0, continuousMs: 0, wallMs: 0 };
  /** Sum of all sleep at the last poll, milliseconds. */
  #asleepMs = 0;
  /** Awake time of the poll that noticed the last sleep; 0 if the machine has not slept. */
  #wokeAtMs = 0;

  /** @param start undefined if the kernel does not say it: no time is known then */
  constructor(start: TcpStart | undefined) {
    this.#start = start;
  }

  /** Notes the time of a poll. */
  update(now: MacClocks): void {
    const asleepMs = now.continuousMs - now.awakeMs;
    if (asleepMs - this.#asleepMs > SLEEP_MS) {
      this.#asleepMs = asleepMs;
      this.#wokeAtMs = now.awakeMs;
    }
    this.#now = now;
  }

  /** Returns the wall-clock time, milliseconds since 1970; undefined if the machine may have slept since, and without a start. */
  readonly wallMsOf = (tcpMs: number): number | undefined => {
    if (this.#start === undefined) return undefined;
    const { nowInit, uptimeInit } = this.#start;
    const tcpNow = this.#now.awakeMs - uptimeInit / 1000 + nowInit;
    const ageMs = (Math.round(tcpNow) - tcpMs) >>> 0;
    const awakeMs = this.#now.awakeMs - ageMs;
    return awakeMs < this.#wokeAtMs ? undefined : Math.round(this.#now.wallMs - ageMs);
  };
}
