/** Indexes of the two numbers in the shared memory: how many steps are under way, and 1 once the gate is closed. */
const INSIDE = 0;
const CLOSED = 1;

/**
 * Keeps a thread from being ended inside a step that native code does not survive.
 *
 * The end of the program ends a thread at any point of its JavaScript. From then on V8 refuses to make objects. If it
 * refuses while koffi is being loaded, or makes a function (`func`) or a view of memory (`view`), koffi aborts the whole
 * program. Calls and `alloc` are safe. Therefore a thread enters its gate for each of these steps, and the thread that
 * ends it closes the gate first.
 */
export class NativeGate {
  readonly #words: Int32Array;

  /** @param words from `sharedWords`, the same in both threads */
  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Returns the memory of a new gate, which is open. */
  static sharedWords(): Int32Array {
    return new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  }

  /** Begins a step. If the gate is closed it never returns, except inside another step: that one must be finished. */
  enter(): void {
    const words = this.#words;
    if (Atomics.add(words, INSIDE, 1) > 0 || Atomics.load(words, CLOSED) === 0) return;
    this.leave();
    // Only the end of the thread ends this wait.
    Atomics.wait(words, CLOSED, 1);
  }

  /** Ends a step. */
  leave(): void {
    if (Atomics.sub(this.#words, INSIDE, 1) === 1) Atomics.notify(this.#words, INSIDE);
  }

  /** Notes that the thread has ended, inside a step or not. */
  noteEnd(): void {
    Atomics.store(this.#words, INSIDE, 0);
  }

  /**
   * Closes the gate for good, and waits until the thread is inside no step.
   * @param maxMs maximum wait, milliseconds
   */
  close(maxMs: number): void {
    const words = this.#words;
    Atomics.store(words, CLOSED, 1);
    const deadlineMs = performance.now() + maxMs;
    for (;;) {
      const inside = Atomics.load(words, INSIDE);
      const leftMs = deadlineMs - performance.now();
      if (inside === 0 || leftMs <= 0) return;
      Atomics.wait(words, INSIDE, inside, leftMs);
    }
  }
}

let gate: NativeGate | undefined;

/** Sets the gate of this thread. A thread that no other thread ends needs none. */
export function setNativeGate(ofThisThread: NativeGate): void {
  gate = ofThisThread;
}

/** Does a step of native code inside the gate of this thread, and returns its result. */
export function insideGate<T>(step: () => T): T {
  gate?.enter();
  try {
    return step();
  } finally {
    gate?.leave();
  }
}
