import type { Channel } from '../../src/source/linux/netlink/dump.ts';
import type { Channels, NamespaceRef, NetlinkSystem } from '../../src/source/linux/netlink/system.ts';

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;

/** What the receive-only loop received. */
export interface Received {
  readonly dumps: number;
  readonly datagrams: number;
  readonly bytes: number;
}

/**
 * The kernel's netlink as the source uses it, with every request recorded. `replay` sends the recorded requests again,
 * over netlink sockets of its own in the same namespaces, and discards the answers. Its time is the lower bound of a
 * poll: the kernel's work and the receiving, without any decoding.
 */
export class RecordingNetlink implements NetlinkSystem {
  readonly #system: NetlinkSystem;
  readonly #datagram = new Uint8Array(64 * 1024);
  #requests: { readonly replayChannel: Channel; readonly request: Uint8Array }[] = [];
  /** Number of namespaces that are open. */
  namespaces = 0;

  constructor(system: NetlinkSystem) {
    this.#system = system;
  }

  open(namespace: { readonly inode: number; readonly path: string } | undefined): Channels {
    const source = this.#system.open(namespace);
    const replay = this.#system.open(namespace);
    this.namespaces++;
    const recording = (channel: Channel, replayChannel: Channel): Channel => ({
      send: (message) => {
        this.#requests.push({ replayChannel, request: message.slice() });
        channel.send(message);
      },
      receive: (into) => channel.receive(into),
    });
    return {
      diag: recording(source.diag, replay.diag),
      route: recording(source.route, replay.route),
      close: () => {
        this.namespaces--;
        source.close();
        replay.close();
      },
    };
  }

  openCloseListener(namespace: NamespaceRef): ReturnType<NetlinkSystem['openCloseListener']> {
    return this.#system.openCloseListener(namespace);
  }

  inside<T>(namespace: NamespaceRef, act: () => T): T {
    return this.#system.inside(namespace, act);
  }

  /** Discards the recorded requests: called before each poll. */
  startRecording(): void {
    this.#requests = [];
  }

  /** Sends the requests recorded since `startRecording` again. */
  replay(): Received {
    let datagrams = 0;
    let bytes = 0;
    for (const { replayChannel, request } of this.#requests) {
      replayChannel.send(request);
      for (;;) {
        bytes += replayChannel.receive(this.#datagram);
        datagrams++;
        // The end of a dump, and a refusal, come in a datagram of their own: struct nlmsghdr has the type at 4.
        const type = this.#datagram[4];
        if (type === NLMSG_DONE || type === NLMSG_ERROR) break;
      }
    }
    return { dumps: this.#requests.length, datagrams, bytes };
  }
}
