import type { InterfaceAddress, Link } from './netlink/route.ts';

/** Maximum number of addresses kept for the display of an interface: more than fit into a line of the widest screen. */
const MAX_ADDRESSES = 64;

/** The interface of an address that several interfaces have. */
const AMBIGUOUS = Symbol('several');

/** The interfaces of one network namespace, and which of them an address belongs to. */
export class Interfaces {
  links: readonly Link[];
  readonly #names = new Map<number, string>();
  /** Interface name by address; a link-local address may be that of more than one interface. */
  readonly #byAddress = new Map<string, string | typeof AMBIGUOUS>();
  readonly #addresses = new Map<number, string[]>();
  readonly #tunnelPorts: ReadonlySet<number>;
  readonly #loopback: string | undefined;
  /** Differs when an answer of `nameOf`, `nameOfAddress` or `scopeOf` may differ. */
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

  /** The same with the counters of now; undefined where the interfaces differ in more than these. */
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

  /** The first 64 addresses of an interface. */
  addressesOf(index: number): readonly string[] {
    return this.#addresses.get(index) ?? [];
  }

  /** The interface that has an address; undefined for none, and for one that several have. */
  nameOfAddress(address: string): string | undefined {
    const name = this.#byAddress.get(address);
    if (name !== undefined) return name === AMBIGUOUS ? undefined : name;
    // All of 127.0.0.0/8 is local, whether it is listed or not.
    return address.startsWith('127.') ? this.#loopback : undefined;
  }

  /** True for a UDP port that the kernel itself has opened for a tunnel: no program can bind it beside. */
  isTunnelPort(port: number): boolean {
    return this.#tunnelPorts.has(port);
  }
}

export const NO_INTERFACES = new Interfaces([], []);
