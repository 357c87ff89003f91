import type { Channel } from '../../src/source/linux/netlink/dump.ts';
import type { Channels, NamespaceRef, NetlinkSystem } from '../../src/source/linux/netlink/system.ts';

// include/uapi/linux/netlink.h
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_DUMP = 0x300;
const NLM_F_DUMP_INTR = 0x10;
/** Length of an NLMSG_DONE message: struct nlmsghdr and an error number. */
const DONE_LENGTH = 20;

/** The answers that the receive-only loop received. */
export interface Received {
  readonly dumps: number;
  /** Requests for one socket, which netpane sends when a connection request (SYN_RECV) is new. */
  readonly lookups: number;
  /** Dumps during which the kernel's table changed, so that the answer may be of another length. */
  readonly interrupted: number;
  /** Requests that could not be sent again: their namespace was closed by the same poll. */
  readonly skipped: number;
  readonly bytes: number;
}

interface RecordedRequest {
  readonly replayChannel: Channel;
  readonly request: Uint8Array;
}

/** Returns true if the request is for a dump: struct nlmsghdr has the flags at 6. */
const isDump = (request: Uint8Array): boolean =>
  ((new Uint16Array(request.buffer, request.byteOffset, 4)[3] ?? 0) & NLM_F_DUMP) === NLM_F_DUMP;

/**
 * The kernel's netlink as the source uses it, with every request recorded. `replay` sends the recorded requests again,
 * over netlink sockets of its own in the same namespaces, and discards the answers. Its time is the lower bound of a
 * poll: the kernel's work and the receiving, without any decoding.
 */
export class RecordingNetlink implements NetlinkSystem {
  readonly #system: NetlinkSystem;
  readonly #datagram = new Uint8Array(64 * 1024);
  readonly #words = new Uint32Array(this.#datagram.buffer);
  readonly #halfWords = new Uint16Array(this.#datagram.buffer);
  #requests: RecordedRequest[] = [];
  #skipped = 0;
  /** Number of namespaces that are open. */
  namespaces = 0;

  constructor(system: NetlinkSystem) {
    this.#system = system;
  }

  open(namespace: { readonly inode: number; readonly path: string } | undefined): Channels {
    const source = this.#system.open(namespace);
    const replay = this.#system.open(namespace);
    this.namespaces++;
    const recording = <T extends Channel>(channel: T, replayChannel: Channel): T => ({
      ...channel,
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
        this.#discardRequests(replay);
        source.close();
        replay.close();
      },
    };
  }

  openCloseReceiver(namespace: NamespaceRef): ReturnType<NetlinkSystem['openCloseReceiver']> {
    return this.#system.openCloseReceiver(namespace);
  }

  inside<T>(namespace: NamespaceRef, act: () => T): T {
    return this.#system.inside(namespace, act);
  }

  /** Discards the recorded requests: called before each poll. */
  startRecording(): void {
    this.#requests = [];
    this.#skipped = 0;
  }

  /** Sends the requests recorded since `startRecording` again. */
  replay(): Received {
    let [dumps, lookups, interrupted, bytes] = [0, 0, 0, 0];
    for (const { replayChannel, request } of this.#requests) {
      replayChannel.send(request);
      if (isDump(request)) {
        dumps++;
        let isInterrupted = false;
        for (let isEnd = false; !isEnd;) {
          const length = replayChannel.receive(this.#datagram);
          bytes += length;
          isInterrupted ||= ((this.#halfWords[3] ?? 0) & NLM_F_DUMP_INTR) !== 0;
          isEnd = this.#isEndOfDump(length);
        }
        if (isInterrupted) interrupted++;
      } else {
        // One message answers it, the socket or an error. No NLMSG_DONE follows.
        lookups++;
        bytes += replayChannel.receive(this.#datagram);
      }
    }
    return { dumps, lookups, interrupted, skipped: this.#skipped, bytes };
  }

  /** Returns true if the datagram is an error, or is or ends with NLMSG_DONE (struct nlmsghdr has the type at 4). */
  #isEndOfDump(length: number): boolean {
    const type = this.#halfWords[2];
    if (type === NLMSG_DONE || type === NLMSG_ERROR) return true;
    // rtnetlink appends it to the last messages since Linux 6.9; sock_diag sends it in a datagram of its own.
    const start = length - DONE_LENGTH;
    return (
      start > 0 &&
      start % 4 === 0 &&
      this.#words[start / 4] === DONE_LENGTH &&
      this.#halfWords[start / 2 + 2] === NLMSG_DONE
    );
  }

  /** A closed descriptor may already be another socket, which would never answer. */
  #discardRequests({ diag, route }: Channels): void {
    const kept = this.#requests.filter(
      ({ replayChannel }) => replayChannel !== diag && replayChannel !== route,
    );
    this.#skipped += this.#requests.length - kept.length;
    this.#requests = kept;
  }
}
