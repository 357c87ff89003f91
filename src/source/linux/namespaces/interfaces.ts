import type { InterfaceAddress, Link } from '../netlink/route.ts';

/** Maximum number of addresses per interface kept for display: no screen shows that many. */
const MAX_ADDRESSES = 64;

/** Marks an address that several interfaces have. */
const AMBIGUOUS = Symbol('ambiguous');

/** The interfaces of one network namespace, by index and by address. */
export class Interfaces {
  /** Interfaces with the newest counters. */
  links: readonly Link[];
  readonly #names = new Map<number, string>();
  /** Interface name by address; several interfaces may have the same link-local address. */
  readonly #byAddress = new Map<string, string | typeof AMBIGUOUS>();
  /** Addresses by interface index. */
  readonly #addresses = new Map<number, string[]>();
  readonly #tunnelPorts: ReadonlySet<number>;
  readonly #loopback: string | undefined;
  /** Objects with equal keys return the same from `nameOf` and `nameOfAddress`. */
  readonly key: string;

  constructor(links: readonly Link[], addresses: readonly InterfaceAddress[]) {
    this.links = links;
    for (const { index, name } of links) this.#names.set(index, name);
    this.#tunnelPorts = new Set(links.flatMap(({ tunnelPort }) => tunnelPort ?? []));
    this.#loopback = links.find(({ isLoopback }) => isLoopback)?.name;
    for (const { interfaceIndex, address } of addresses) {
      const name = this.#names.get(interfaceIndex);
      if (name === undefined) continue;
      // One interface may have an address twice, with two prefix lengths.
      const known = this.#byAddress.get(address) ?? name;
      this.#byAddress.set(address, known === name ? name : AMBIGUOUS);
      const kept = this.#addresses.get(interfaceIndex);
      if (kept === undefined) this.#addresses.set(interfaceIndex, [address]);
      else if (kept.length < MAX_ADDRESSES && !kept.includes(address)) kept.push(address);
    }
    this.key = [
      ...links.map(({ index, name, isLoopback }) => `${index} ${name}${isLoopback ? ' loopback' : ''}`),
      ...addresses.map(({ interfaceIndex, address }) => `${interfaceIndex} ${address}`),
    ].join('\n');
  }

  /**
   * Updates `links` and returns this object if only counters or `isUp` differ; otherwise changes nothing and returns
   * undefined.
   */
  updateCounters(links: readonly Link[]): Interfaces | undefined {
    const isSame =
      links.length === this.links.length &&
      links.every((link, i) => {
        const previous = this.links[i];
        return (
          link.index === previous?.index &&
          link.name === previous.name &&
          link.isLoopback === previous.isLoopback &&
          link.tunnelPort === previous.tunnelPort
        );
      });
    if (isSame) this.links = links;
    return isSame ? this : undefined;
  }

  /** Returns the name of an interface; undefined if there is none with this index. */
  nameOf(index: number): string | undefined {
    return this.#names.get(index);
  }

  /** Returns the addresses of an interface, up to `MAX_ADDRESSES`. */
  addressesOf(index: number): readonly string[] {
    return this.#addresses.get(index) ?? [];
  }

  /** Returns the name of the interface with this address; undefined if none or several have it. */
  nameOfAddress(address: string): string | undefined {
    const name = this.#byAddress.get(address);
    if (name !== undefined) return name === AMBIGUOUS ? undefined : name;
    // All of 127.0.0.0/8 belongs to the loopback interface, also addresses that the kernel does not list.
    return address.startsWith('127.') ? this.#loopback : undefined;
  }

  /** Returns true if the kernel has opened this UDP port for a tunnel: no program can bind it. */
  isTunnelPort(port: number): boolean {
    return this.#tunnelPorts.has(port);
  }
}

export const NO_INTERFACES = new Interfaces([], []);
