/** Maximum number of calls for one answer, which may grow between two of them. */
const MAX_TRIES = 8;

/** Maximum size of an answer, bytes: some 400,000 rows of a table. */
const MAX_BYTES = 64 * 2 ** 20;

/** Thrown if a call failed. The message is a clause for the user. */
export class CallFailed extends Error {}

/** Memory for the answers of a call that says how long they are. It grows as needed and is kept for the next answer. */
export class GrowingBuffer {
  bytes: Uint8Array;
  /** The same memory as 32-bit words. */
  words: Uint32Array;
  readonly #size = new Uint32Array(1);

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
    this.words = new Uint32Array(this.bytes.buffer);
  }

  /**
   * Repeats a call, each time with more memory, until the answer fits.
   * @param name of the call, for messages
   * @param call returns an error code; `size` has the length of the memory, and then that of the answer
   * @param tooSmall the error code if the memory is too small
   * @throws CallFailed if the call fails with another error, or the answer outgrows the memory each time
   */
  fill(name: string, call: (into: Uint8Array, size: Uint32Array) => number, tooSmall: number): void {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      this.#size[0] = this.bytes.length;
      const error = call(this.bytes, this.#size);
      if (error === 0) return;
      if (error !== tooSmall) throw new CallFailed(`${name} fails with error ${error}`);
      const needed = Math.max(this.#size[0], this.bytes.length);
      if (needed > MAX_BYTES) throw new CallFailed(`${name} needs more than ${MAX_BYTES / 2 ** 20} MB`);
      // A quarter more than needed, so that the next answer fits although it is longer.
      const length = (needed + (needed >>> 2) + 4096) & ~7;
      this.bytes = new Uint8Array(length);
      this.words = new Uint32Array(this.bytes.buffer);
    }
    throw new CallFailed(`${name} returns more each time it is called`);
  }
}
