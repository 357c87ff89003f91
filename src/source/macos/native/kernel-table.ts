import { ERRNO, errnoName, type MacCalls } from './calls.ts';

/** Maximum number of tries: sockets may be opened between the call that returns the size and the one that reads. */
const MAX_TRIES = 4;

/** Maximum size of a table, bytes: some 400,000 sockets. */
const MAX_BYTES = 2 ** 28;

/** Room for sockets that are opened between these calls, bytes. */
const SPARE_BYTES = 2 ** 16;

/** Thrown if a table of the kernel cannot be read. The message is a clause without a full stop. */
export class TableUnread extends Error {}

/** Reads one table of the kernel, such as net.inet.tcp.pcblist_n, into a buffer that grows with it. */
export class KernelTable {
  readonly name: string;
  readonly #calls: MacCalls;
  #buffer = new ArrayBuffer(SPARE_BYTES);
  readonly #size = new BigUint64Array(1);

  constructor(calls: MacCalls, name: string) {
    this.#calls = calls;
    this.name = name;
  }

  /**
   * Returns the table in 32-bit words, valid until the next call.
   * @throws TableUnread
   */
  read(): Int32Array {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      this.#size[0] = BigInt(this.#buffer.byteLength);
      const result = this.#calls.sysctlByName(this.name, new Uint8Array(this.#buffer), this.#size);
      if (result >= 0) {
        const length = Math.min(Number(this.#size[0]), this.#buffer.byteLength);
        return new Int32Array(this.#buffer, 0, length >>> 2);
      }
      if (result !== -ERRNO.ENOMEM) throw new TableUnread(`${this.name}: ${errnoName(result)}`);
      this.#grow();
    }
    throw new TableUnread(`${this.name} grew during each of ${MAX_TRIES} tries`);
  }

  /** Makes room for the present size of the table. The kernel adds a reserve to the size. */
  #grow(): void {
    this.#size[0] = 0n;
    const result = this.#calls.sysctlByName(this.name, undefined, this.#size);
    if (result < 0) throw new TableUnread(`${this.name}: ${errnoName(result)}`);
    const bytes = Math.max(Number(this.#size[0]), this.#buffer.byteLength) + SPARE_BYTES;
    if (bytes > MAX_BYTES) throw new TableUnread(`${this.name} has ${bytes} bytes`);
    this.#buffer = new ArrayBuffer(Math.ceil(bytes / 8) * 8);
  }
}

/** Returns a 32-bit variable of sysctl by its name; undefined if there is none of that name. */
export function numberOf(calls: MacCalls, name: string): number | undefined {
  const value = new Uint32Array(1);
  const size = new BigUint64Array([4n]);
  const result = calls.sysctlByName(name, new Uint8Array(value.buffer), size);
  return result >= 0 && size[0] === 4n ? value[0] : undefined;
}
