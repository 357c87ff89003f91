import type { NetworkInterface } from '../../../model/batch.ts';
import { ERRNO, type MacCalls } from './calls.ts';

/** net/route.h, sys/socket.h: the interfaces with counters of 64 bits. */
const CTL_NET = 4;
const PF_ROUTE = 17;
const NET_RT_IFLIST2 = 6;
const RTM_IFINFO2 = 0x12;

/**
 * struct if_msghdr2 (net/if.h) with struct if_data64 (net/if_var.h), in bytes. Messages of other types are addresses.
 * `test/source/macos/table/layout.test.ts` compares them with structures written from these headers.
 */
export const IF_MESSAGE = {
  length: 0,
  type: 3,
  flags: 8,
  index: 12,
  rxBytes: 96,
  txBytes: 104,
  size: 160,
} as const;

/** Length and type of any message. */
const HEADER_BYTES = 4;

/** IFF_UP and IFF_RUNNING (net/if.h). */
const UP_AND_RUNNING = 0x41;

/** Initial and maximum size of the list, bytes. */
const INITIAL_BYTES = 2 ** 14;
const MAX_BYTES = 2 ** 22;

/** Reads the counters of the interfaces. */
export class MacInterfaces {
  readonly #calls: MacCalls;
  readonly #nameOf: (index: number) => string | undefined;
  readonly #addressesOf: (name: string) => readonly string[];
  #buffer = new Uint8Array(INITIAL_BYTES);

  constructor(
    calls: MacCalls,
    nameOf: (index: number) => string | undefined,
    addressesOf: (name: string) => readonly string[],
  ) {
    this.#calls = calls;
    this.#nameOf = nameOf;
    this.#addressesOf = addressesOf;
  }

  /** Returns the interfaces; undefined if the kernel does not list them. */
  read(): NetworkInterface[] | undefined {
    const numbers = Int32Array.of(CTL_NET, PF_ROUTE, 0, 0, NET_RT_IFLIST2, 0);
    for (;;) {
      const size = BigUint64Array.of(BigInt(this.#buffer.length));
      const result = this.#calls.sysctl(numbers, this.#buffer, size);
      if (result >= 0) return this.#decode(this.#buffer.subarray(0, Number(size[0])));
      if (result !== -ERRNO.ENOMEM || this.#buffer.length >= MAX_BYTES) return undefined;
      this.#buffer = new Uint8Array(2 * this.#buffer.length);
    }
  }

  #decode(bytes: Uint8Array): NetworkInterface[] {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const interfaces: NetworkInterface[] = [];
    for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
      const length = view.getUint16(at + IF_MESSAGE.length, true);
      if (length < HEADER_BYTES || at + length > bytes.length) break;
      if (view.getUint8(at + IF_MESSAGE.type) === RTM_IFINFO2 && length >= IF_MESSAGE.size) {
        const index = view.getUint16(at + IF_MESSAGE.index, true);
        const name = this.#nameOf(index) ?? String(index);
        interfaces.push({
          name,
          isUp: (view.getUint32(at + IF_MESSAGE.flags, true) & UP_AND_RUNNING) === UP_AND_RUNNING,
          rxBytes: Number(view.getBigUint64(at + IF_MESSAGE.rxBytes, true)),
          txBytes: Number(view.getBigUint64(at + IF_MESSAGE.txBytes, true)),
          addresses: this.#addressesOf(name),
        });
      }
      at += length;
    }
    return interfaces;
  }
}
