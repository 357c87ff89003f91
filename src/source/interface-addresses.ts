import { networkInterfaces } from 'node:os';

/** Time for which addresses are kept, milliseconds. To read them takes longer than to read the counters. */
const KEPT_MS = 5000;

/** The addresses of interfaces by name, for systems that report the counters of interfaces without addresses. */
export class InterfaceAddresses {
  readonly #nowMs: () => number;
  readonly #ask: typeof networkInterfaces;
  #askedAtMs = -Infinity;
  #byName: ReadonlyMap<string, readonly string[]> = new Map();

  /** @param ask reads the addresses; a test passes its own */
  constructor(nowMs: () => number, ask = networkInterfaces) {
    this.#nowMs = nowMs;
    this.#ask = ask;
  }

  /** Returns the addresses of an interface that is up; empty if it has none. */
  of(name: string): readonly string[] {
    const nowMs = this.#nowMs();
    if (nowMs - this.#askedAtMs >= KEPT_MS) {
      this.#askedAtMs = nowMs;
      this.#byName = new Map(
        Object.entries(this.#ask()).map(([it, addresses = []]) => [
          it,
          addresses.map(({ address }) => address),
        ]),
      );
    }
    return this.#byName.get(name) ?? [];
  }
}
