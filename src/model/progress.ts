/** The stages of a sampler's work, with the words for each. */
const STAGES = {
  rest: 'between two polls',
  open: 'opening the source',
  events: 'taking in events of the kernel',
  poll: 'reading the sockets',
  compare: 'comparing two polls',
  deliver: 'handing over what it has read',
} as const;
export type Stage = keyof typeof STAGES;

const NAMES = Object.keys(STAGES) as Stage[];

/** Position of each word. */
const STAGE = 0;
const PID = 1;
const POLLS = 2;
const INTERVAL = 3;

/**
 * The work that a sampler is at, in a few words of memory that another thread can read while the sampler is stuck in a
 * call that does not return. A note costs a store.
 */
export class Progress {
  readonly #words: Int32Array;

  /** @param words of a SharedArrayBuffer where another thread reads them: see `sharedWords` */
  constructor(words: Int32Array = new Int32Array(INTERVAL + 1)) {
    this.#words = words;
  }

  /** Words that threads share. */
  static sharedWords(): Int32Array {
    return new Int32Array(new SharedArrayBuffer((INTERVAL + 1) * Int32Array.BYTES_PER_ELEMENT));
  }

  begin(stage: Stage): void {
    this.#words[STAGE] = NAMES.indexOf(stage);
    this.#words[PID] = 0;
  }

  /** @param path below /proc: `PID/…`, or a file that belongs to no process */
  noteFile(path: string): void {
    // NaN is stored as 0.
    this.#words[PID] = Number.parseInt(path, 10);
  }

  /** Counts a poll that has been handed over. @param intervalMs until the next one */
  countPoll(intervalMs: number): void {
    this.begin('rest');
    this.#words[INTERVAL] = intervalMs;
    Atomics.add(this.#words, POLLS, 1);
  }

  /** How many polls have been handed over. */
  get polls(): number {
    return Atomics.load(this.#words, POLLS);
  }

  /** The interval after the last poll, milliseconds; 0 before the first one. */
  get intervalMs(): number {
    return this.#words[INTERVAL] ?? 0;
  }

  /** Its work, in words: `reading the sockets: /proc of process 4711`. */
  get text(): string {
    const stage = NAMES[this.#words[STAGE] ?? 0] ?? 'rest';
    const pid = this.#words[PID] ?? 0;
    return pid > 0 ? `${STAGES[stage]}: /proc of process ${pid}` : STAGES[stage];
  }
}
