import type { NetworkInterface } from '../../../model/batch.ts';
import type { NetworkNamespace } from '../../../model/socket.ts';
import { type Channel, dump } from '../netlink/dump.ts';
import {
  addressesRequest,
  decodeInterfaceAddress,
  decodeLink,
  type InterfaceAddress,
  type Link,
  linksRequest,
  RTM_NEWADDR,
  RTM_NEWLINK,
} from '../netlink/route.ts';
import { isSystemError } from '../netlink/system.ts';
import { Interfaces, NO_INTERFACES } from './interfaces.ts';

/** Above this number of interface addresses, they are read only every `ADDRESS_POLLS` polls: there may be 100,000. */
const MANY_ADDRESSES = 1024;
const ADDRESS_POLLS = 16;

/** Reads the interfaces of one network namespace, with their counters and addresses. */
export class InterfaceReader {
  #interfaces = NO_INTERFACES;
  #addresses: readonly InterfaceAddress[] = [];
  #failure: string | undefined;

  /** Interfaces as of the last successful read. */
  get interfaces(): Interfaces {
    return this.#interfaces;
  }

  /** Reason why the last read failed; undefined if it succeeded. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /**
   * Reads the interfaces again. If that fails, those of the last read stay.
   * @param poll number of the current poll
   * @param withRoute calls a function with a NETLINK_ROUTE socket; throws if there is none
   */
  read(poll: number, withRoute: (act: (route: Channel) => number) => number): void {
    const links: Link[] = [];
    const isDue = this.#addresses.length <= MANY_ADDRESSES || poll % ADDRESS_POLLS === 0;
    const addresses: InterfaceAddress[] = [];
    try {
      const errno = withRoute(
        (route) => readLinks(route, links) || (isDue ? readAddresses(route, addresses) : 0),
      );
      this.#failure =
        errno !== 0 ? `error ${errno}` : links.length === 0 ? 'the kernel lists no interfaces' : undefined;
    } catch (error) {
      if (!isSystemError(error)) throw error;
      this.#failure = error.message;
    }
    if (this.#failure === undefined) this.#apply(links, isDue ? addresses : this.#addresses);
  }

  #apply(links: readonly Link[], addresses: readonly InterfaceAddress[]): void {
    // Keeps the maps of `Interfaces` if the addresses were not read again: making them for 20,000 addresses takes 10 ms.
    const updated = addresses === this.#addresses ? this.#interfaces.updateCounters(links) : undefined;
    this.#interfaces = updated ?? new Interfaces(links, addresses);
    this.#addresses = addresses;
  }

  /** Returns the interfaces for a snapshot. */
  list(netns: NetworkNamespace | undefined): NetworkInterface[] {
    return this.#interfaces.links.map(({ index, name, isUp, rxBytes, txBytes }) => ({
      name,
      ...(netns && { netns }),
      isUp,
      rxBytes,
      txBytes,
      addresses: this.#interfaces.addressesOf(index),
    }));
  }
}

/** Adds all links to a list. Returns an errno, 0 for none. */
const readLinks = (route: Channel, into: Link[]): number =>
  dump(route, linksRequest(), (buffer, start, end, type) => {
    const link = type === RTM_NEWLINK ? decodeLink(buffer, start, end) : undefined;
    if (link) into.push(link);
  }).errno;

/** Adds all addresses to a list. Returns an errno, 0 for none. */
const readAddresses = (route: Channel, into: InterfaceAddress[]): number =>
  dump(route, addressesRequest(), (buffer, start, end, type) => {
    const address = type === RTM_NEWADDR ? decodeInterfaceAddress(buffer, start, end) : undefined;
    if (address) into.push(address);
  }).errno;
