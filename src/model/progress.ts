/** Stages of the sampler's work, with the text shown for each. */
const STAGES = {
  rest: 'between two polls',
  open: 'opening the source',
  events: 'reading kernel events',
  poll: 'reading the sockets',
  compare: 'comparing two polls',
  deliver: 'handing over the batch',
} as const;
export type Stage = keyof typeof STAGES;

const NAMES = Object.keys(STAGES) as Stage[];

/** Index of each 32-bit number in the shared memory: stage, pid, number of polls, interval. */
const STAGE = 0;
const PID = 1;
const POLLS = 2;
const INTERVAL = 3;

/**
 * Current work of a sampler, as a few numbers in shared memory. Another thread can read them even while the sampler is
 * stuck in a system call. An update costs only a few memory stores.
 */
export class Progress {
  readonly #words: Int32Array;

  /** @param words Must be from `sharedWords` if another thread reads them. */
  constructor(words: Int32Array = new Int32Array(INTERVAL + 1)) {
    this.#words = words;
  }

  /** Returns memory that threads can share. */
  static sharedWords(): Int32Array {
    return new Int32Array(new SharedArrayBuffer((INTERVAL + 1) * Int32Array.BYTES_PER_ELEMENT));
  }

  /** Records that a stage begins. */
  begin(stage: Stage): void {
    this.#words[STAGE] = NAMES.indexOf(stage);
    this.#words[PID] = 0;
  }

  /** Records the process of the file that is read next. @param path relative to /proc: `PID/…`, or any other file */
  noteFile(path: string): void {
    // NaN is stored as 0.
    this.#words[PID] = Number.parseInt(path, 10);
  }

  /** Counts a poll whose batch was handed over, and begins `rest`. @param intervalMs the interval in use */
  countPoll(intervalMs: number): void {
    this.begin('rest');
    this.#words[INTERVAL] = intervalMs;
    Atomics.add(this.#words, POLLS, 1);
  }

  /** Number of polls whose batch was handed over. */
  get polls(): number {
    return Atomics.load(this.#words, POLLS);
  }

  /** The interval in use at the last poll, milliseconds; 0 until its batch was handed over. */
  get intervalMs(): number {
    return this.#words[INTERVAL] ?? 0;
  }

  /** Description of the current work, such as `reading the sockets: /proc of process 4711`. */
  get text(): string {
    const stage = NAMES[this.#words[STAGE] ?? 0] ?? 'rest';
    const pid = this.#words[PID] ?? 0;
    return pid > 0 ? `${STAGES[stage]}: /proc of process ${pid}` : STAGES[stage];
  }
}
