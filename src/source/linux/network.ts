import type { NetworkInterface } from '../../model/batch.ts';
import type { NetworkNamespace, Protocol } from '../../model/socket.ts';
import type { SourceOptions } from '../types.ts';
import { Interfaces, NO_INTERFACES } from './interfaces.ts';
import type { FoundNamespace } from './namespaces.ts';
import { Closes } from './netlink/closes.ts';
import { type Channel, dump, type DumpResult, getOne } from './netlink/dump.ts';
import { AF_INET, INET, tcpLookupRequest, udpLookupRequest } from './netlink/inet.ts';
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
import { type Channels, isOutOfDescriptors, type CloseListener, type NetlinkSystem } from './netlink/system.ts';
import type { NetlinkBuffer } from './netlink/wire.ts';
import { type DumpRequest, dumpRequests } from './dump-requests.ts';

/** A namespace that was found, or our own where /proc does not tell which that is. */
export type OpenableNamespace = FoundNamespace | { readonly isOwn: true; readonly inode: undefined };

/** Takes a message of the kernel's about one socket. */
export type OnSocket = (
  network: Network,
  protocol: Protocol,
  buffer: NetlinkBuffer,
  start: number,
  end: number,
) => void;

/** How the reading of a namespace went. */
export interface NetworkPoll {
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
  readonly withoutDiag: ReadonlySet<Protocol>;
}

/** A dump that was interrupted is tried so often in all. */
const MAX_TRIES = 3;

/** A protocol that the kernel did not have may come with a module: it is asked again after so many rounds. */
const RETRY_POLLS = 120;

/** Rounds from one attempt to keep the sockets open to the next, where there were no descriptors for them. */
const REOPEN_POLLS = 16;

/** With more addresses than this, a namespace is asked for them once in 16 rounds: a user may have made 100,000. */
const MANY_ADDRESSES = 1024;
const ADDRESS_POLLS = 16;

/**
 * ENOENT, EINVAL, EPROTONOSUPPORT, EOPNOTSUPP, EAFNOSUPPORT: the kernel has no such sockets, or no diag module for
 * them.
 */
const UNSUPPORTED = new Set([2, 22, 93, 95, 97]);

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
  lacksCloseListener = false;
  readonly #system: NetlinkSystem;
  readonly #wantsCloses: boolean;
  readonly #maxWaiting: number | undefined;
  #found: OpenableNamespace;
  #channels: Channels | undefined;
  #closeListener: CloseListener | undefined;
  #dumpRequests: readonly DumpRequest[];
  /** Questions that the kernel did not understand, with the round to ask them again. */
  readonly #refused = new Map<DumpRequest, number>();
  #pollCount = 0;

  /** Throws when the namespace cannot be entered. */
  constructor(
    system: NetlinkSystem,
    found: OpenableNamespace,
    { also, tcpDetails, events, bounds }: Pick<SourceOptions, 'also' | 'tcpDetails' | 'events' | 'bounds'>,
  ) {
    this.#system = system;
    this.#wantsCloses = events === true;
    this.#maxWaiting = bounds?.waitingEvents;
    this.#found = found;
    this.isOwn = found.isOwn;
    this.netns = labelOf(found);
    this.#dumpRequests = dumpRequests(also, tcpDetails);
    this.#open();
  }

  /** Inode of the namespace; undefined for our own where /proc does not tell which that is. */
  get inode(): number | undefined {
    return this.netns?.inode;
  }

  /** Takes over what may have changed of the namespace since it was found first. Throws when it cannot be entered now. */
  update(found: FoundNamespace): void {
    this.#found = found;
    if (this.#channels === undefined && this.#pollCount % REOPEN_POLLS === 0) this.#open();
    if (found.name === this.netns?.name && this.netns !== undefined) return;
    this.netns = labelOf(found);
    this.version++;
  }

  close(): void {
    this.#channels?.close();
    this.#closeListener?.close();
    this.#channels = undefined;
    this.#closeListener = undefined;
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
      if (channels.closes) this.closes = new Closes(channels.closes, this.#maxWaiting);
      this.lacksCloseListener = false;
    } catch (error) {
      if (found.isOwn || !isOutOfDescriptors(error)) throw error;
      if (this.closes === undefined && this.#wantsCloses) this.#openCloseListener(found);
    }
  }

  #openCloseListener(found: FoundNamespace): void {
    try {
      this.#closeListener = this.#system.openCloseListener(found);
      if (this.#closeListener.closes) this.closes = new Closes(this.#closeListener.closes, this.#maxWaiting);
    } catch (error) {
      if (!isOutOfDescriptors(error)) throw error;
      this.lacksCloseListener = true;
    }
  }

  /** Hands over netlink sockets in the namespace. Throws when it cannot be entered now. */
  #withChannels<T>(act: (channels: Channels) => T): T {
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
   * @param onDatagram is called again and again meanwhile, for what must not wait until the end
   */
  readSockets(onSocket: OnSocket, onDatagram?: () => void): NetworkPoll {
    this.#pollCount++;
    try {
      return this.#withChannels(({ diag }) => this.#readAll(diag, onSocket, onDatagram));
    } catch (error) {
      if (this.#channels) throw error;
      return {
        unfinished: new Set(this.#dumpRequests.map(({ protocol }) => protocol)),
        failure: error instanceof Error ? error.message : String(error),
        problems: 0,
        interrupted: 0,
        missing: [],
        withoutDiag: new Set(),
      };
    }
  }

  #readAll(diag: Channel, onSocket: OnSocket, onDatagram?: () => void): NetworkPoll {
    const unfinished = new Set<Protocol>();
    let failure: string | undefined;
    let problems = 0;
    let interrupted = 0;
    const missing = new Set<Protocol>();
    const withoutDiag = new Set<Protocol>();
    for (let i = 0; i < this.#dumpRequests.length; i++) {
      const dumpRequest = this.#dumpRequests[i];
      if (dumpRequest === undefined) break;
      const { protocol } = dumpRequest;
      if ((this.#refused.get(dumpRequest) ?? 0) > this.#pollCount) {
        (dumpRequest.isExtra ? missing : withoutDiag).add(protocol);
        continue;
      }
      const result = this.#dump(
        diag,
        dumpRequest,
        (buffer, start, end) => onSocket(this, protocol, buffer, start, end),
        onDatagram,
      );
      problems += result.problems;
      interrupted += Number(result.interrupted);
      // What came in a datagram behind something that made no sense is lost.
      if (result.problems > 0) unfinished.add(protocol);
      if (result.errno === 0) continue;
      if (dumpRequest.fallback) {
        // From now on those are asked; they come next in this reading too.
        this.#dumpRequests = [
          ...this.#dumpRequests.slice(0, i),
          ...dumpRequest.fallback,
          ...this.#dumpRequests.slice(i + 1),
        ];
        i--;
      } else if (UNSUPPORTED.has(result.errno) && !(dumpRequest.isEssential && dumpRequest.request[16] === AF_INET)) {
        this.#refused.set(dumpRequest, this.#pollCount + RETRY_POLLS);
        (dumpRequest.isExtra ? missing : withoutDiag).add(protocol);
      } else {
        unfinished.add(protocol);
        if (dumpRequest.isEssential) failure = result.error;
      }
    }
    return { unfinished, failure, problems, interrupted, missing: [...missing], withoutDiag };
  }

  #dump(
    diag: Channel,
    { request }: DumpRequest,
    onMessage: (buffer: NetlinkBuffer, start: number, end: number) => void,
    onDatagram: (() => void) | undefined,
  ): DumpResult & { readonly error: string } {
    try {
      let result = dump(diag, request, onMessage, onDatagram);
      for (let tries = 1; result.interrupted && tries < MAX_TRIES; tries++) {
        result = dump(diag, request, onMessage, onDatagram);
      }
      return { ...result, error: `error ${result.errno}` };
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      return { errno: error.errno, interrupted: false, problems: 0, error: error.message };
    }
  }

  /**
   * Asks for what has the endpoints of a TCP connection now, as `tcpLookupRequest` has it. Where there is nothing, or it
   * cannot be told, nothing is called.
   */
  findTcp(
    family: 'ipv4' | 'ipv6',
    sockId: Uint8Array,
    onMessage: (buffer: NetlinkBuffer, start: number, end: number) => void,
  ): void {
    this.#lookUp(tcpLookupRequest(family, sockId), onMessage);
  }

  /** Returns true where a UDP socket takes what comes to these endpoints now. */
  hasUdp(family: 'ipv4' | 'ipv6', sockId: Uint8Array): boolean {
    let isThere = false;
    this.#lookUp(udpLookupRequest(family, sockId), () => (isThere = true));
    return isThere;
  }

  #lookUp(request: Uint8Array, onMessage: (buffer: NetlinkBuffer, start: number, end: number) => void): void {
    try {
      this.#withChannels(({ diag }) =>
        getOne(diag, request, (buffer, start, end) => {
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
      const errno = this.#withChannels(({ route }) => {
        const linksResult = dump(route, linksRequest(), (buffer, start, end, type) => {
          const link = type === RTM_NEWLINK ? decodeLink(buffer, start, end) : undefined;
          if (link) links.push(link);
        });
        if (addresses.length > MANY_ADDRESSES && this.#pollCount % ADDRESS_POLLS !== 0) return linksResult.errno;
        const fresh: InterfaceAddress[] = [];
        const addressesResult = dump(route, addressesRequest(), (buffer, start, end, type) => {
          const address = type === RTM_NEWADDR ? decodeInterfaceAddress(buffer, start, end) : undefined;
          if (address) fresh.push(address);
        });
        addresses = fresh;
        return linksResult.errno || addressesResult.errno;
      });
      if (errno !== 0) this.interfacesFailure = `error ${errno}`;
      else if (links.length === 0) this.interfacesFailure = 'the kernel lists none';
    } catch (error) {
      if (this.#channels && !(error instanceof NativeError)) throw error;
      this.interfacesFailure = error instanceof Error ? error.message : String(error);
    }
    if (this.interfacesFailure === undefined) {
      // With 20,000 addresses it takes 10 ms to put them in order again.
      const counted = addresses === this.#addresses ? this.interfaces.updateCounters(links) : undefined;
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

const labelOf = (found: OpenableNamespace): NetworkNamespace | undefined =>
  found.inode === undefined
    ? undefined
    : {
        inode: found.inode,
        ...(found.name !== undefined && { name: found.name }),
        ...(found.claimedBy !== undefined && { claimedBy: found.claimedBy }),
      };
