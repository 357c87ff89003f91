import type { InterfaceAddress, Link } from './netlink/route.ts';

/** The interfaces of one network namespace, and which of them an address belongs to. */
export class Interfaces {
  readonly links: readonly Link[];
  readonly #names = new Map<number, string>();
  /** Interface names by address; several for a link-local address that more than one interface has. */
  readonly #byAddress = new Map<string, string[]>();
  readonly #addresses = new Map<number, string[]>();
  readonly #loopback: string | undefined;
  /** Differs when an answer of `nameOf`, `ofAddress` or `scopeOf` may differ. */
  readonly key: string;

  constructor(links: readonly Link[], addresses: readonly InterfaceAddress[]) {
    this.links = links;
    for (const { index, name } of links) this.#names.set(index, name);
    this.#loopback = links.find(({ isLoopback }) => isLoopback)?.name;
    for (const { interfaceIndex, address } of addresses) {
      const name = this.#names.get(interfaceIndex);
      if (name === undefined) continue;
      this.#byAddress.set(address, [...(this.#byAddress.get(address) ?? []), name]);
      this.#addresses.set(interfaceIndex, [...(this.#addresses.get(interfaceIndex) ?? []), address]);
    }
    this.key = [
      ...links.map(({ index, name }) => `${index} ${name}`),
      ...addresses.map(({ interfaceIndex, address }) => `${interfaceIndex} ${address}`),
    ].join('\n');
  }

  nameOf(index: number): string | undefined {
    return this.#names.get(index);
  }

  addressesOf(index: number): readonly string[] {
    return this.#addresses.get(index) ?? [];
  }

  /** The interface that has an address; undefined for none, and for one that several have. */
  ofAddress(address: string): string | undefined {
    const names = this.#byAddress.get(address);
    if (names !== undefined) return names.length === 1 ? names[0] : undefined;
    // All of 127.0.0.0/8 is local, whether it is listed or not.
    return address.startsWith('127.') ? this.#loopback : undefined;
  }
}

export const NO_INTERFACES = new Interfaces([], []);
