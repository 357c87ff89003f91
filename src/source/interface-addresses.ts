import { networkInterfaces } from 'node:os';
import { isAnyAddress, unmapped } from '../model/address.ts';

/** Time for which addresses are kept, milliseconds. Reading them takes longer than reading the counters of interfaces. */
const KEPT_MS = 5000;

/** Reads the addresses of all interfaces, as `networkInterfaces` of Node does. */
export type ReadAddresses = typeof networkInterfaces;

/**
 * Keeps the addresses of interfaces, and finds the interface that has an address. For systems whose lists of interfaces have
 * no addresses, and whose lists of sockets have no interfaces.
 */
export class InterfaceAddresses {
  readonly #nowMs: () => number;
  readonly #read: ReadAddresses;
  #readAtMs = -Infinity;
  #byName: ReadonlyMap<string, readonly string[]> = new Map();
  /** Name by address; null if several interfaces have it. */
  readonly #names = new Map<string, string | null>();
  /** Text of `#names`, by which a change is noticed. */
  #namesText = '';

  /** @param read replaces the call of Node in tests */
  constructor(nowMs: () => number, read: ReadAddresses = networkInterfaces) {
    this.#nowMs = nowMs;
    this.#read = read;
  }

  /**
   * Reads the addresses again if they are too old.
   * @returns true if `nameOf` has other answers than before
   */
  refresh(): boolean {
    const nowMs = this.#nowMs();
    if (nowMs - this.#readAtMs < KEPT_MS) return false;
    this.#readAtMs = nowMs;
    const all = Object.entries(this.#read());
    this.#byName = new Map(
      all.map(([name, addresses = []]) => [name, addresses.map(({ address }) => address)]),
    );
    this.#names.clear();
    for (const [name, addresses = []] of all) {
      for (const it of addresses) {
        this.#add(it.address, name);
        // The scope is a number on Windows, and a name on macOS.
        if (it.family === 'IPv6' && it.scopeid !== 0)
          for (const scope of [it.scopeid, name]) this.#add(`${it.address}%${scope}`, name);
      }
    }
    const text = JSON.stringify([...this.#names]);
    const hasChanged = text !== this.#namesText;
    this.#namesText = text;
    return hasChanged;
  }

  #add(address: string, name: string): void {
    const known = this.#names.get(address) ?? name;
    this.#names.set(address, known === name ? name : null);
  }

  /** Returns the addresses of an interface that is up; empty if it has none. */
  of(name: string): readonly string[] {
    return this.#byName.get(name) ?? [];
  }

  /** Returns the interface with the local address of a socket; undefined if none or several have it, or for 0.0.0.0 and ::. */
  readonly nameOf = (address: string): string | undefined => {
    if (isAnyAddress(address)) return undefined;
    const plain = unmapped(address);
    // Windows has all of 127.0.0.0/8 on its loopback interface, and lists only the first address.
    return (
      this.#names.get(plain) ??
      (plain.startsWith('127.') ? this.#names.get('127.0.0.1') : undefined) ??
      undefined
    );
  };
}
