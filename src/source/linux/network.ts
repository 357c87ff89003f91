import type { NetworkInterface } from '../../model/batch.ts';
import type { NetworkNamespace, Protocol } from '../../model/socket.ts';
import type { SourceOptions } from '../types.ts';
import { Interfaces, NO_INTERFACES } from './interfaces.ts';
import type { FoundNamespace } from './namespaces.ts';
import { Closes } from './netlink/closes.ts';
import { ask, type Channel, dump, type DumpResult } from './netlink/dump.ts';
import { AF_INET, INET, tcpSocketRequest, udpSocketRequest } from './netlink/inet.ts';
import { NativeError } from './netlink/native.ts';
import {
  addressesRequest,
  decodeInterfaceAddress,
  decodeLink,
  type InterfaceAddress,
  type Link,
  linksRequest,
  RTM_NEWADDR,
  RTM_NEWLINK,
} from './netlink/route.ts';
import { type Channels, isOutOfDescriptors, type Listening, type NetlinkSystem } from './netlink/system.ts';
import type { NetlinkBuffer } from './netlink/wire.ts';
import { type DumpRequest, dumpRequests } from './dump-requests.ts';

/** A namespace that was found, or our own where /proc does not tell which that is. */
export type Reachable = FoundNamespace | { readonly isOwn: true; readonly inode: undefined };

/** Takes a message of the kernel's about one socket. */
export type OnSocket = (
  network: Network,
  protocol: Protocol,
  buffer: NetlinkBuffer,
  start: number,
  end: number,
) => void;

/** How the reading of a namespace went. */
export interface NetworkReading {
  /** Protocols of which some table could not be read to its end. */
  readonly unfinished: ReadonlySet<Protocol>;
  /** Why the table of TCP could not be read, in words. */
  readonly failure: string | undefined;
  readonly problems: number;
  /** Dumps that the kernel says were made while its table changed, however often they were tried. */
  readonly interrupted: number;
  /** Kinds that were asked for and that this kernel does not have. */
  readonly missing: readonly Protocol[];
  /** Other kinds that it may have and tells nothing of over netlink. */
  readonly untold: ReadonlySet<Protocol>;
}

/** A dump that was interrupted is tried so often in all. */
const TRIES = 3;

/** A protocol that the kernel did not have may come with a module: it is asked again after so many rounds. */
const ASK_AGAIN_ROUNDS = 120;

/** Rounds from one attempt to keep the sockets open to the next, where there were no descriptors for them. */
const OPEN_AGAIN_ROUNDS = 16;

/** With more addresses than this, a namespace is asked for them once in 16 rounds: a user may have made 100,000. */
const MANY_ADDRESSES = 1024;
const ADDRESS_ROUNDS = 16;

/**
 * ENOENT, EINVAL, EPROTONOSUPPORT, EOPNOTSUPP, EAFNOSUPPORT: the kernel has no such sockets, or no diag module for
 * them.
 */
const NOT_THERE = new Set([2, 22, 93, 95, 97]);

/**
 * One network namespace, with netlink sockets open in it for as long as it is there. Where no descriptors are left for
 * these only what hears of closes stays open, or nothing; the rest is opened for each reading and closed again.
 */
export class Network {
  readonly isOwn: boolean;
  /** The same object while the name stays; undefined for our own where /proc does not tell which that is. */
  netns: NetworkNamespace | undefined;
  interfaces: Interfaces = NO_INTERFACES;
  #addresses: readonly InterfaceAddress[] = [];
  /** Differs from reading to reading when the name or the interfaces differ. */
  version = 0;
  /** Why the interfaces could not be read this time: those of before are shown, or none. */
  interfacesFailure: string | undefined;
  /** The sockets that it destroys, where the kernel tells of them. */
  closes: Closes | undefined;
  /** True where closes were wanted and there is no descriptor for them. */
  isDeaf = false;
  readonly #system: NetlinkSystem;
  readonly #wantsCloses: boolean;
  readonly #mostWaiting: number | undefined;
  #found: Reachable;
  #channels: Channels | undefined;
  #listening: Listening | undefined;
  #requests: readonly DumpRequest[];
  /** Questions that the kernel did not understand, with the round to ask them again. */
  readonly #refused = new Map<DumpRequest, number>();
  #round = 0;

  /** Throws when the namespace cannot be entered. */
  constructor(
    system: NetlinkSystem,
    found: Reachable,
    { also, tcpDetails, events, bounds }: Pick<SourceOptions, 'also' | 'tcpDetails' | 'events' | 'bounds'>,
  ) {
    this.#system = system;
    this.#wantsCloses = events === true;
    this.#mostWaiting = bounds?.waitingEvents;
    this.#found = found;
    this.isOwn = found.isOwn;
    this.netns = labelOf(found);
    this.#requests = dumpRequests(also, tcpDetails);
    this.#open();
  }

  /** Inode of the namespace; undefined for our own where /proc does not tell which that is. */
  get inode(): number | undefined {
    return this.netns?.inode;
  }

  /** Takes over what may have changed of the namespace since it was found first. Throws when it cannot be entered now. */
  follow(found: FoundNamespace): void {
    this.#found = found;
    if (this.#channels === undefined && this.#round % OPEN_AGAIN_ROUNDS === 0) this.#open();
    if (found.name === this.netns?.name && this.netns !== undefined) return;
    this.netns = labelOf(found);
    this.version++;
  }

  close(): void {
    this.#channels?.close();
    this.#listening?.close();
    this.#channels = undefined;
    this.#listening = undefined;
  }

  /** Calls a function while this thread is in the namespace. Throws when it cannot be entered. */
  inside<T>(act: () => T): T {
    return this.#found.isOwn ? act() : this.#system.inside(this.#found, act);
  }

  /** Opens as much as there are descriptors for. Throws when the namespace cannot be entered. */
  #open(): void {
    const found = this.#found;
    try {
      const channels = this.#system.open(found.isOwn ? undefined : found, this.#wantsCloses && !this.closes);
      this.#channels = channels;
      if (channels.closes) this.closes = new Closes(channels.closes, this.#mostWaiting);
      this.isDeaf = false;
    } catch (error) {
      if (found.isOwn || !isOutOfDescriptors(error)) throw error;
      if (this.closes === undefined && this.#wantsCloses) this.#listen(found);
    }
  }

  #listen(found: FoundNamespace): void {
    try {
      this.#listening = this.#system.listen(found);
      if (this.#listening.closes) this.closes = new Closes(this.#listening.closes, this.#mostWaiting);
    } catch (error) {
      if (!isOutOfDescriptors(error)) throw error;
      this.isDeaf = true;
    }
  }

  /** Hands over netlink sockets in the namespace. Throws when it cannot be entered now. */
  #use<T>(act: (channels: Channels) => T): T {
    if (this.#channels) return act(this.#channels);
    const channels = this.#system.open(this.#found.isOwn ? undefined : this.#found, false, true);
    try {
      return act(channels);
    } finally {
      channels.close();
    }
  }

  /**
   * Asks for every socket. Throws nothing: what fails is said.
   * @param onPause is called again and again meanwhile, for what must not wait until the end
   */
  readSockets(onSocket: OnSocket, onPause?: () => void): NetworkReading {
    this.#round++;
    try {
      return this.#use(({ diag }) => this.#readAll(diag, onSocket, onPause));
    } catch (error) {
      if (this.#channels) throw error;
      return {
        unfinished: new Set(this.#requests.map(({ protocol }) => protocol)),
        failure: error instanceof Error ? error.message : String(error),
        problems: 0,
        interrupted: 0,
        missing: [],
        untold: new Set(),
      };
    }
  }

  #readAll(diag: Channel, onSocket: OnSocket, onPause?: () => void): NetworkReading {
    const unfinished = new Set<Protocol>();
    let failure: string | undefined;
    let problems = 0;
    let interrupted = 0;
    const missing = new Set<Protocol>();
    const untold = new Set<Protocol>();
    for (let i = 0; i < this.#requests.length; i++) {
      const request = this.#requests[i];
      if (request === undefined) break;
      const { protocol } = request;
      if ((this.#refused.get(request) ?? 0) > this.#round) {
        (request.isExtra ? missing : untold).add(protocol);
        continue;
      }
      const result = this.#ask(
        diag,
        request,
        (buffer, start, end) => onSocket(this, protocol, buffer, start, end),
        onPause,
      );
      problems += result.problems;
      interrupted += Number(result.interrupted);
      // What came in a datagram behind something that made no sense is lost.
      if (result.problems > 0) unfinished.add(protocol);
      if (result.errno === 0) continue;
      if (request.instead) {
        // From now on those are asked; they come next in this reading too.
        this.#requests = [
          ...this.#requests.slice(0, i),
          ...request.instead,
          ...this.#requests.slice(i + 1),
        ];
        i--;
      } else if (NOT_THERE.has(result.errno) && !(request.isVital && request.request[16] === AF_INET)) {
        this.#refused.set(request, this.#round + ASK_AGAIN_ROUNDS);
        (request.isExtra ? missing : untold).add(protocol);
      } else {
        unfinished.add(protocol);
        if (request.isVital) failure = result.error;
      }
    }
    return { unfinished, failure, problems, interrupted, missing: [...missing], untold };
  }

  #ask(
    diag: Channel,
    { request }: DumpRequest,
    onMessage: (buffer: NetlinkBuffer, start: number, end: number) => void,
    onPause: (() => void) | undefined,
  ): DumpResult & { readonly error: string } {
    try {
      let result = dump(diag, request, onMessage, onPause);
      for (let tries = 1; result.interrupted && tries < TRIES; tries++) {
        result = dump(diag, request, onMessage, onPause);
      }
      return { ...result, error: `error ${result.errno}` };
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      return { errno: error.errno, interrupted: false, problems: 0, error: error.message };
    }
  }

  /**
   * Asks for what has the endpoints of a TCP connection now, as `tcpSocketRequest` has it. Where there is nothing, or it
   * cannot be told, nothing is called.
   */
  askTcp(
    family: 'ipv4' | 'ipv6',
    place: Uint8Array,
    onMessage: (buffer: NetlinkBuffer, start: number, end: number) => void,
  ): void {
    this.#askOne(tcpSocketRequest(family, place), onMessage);
  }

  /** Returns true where a UDP socket takes what comes to these endpoints now. */
  hasUdp(family: 'ipv4' | 'ipv6', place: Uint8Array): boolean {
    let isThere = false;
    this.#askOne(udpSocketRequest(family, place), () => (isThere = true));
    return isThere;
  }

  #askOne(request: Uint8Array, onMessage: (buffer: NetlinkBuffer, start: number, end: number) => void): void {
    try {
      this.#use(({ diag }) =>
        ask(diag, request, (buffer, start, end) => {
          if (end - start >= INET.length) onMessage(buffer, start, end);
        }),
      );
    } catch (error) {
      // The namespace may be gone by now.
      if (this.#channels && !(error instanceof NativeError)) throw error;
    }
  }

  /** Reads interfaces, their counters and addresses; what cannot be read stays as it was. */
  readInterfaces(): NetworkInterface[] {
    const links: Link[] = [];
    let addresses = this.#addresses;
    this.interfacesFailure = undefined;
    try {
      const errno = this.#use(({ route }) => {
        const ofLinks = dump(route, linksRequest(), (buffer, start, end, type) => {
          const link = type === RTM_NEWLINK ? decodeLink(buffer, start, end) : undefined;
          if (link) links.push(link);
        });
        if (addresses.length > MANY_ADDRESSES && this.#round % ADDRESS_ROUNDS !== 0) return ofLinks.errno;
        const fresh: InterfaceAddress[] = [];
        const ofAddresses = dump(route, addressesRequest(), (buffer, start, end, type) => {
          const address = type === RTM_NEWADDR ? decodeInterfaceAddress(buffer, start, end) : undefined;
          if (address) fresh.push(address);
        });
        addresses = fresh;
        return ofLinks.errno || ofAddresses.errno;
      });
      if (errno !== 0) this.interfacesFailure = `error ${errno}`;
      else if (links.length === 0) this.interfacesFailure = 'the kernel lists none';
    } catch (error) {
      if (this.#channels && !(error instanceof NativeError)) throw error;
      this.interfacesFailure = error instanceof Error ? error.message : String(error);
    }
    if (this.interfacesFailure === undefined) {
      // With 20,000 addresses it takes 10 ms to put them in order again.
      const counted = addresses === this.#addresses ? this.interfaces.counted(links) : undefined;
      const interfaces = counted ?? new Interfaces(links, addresses);
      this.#addresses = addresses;
      if (interfaces.key !== this.interfaces.key) this.version++;
      this.interfaces = interfaces;
    }
    return this.interfaces.links.map(({ index, name, isUp, rxBytes, txBytes }) => ({
      name,
      ...(this.netns && { netns: this.netns }),
      isUp,
      rxBytes,
      txBytes,
      addresses: this.interfaces.addressesOf(index),
    }));
  }
}

const labelOf = (found: Reachable): NetworkNamespace | undefined =>
  found.inode === undefined
    ? undefined
    : {
        inode: found.inode,
        ...(found.name !== undefined && { name: found.name }),
        ...(found.claimedBy !== undefined && { claimedBy: found.claimedBy }),
      };
