import type { NetworkInterface } from '../../model/batch.ts';
import type { NetworkNamespace, Protocol } from '../../model/socket.ts';
import type { ExtraKind } from '../types.ts';
import { Interfaces, NO_INTERFACES } from './interfaces.ts';
import type { FoundNamespace } from './namespaces.ts';
import { Closes } from './netlink/closes.ts';
import { ask, dump, type DumpResult } from './netlink/dump.ts';
import {
  AF_INET,
  AF_INET6,
  bothTcpRequest,
  INET,
  inetRequest,
  type IPPROTO,
  tcpSocketRequest,
} from './netlink/inet.ts';
import { NativeError } from './netlink/native.ts';
import { OTHERS } from './netlink/others.ts';
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
import type { Channels, NetlinkSystem } from './netlink/system.ts';
import type { NetlinkBuffer } from './netlink/wire.ts';

/** One question to the kernel, and the protocol of the sockets in its answer. */
interface Question {
  readonly protocol: Protocol;
  readonly request: Uint8Array;
  /** Asked instead where the kernel refuses. */
  readonly instead?: readonly Question[];
  /** Sockets of every machine: where these cannot be read, the reading is not worth its name. */
  readonly isVital?: boolean;
  /** Asked for by the user: what the kernel does not have is said. */
  readonly isExtra?: boolean;
}

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

/** ENOENT, EINVAL, EPROTONOSUPPORT, EOPNOTSUPP, EAFNOSUPPORT: the kernel has no such sockets, or no diag module for them. */
const NOT_THERE = new Set([2, 22, 93, 95, 97]);

function questions(also: readonly ExtraKind[], details: boolean): Question[] {
  const ip = (protocol: Protocol & keyof typeof IPPROTO, more?: Partial<Question>): Question[] =>
    ([AF_INET, AF_INET6] as const).map((family) => ({
      protocol,
      request: inetRequest(family, protocol, details),
      ...more,
    }));
  return [
    {
      protocol: 'tcp',
      request: bothTcpRequest(details),
      instead: ip('tcp', { isVital: true }),
      isVital: true,
    },
    ...ip('udp'),
    ...ip('udplite'),
    ...ip('raw'),
    { protocol: 'packet', request: OTHERS.packet.request() },
    ...also.flatMap((kind) =>
      kind === 'unix' || kind === 'vsock'
        ? [{ protocol: kind, request: OTHERS[kind].request(), isExtra: true }]
        : ip(kind, { isExtra: true }),
    ),
  ];
}

/** One network namespace, with netlink sockets open in it for as long as it is there. */
export class Network {
  readonly inode: number;
  readonly isOwn: boolean;
  /** The same object while the name stays. */
  netns: NetworkNamespace;
  /** Where its files are: below /proc/PID. */
  path: string;
  interfaces: Interfaces = NO_INTERFACES;
  /** Differs from reading to reading when the name or the interfaces differ. */
  version = 0;
  /** The sockets that it destroys, where the kernel tells of them. */
  readonly closes: Closes | undefined;
  readonly #channels: Channels;
  #questions: readonly Question[];
  /** Questions that the kernel did not understand, with the round to ask them again. */
  readonly #refused = new Map<Question, number>();
  #round = 0;

  /** Throws when the namespace cannot be entered. */
  constructor(
    system: NetlinkSystem,
    found: FoundNamespace,
    {
      also,
      tcpDetails,
      events,
    }: { readonly also: readonly ExtraKind[]; readonly tcpDetails: boolean; readonly events?: boolean },
  ) {
    this.#channels = system.open(found.isOwn ? undefined : found, events);
    this.closes = this.#channels.closes && new Closes(this.#channels.closes);
    this.inode = found.inode;
    this.isOwn = found.isOwn;
    this.netns = labelOf(found);
    this.path = found.path;
    this.#questions = questions(also, tcpDetails);
  }

  /** Takes over what may have changed of the namespace since it was found first. */
  follow(found: FoundNamespace): void {
    this.path = found.path;
    if (found.name === this.netns.name) return;
    this.netns = labelOf(found);
    this.version++;
  }

  close(): void {
    this.#channels.close();
  }

  /**
   * Asks for every socket. Throws nothing: what fails is said.
   * @param onPause is called again and again meanwhile, for what must not wait until the end
   */
  readSockets(onSocket: OnSocket, onPause?: () => void): NetworkReading {
    this.#round++;
    const unfinished = new Set<Protocol>();
    let failure: string | undefined;
    let problems = 0;
    let interrupted = 0;
    const missing = new Set<Protocol>();
    const untold = new Set<Protocol>();
    for (let i = 0; i < this.#questions.length; i++) {
      const question = this.#questions[i];
      if (question === undefined) break;
      const { protocol } = question;
      if ((this.#refused.get(question) ?? 0) > this.#round) {
        (question.isExtra ? missing : untold).add(protocol);
        continue;
      }
      const result = this.#ask(
        question,
        (buffer, start, end) => onSocket(this, protocol, buffer, start, end),
        onPause,
      );
      problems += result.problems;
      interrupted += Number(result.interrupted);
      // What came in a datagram behind something that made no sense is lost.
      if (result.problems > 0) unfinished.add(protocol);
      if (result.errno === 0) continue;
      if (question.instead) {
        // From now on those are asked; they come next in this reading too.
        this.#questions = [
          ...this.#questions.slice(0, i),
          ...question.instead,
          ...this.#questions.slice(i + 1),
        ];
        i--;
      } else if (NOT_THERE.has(result.errno) && !(question.isVital && question.request[16] === AF_INET)) {
        this.#refused.set(question, this.#round + ASK_AGAIN_ROUNDS);
        (question.isExtra ? missing : untold).add(protocol);
      } else {
        unfinished.add(protocol);
        if (question.isVital) failure = result.error;
      }
    }
    return { unfinished, failure, problems, interrupted, missing: [...missing], untold };
  }

  #ask(
    { request }: Question,
    onMessage: (buffer: NetlinkBuffer, start: number, end: number) => void,
    onPause: (() => void) | undefined,
  ): DumpResult & { readonly error: string } {
    try {
      let result = dump(this.#channels.diag, request, onMessage, onPause);
      for (let tries = 1; result.interrupted && tries < TRIES; tries++) {
        result = dump(this.#channels.diag, request, onMessage, onPause);
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
    try {
      ask(this.#channels.diag, tcpSocketRequest(family, place), (buffer, start, end) => {
        if (end - start >= INET.length) onMessage(buffer, start, end);
      });
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
    }
  }

  /** Reads interfaces, their counters and addresses; what cannot be read stays as it was. */
  readInterfaces(): NetworkInterface[] {
    const links: Link[] = [];
    const addresses: InterfaceAddress[] = [];
    let isRead = false;
    try {
      const ofLinks = dump(this.#channels.route, linksRequest(), (buffer, start, end, type) => {
        const link = type === RTM_NEWLINK ? decodeLink(buffer, start, end) : undefined;
        if (link) links.push(link);
      });
      const ofAddresses = dump(this.#channels.route, addressesRequest(), (buffer, start, end, type) => {
        const address = type === RTM_NEWADDR ? decodeInterfaceAddress(buffer, start, end) : undefined;
        if (address) addresses.push(address);
      });
      isRead = ofLinks.errno === 0 && ofAddresses.errno === 0;
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
    }
    if (isRead && links.length > 0) {
      const interfaces = new Interfaces(links, addresses);
      if (interfaces.key !== this.interfaces.key) this.version++;
      this.interfaces = interfaces;
    }
    return this.interfaces.links.map(({ index, name, isUp, rxBytes, txBytes }) => ({
      name,
      netns: this.netns,
      isUp,
      rxBytes,
      txBytes,
      addresses: this.interfaces.addressesOf(index),
    }));
  }
}

const labelOf = ({ inode, name }: FoundNamespace): NetworkNamespace => ({
  inode,
  ...(name !== undefined && { name }),
});
