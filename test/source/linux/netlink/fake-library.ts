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
  /** Soft and hard limit of prlimit(2). */
  limits: readonly bigint[] = [20_000n, 20_000n];
  nextFd = 1000;
  /** Thrown when the library is loaded. */
  failure: Error | undefined;

  func(prototype: string): (...args: unknown[]) => number {
    const name = /^\w+ (\w+)\(/.exec(prototype)?.[1] ?? '';
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
    if (name !== 'recv') return 0;
    const datagram = this.datagrams.shift();
    if (datagram === undefined) return -11;
    (args[1] as Uint8Array).set(datagram);
    return datagram.length;
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
