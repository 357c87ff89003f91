import { expect } from 'vitest';
import type { SourceOptions } from '../../../../src/source/types.ts';

/** A fake C library and koffi. */
export class Library {
  errno = 0;
  readonly calls: string[] = [];
  /** Arguments in memory: addresses of bind(2), buffer sizes of setsockopt(2). */
  readonly arrays: number[][] = [];
  /** Result of getsockopt(2). */
  answer: readonly number[] = [];
  /** Results of a call in turn, followed by its default; a negative one is the errno of a failure. */
  readonly results = new Map<string, number[]>();
  datagrams: Uint8Array[] = [];
  /** Datagrams that are not from the kernel. */
  readonly forged = new Set<Uint8Array>();
  /** Soft and hard limit of prlimit(2). */
  limits: readonly bigint[] = [20_000n, 20_000n];
  nextFd = 1000;
  /** Memory by its address. */
  readonly memories = new Map<bigint, ArrayBuffer>();
  /** Thrown when koffi is imported. */
  packageFailure: Error | undefined;
  /** Thrown when the library is loaded. */
  failure: Error | undefined;
  /** Name of a function that it lacks. */
  missing: string | undefined;

  func(prototype: string): (...args: unknown[]) => number {
    const name = /^\w+ (\w+)\(/.exec(prototype)?.[1] ?? '';
    if (name === this.missing) throw new Error(`Cannot find function '${name}' in shared library\nat …`);
    const call = (...args: unknown[]): number => {
      this.calls.push(`${name} ${args.filter((it) => typeof it === 'number').join(' ')}`);
      for (const it of args) {
        if (
          (name === 'bind' && it instanceof Uint32Array) ||
          (name === 'setsockopt' && it instanceof Int32Array)
        )
          this.arrays.push([...it]);
      }
      if (name === 'prlimit' && args[3] instanceof BigUint64Array) args[3].set(this.limits);
      if (name === 'getsockopt') (args[3] as Uint32Array).set(this.answer);
      const result = this.results.get(name)?.shift() ?? this.#usual(name, args);
      if (result >= 0) return result;
      this.errno = -result;
      return -1;
    };
    return Object.assign(call, { async: call });
  }

  #usual(name: string, args: readonly unknown[]): number {
    if (name === 'socket') return this.nextFd++;
    if (name === 'recvmmsg') return this.#receiveSeveral(args[1] as ArrayBuffer, args[2] as number);
    if (name !== 'recvfrom') return 0;
    const datagram = this.datagrams.shift();
    if (datagram === undefined) return -11;
    (args[1] as Uint8Array).set(datagram);
    (args[4] as Uint32Array)[1] = this.#portOf(datagram);
    return datagram.length;
  }

  /** Fills the parts of memory that an array of struct mmsghdr refers to (recvmmsg(2), on 64 bits). */
  #receiveSeveral(headers: ArrayBuffer, max: number): number {
    const view = new DataView(headers);
    let count = 0;
    for (; count < max && this.datagrams.length > 0; count++) {
      const datagram = this.datagrams.shift() ?? new Uint8Array();
      const part = this.#at(view.getBigUint64(count * 64 + 16, true));
      const length = Number(part.getBigUint64(8, true));
      const target = this.#at(part.getBigUint64(0, true));
      new Uint8Array(target.buffer, target.byteOffset, length).set(datagram.subarray(0, length));
      expect(view.getUint32(count * 64 + 8, true)).toBe(12);
      this.#at(view.getBigUint64(count * 64, true)).setUint32(4, this.#portOf(datagram), true);
      view.setUint32(count * 64 + 56, Math.min(length, datagram.length), true);
    }
    return count || -11;
  }

  /** Returns the netlink port of the sender. */
  #portOf(datagram: Uint8Array): number {
    return this.forged.has(datagram) ? 0xffff_f000 : 0;
  }

  /** Returns the memory from an address on. */
  #at(address: bigint): DataView<ArrayBuffer> {
    for (const [start, memory] of this.memories)
      if (address >= start && address < start + BigInt(memory.byteLength))
        return new DataView(memory, Number(address - start));
    throw new Error('not an address');
  }

  allocate(length: number): ArrayBuffer {
    const memory = new ArrayBuffer(length);
    this.memories.set(BigInt(this.memories.size + 1) << 32n, memory);
    return memory;
  }

  addressOf(memory: ArrayBuffer): bigint {
    return [...this.memories].find(([, it]) => it === memory)?.[0] ?? 0n;
  }
}

export const OPTIONS: SourceOptions = { also: [], tcpDetails: false, ownerBudgetMs: 0 };
export const openSockDiag = async (options = OPTIONS) =>
  (await import('../../../../src/source/linux/open.ts')).openSockDiag(options);

/** Returns the message of the error of an opening, which must be a `SourceUnavailable`. */
export async function refusalOf(opening: Promise<unknown>): Promise<string> {
  const { SourceUnavailable } = await import('../../../../src/source/types.ts');
  const error: unknown = await opening.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SourceUnavailable);
  return (error as Error).message;
}
