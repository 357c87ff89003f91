// A fake kernel that answers netlink requests.
import type { LookupChannel } from '../../../src/source/linux/netlink/dump.ts';
import { NativeError } from '../../../src/source/linux/netlink/errno.ts';
import { netlinkBuffer } from '../../../src/source/linux/netlink/wire.ts';
import type {
  Channels,
  ClosesChannel,
  NamespaceRef,
  CloseReceiver,
  NetlinkSystem,
  SocketNamespace,
} from '../../../src/source/linux/netlink/system.ts';
import { PROTOCOL_NUMBERS, type FakeSocket, type LinkFields, type InetFields } from './fields.ts';
import {
  LE,
  RAW_SOCK_DIAG,
  closeMessage,
  refusal,
  message,
  payload,
  NLM_F_DUMP_INTR,
  joined,
  done,
  linkPayload,
  addressPayload,
} from './messages.ts';
import { isOf, isRequested, requestKind, type RequestKind } from './requests.ts';

const ENOENT = 2;
const EAGAIN = 11;
const ENOBUFS = 105;

/** Faults of the fake kernel for one kind of request. */
export interface Trouble {
  /** The kernel refuses with this errno. */
  readonly errno?: number;
  /** The netlink socket fails with this errno. */
  readonly broken?: number;
  /** The dump ends after this number of sockets, with `errno`. */
  readonly breaksOffAfter?: number;
  /** Number of answers flagged as made while the table changed. */
  interrupted?: number;
  /** Number of sockets missing in these answers. */
  readonly lacks?: number;
  /** Returns other datagrams instead of the answer, for the sequence number of the request. */
  readonly datagrams?: (sequence: number) => Uint8Array[];
}

/** The sockets and interfaces of a network namespace. */
export class FakeNetwork {
  sockets: readonly FakeSocket[] = [];
  links: readonly LinkFields[] = [
    { index: 1, name: 'lo', isLoopback: true, addresses: ['127.0.0.1', '::1'] },
  ];
  readonly trouble = new Map<RequestKind, Trouble>();
  /** Text of the counters of TCP; undefined if they cannot be read. */
  tcpCounters: string | undefined;
  /** Kinds of all requests, in order; tests reset it. */
  requests: RequestKind[] = [];
  /** True if this kernel sends close messages. */
  reportsCloses = true;
  /** True if this kernel counts lost close messages. */
  countsDrops = true;
  /** Maximum number of close messages waiting to be received. */
  bufferSize = Infinity;
  /** Waiting close messages: datagrams, or the negative errno of recv(2). */
  closeMessages: (Uint8Array | number)[] = [];
  /** The kernel's count of lost close messages. */
  drops = 0;
  #hasOverrun = false;

  /** Destroys a socket and sends its close message. */
  destroy(it: InetFields): void {
    if (this.closeMessages.length < this.bufferSize) this.closeMessages.push(closeMessage(it));
    else {
      this.drops++;
      this.#hasOverrun = true;
    }
  }

  /** Returns the next close message, or -ENOBUFS once after an overrun, or -EAGAIN if none waits. */
  nextCloseMessage(): Uint8Array | number {
    if (this.#hasOverrun) {
      this.#hasOverrun = false;
      return -ENOBUFS;
    }
    return this.closeMessages.shift() ?? -EAGAIN;
  }

  /** Returns all datagrams of the answer to a request. */
  answer(request: Uint8Array, isRoute: boolean): Uint8Array[] {
    const view = new DataView(request.buffer, request.byteOffset);
    const sequence = view.getUint32(8, LE);
    const kind = requestKind(request, isRoute);
    this.requests.push(kind);
    const trouble = this.trouble.get(kind);
    if (trouble?.broken !== undefined) throw new NativeError('recv', trouble.broken, 'EBROKEN');
    if (trouble?.datagrams) return trouble.datagrams(sequence);
    if (trouble?.errno !== undefined && trouble.breaksOffAfter === undefined)
      return [refusal(trouble.errno, sequence)];
    if (kind === 'lookup') {
      const found = this.#find(request);
      return [
        found ? message(RAW_SOCK_DIAG, payload(found), { sequence, flags: 0 }) : refusal(ENOENT, sequence),
      ];
    }
    const all = this.#payloads(kind).filter((it) => isRequested(request, kind, it));
    const isInterrupted = (trouble?.interrupted ?? 0) > 0;
    if (trouble?.interrupted) trouble.interrupted--;
    const count = trouble?.breaksOffAfter ?? all.length - (isInterrupted ? (trouble?.lacks ?? 0) : 0);
    const flags = isInterrupted ? 2 | NLM_F_DUMP_INTR : 2;
    const type = { links: 16, addresses: 20, tcp: 18 }[kind as string] ?? RAW_SOCK_DIAG;
    const messages = all.slice(0, count).map((each) => message(type, each, { sequence, flags }));
    const datagrams: Uint8Array[] = [];
    // Ten sockets per datagram, about one page.
    for (let i = 0; i < messages.length; i += 10) datagrams.push(joined(...messages.slice(i, i + 10)));
    return [...datagrams, done(trouble?.errno ?? 0, sequence, flags)];
  }

  /**
   * Returns the TCP socket that has the endpoints of a request, else the listener that would accept such a connection.
   * For UDP, the endpoints are swapped: returns the socket that receives such datagrams.
   */
  #find(request: Uint8Array): FakeSocket | undefined {
    const family = request[16];
    if (request[17] === PROTOCOL_NUMBERS.udp) {
      const [remotePort, localPort, remote, local] = [
        [24, 26],
        [26, 28],
        [28, 44],
        [44, 60],
      ].map(([from, to]) => Buffer.from(request.subarray(from, to)));
      const any = Buffer.alloc(16);
      return this.sockets
        .filter((it) => isOf(family === 2 ? 'udp4' : 'udp6', it))
        .find((it) => {
          const sockId = payload(it).subarray(4, 40);
          const has = (from: number, to: number, ...wanted: (Buffer | undefined)[]) =>
            wanted.some((bytes) => bytes?.equals(sockId.subarray(from, to)));
          const isConnected = !any.subarray(0, 2).equals(sockId.subarray(2, 4));
          return (
            has(0, 2, localPort) &&
            has(4, 20, local, any) &&
            (!isConnected || (has(2, 4, remotePort) && has(20, 36, remote)))
          );
        });
    }
    const sockIdOf = (it: FakeSocket) => payload(it).subarray(4, 40);
    const candidates = this.sockets.filter((it) => isOf(family === 2 ? 'tcp4' : 'tcp6', it));
    const sockId = Buffer.from(request.subarray(24, 60));
    const isAt = (it: FakeSocket) =>
      // The same port, and the same or any address.
      sockId.subarray(0, 2).equals(sockIdOf(it).subarray(0, 2)) &&
      [sockId.subarray(4, 20), Buffer.alloc(16)].some((bytes) => bytes.equals(sockIdOf(it).subarray(4, 20)));
    return (
      candidates.find((it) => sockId.equals(sockIdOf(it))) ??
      candidates.find((it) => 'state' in it && it.state === 'LISTEN' && isAt(it))
    );
  }

  #payloads(kind: RequestKind): Uint8Array[] {
    if (kind === 'links') return this.links.map(linkPayload);
    if (kind === 'addresses')
      return this.links.flatMap(({ index, addresses = [] }) =>
        addresses.map((text) => addressPayload(index, text)),
      );
    return this.sockets.filter((it) => isOf(kind, it)).map(payload);
  }
}

/** A fake kernel with network namespaces. */
export class FakeNetlink implements NetlinkSystem {
  /** The namespace of the program. */
  readonly own = new FakeNetwork();
  /** Other namespaces by inode. */
  readonly networks = new Map<number, FakeNetwork>();
  /** Errors of namespaces that cannot be opened, by inode. */
  readonly closed = new Map<number, Error>();
  /** Number of currently open namespaces. */
  openCount = 0;
  /** Number of all openings. */
  opened = 0;
  /** Descriptors left for other namespaces: each takes three, or one for close messages only. */
  descriptorsLeft = Infinity;

  open(namespace: NamespaceRef | undefined, withCloses = false, isTemporary = false): Channels {
    const network = this.#enter(namespace);
    const descriptors = namespace === undefined || isTemporary ? 0 : 3;
    this.#take(descriptors);
    this.openCount++;
    this.opened++;
    let isOpen = true;
    return {
      diag: new FakeChannel(network, false, () => isOpen),
      route: new FakeChannel(network, true, () => isOpen),
      ...(!isTemporary && { tcpActivity: { read: () => network.tcpCounters } }),
      ...(withCloses && network.reportsCloses && { closes: closesOf(network, () => isOpen) }),
      close: () => {
        if (!isOpen) throw new Error('closed twice');
        isOpen = false;
        this.openCount--;
        this.descriptorsLeft += descriptors;
      },
    };
  }

  openCloseReceiver(namespace: NamespaceRef): CloseReceiver {
    const network = this.#enter(namespace);
    this.#take(1);
    let isOpen = true;
    const close = () => {
      isOpen = false;
      this.descriptorsLeft += 1;
    };
    return { ...(network.reportsCloses && { closes: closesOf(network, () => isOpen) }), close };
  }

  /** Namespaces of sockets that no dump lists, by descriptor. */
  readonly namespaceOfDescriptor = new Map<number, number>();

  namespaceOfSocket({ descriptor }: { readonly descriptor: number }): SocketNamespace | undefined {
    const netns = this.namespaceOfDescriptor.get(descriptor);
    return netns === undefined ? undefined : { netns, isTcp: true };
  }

  inside<T>(namespace: NamespaceRef, act: () => T): T {
    this.#enter(namespace);
    return act();
  }

  #enter(namespace: NamespaceRef | undefined): FakeNetwork {
    const error = namespace && this.closed.get(namespace.inode);
    if (error) throw error;
    const network = namespace ? this.networks.get(namespace.inode) : this.own;
    if (!network) throw new NativeError('setns', 22, 'EINVAL');
    return network;
  }

  #take(descriptors: number): void {
    if (descriptors > this.descriptorsLeft) throw new NativeError('a netlink socket', 24, 'EMFILE');
    this.descriptorsLeft -= descriptors;
  }
}

function closesOf(network: FakeNetwork, isOpen: () => boolean): ClosesChannel {
  const open = (): FakeNetwork => {
    if (!isOpen()) throw new Error('receive from a closed channel');
    return network;
  };
  return {
    receiveWaiting: receiverOf(() => open().nextCloseMessage()),
    drops: () => (open().countsDrops ? network.drops : undefined),
  };
}

/**
 * Returns a function that receives several datagrams, as the kernel does: an error after some of them is the result of the
 * next call.
 * @param next returns the next datagram, or a negative errno
 */
export function receiverOf(next: () => Uint8Array | number): LookupChannel['receiveWaiting'] {
  let waiting: number | undefined;
  return (max, onDatagram) => {
    for (let count = 0; count < max; count++) {
      const result = waiting ?? next();
      waiting = undefined;
      if (typeof result === 'number') {
        if (count === 0) return result;
        waiting = result;
        return count;
      }
      const buffer = netlinkBuffer(Math.ceil(result.length / 4) * 4);
      buffer.bytes.set(result);
      onDatagram(buffer, 0, result.length);
    }
    return max;
  };
}

class FakeChannel implements LookupChannel {
  readonly #network: FakeNetwork;
  readonly #isRoute: boolean;
  readonly #isOpen: () => boolean;
  #waiting: Uint8Array[] = [];
  readonly receiveWaiting = receiverOf(() => this.#waiting.shift() ?? -EAGAIN);

  constructor(network: FakeNetwork, isRoute: boolean, isOpen: () => boolean) {
    this.#network = network;
    this.#isRoute = isRoute;
    this.#isOpen = isOpen;
  }

  send(request: Uint8Array): void {
    if (!this.#isOpen()) throw new Error('request to a closed channel');
    // One datagram may have several requests.
    for (let at = 0; at < request.length;) {
      const length = new DataView(request.buffer, request.byteOffset + at).getUint32(0, LE);
      this.#waiting.push(...this.#network.answer(request.subarray(at, at + length), this.#isRoute));
      at += length;
    }
  }

  receive(into: Uint8Array): number {
    const datagram = this.#waiting.shift();
    // Like a receive timeout (SO_RCVTIMEO).
    if (datagram === undefined) throw new NativeError('recv', 11, 'EAGAIN');
    into.set(datagram);
    return datagram.length;
  }
}
