import type { InterfaceAddress, Link } from '../netlink/route.ts';

/** Maximum number of addresses kept per interface for display; more than fit into a line of any screen. */
const MAX_ADDRESSES = 64;

/** Stands for the interface of an address that several interfaces have. */
const AMBIGUOUS = Symbol('ambiguous');

/** The interfaces of one network namespace, by index and by address. */
export class Interfaces {
  links: readonly Link[];
  readonly #names = new Map<number, string>();
  /** Interface name by address; several interfaces may have the same link-local address. */
  readonly #byAddress = new Map<string, string | typeof AMBIGUOUS>();
  readonly #addresses = new Map<number, string[]>();
  readonly #tunnelPorts: ReadonlySet<number>;
  readonly #loopback: string | undefined;
  /** Changes whenever a result of `nameOf` or `nameOfAddress` may change. */
  readonly key: string;

  constructor(links: readonly Link[], addresses: readonly InterfaceAddress[]) {
    this.links = links;
    for (const { index, name } of links) this.#names.set(index, name);
    this.#tunnelPorts = new Set(links.flatMap(({ tunnelPort }) => tunnelPort ?? []));
    this.#loopback = links.find(({ isLoopback }) => isLoopback)?.name;
    for (const { interfaceIndex, address } of addresses) {
      const name = this.#names.get(interfaceIndex);
      if (name === undefined) continue;
      this.#byAddress.set(address, this.#byAddress.has(address) ? AMBIGUOUS : name);
      const kept = this.#addresses.get(interfaceIndex);
      if (kept === undefined) this.#addresses.set(interfaceIndex, [address]);
      else if (kept.length < MAX_ADDRESSES) kept.push(address);
    }
    this.key = [
      ...links.map(({ index, name }) => `${index} ${name}`),
      ...addresses.map(({ interfaceIndex, address }) => `${interfaceIndex} ${address}`),
    ].join('\n');
  }

  /** Updates the counters and returns this object; undefined if the interfaces differ in more than counters. */
  updateCounters(links: readonly Link[]): Interfaces | undefined {
    const isSame =
      links.length === this.links.length &&
      links.every((link, i) => {
        const before = this.links[i];
        return (
          link.index === before?.index &&
          link.name === before.name &&
          link.isLoopback === before.isLoopback &&
          link.tunnelPort === before.tunnelPort
        );
      });
    if (isSame) this.links = links;
    return isSame ? this : undefined;
  }

  nameOf(index: number): string | undefined {
    return this.#names.get(index);
  }

  /** Returns the first 64 addresses of an interface. */
  addressesOf(index: number): readonly string[] {
    return this.#addresses.get(index) ?? [];
  }

  /** Returns the name of the interface with this address; undefined if none or several have it. */
  nameOfAddress(address: string): string | undefined {
    const name = this.#byAddress.get(address);
    if (name !== undefined) return name === AMBIGUOUS ? undefined : name;
    // All of 127.0.0.0/8 belongs to the loopback interface, listed or not.
    return address.startsWith('127.') ? this.#loopback : undefined;
  }

  /** Returns true for a UDP port that the kernel has open for a tunnel: no program can bind it as well. */
  isTunnelPort(port: number): boolean {
    return this.#tunnelPorts.has(port);
  }
}

export const NO_INTERFACES = new Interfaces([], []);
