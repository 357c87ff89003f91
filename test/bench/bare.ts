import type { Channel } from '../../src/source/linux/netlink/dump.ts';
import type { Channels, NamespaceRef, NetlinkSystem } from '../../src/source/linux/netlink/system.ts';

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;

/** What a bare loop received. */
export interface Received {
  readonly dumps: number;
  readonly datagrams: number;
  readonly bytes: number;
}

/**
 * The kernel as the source has it, that keeps in mind what it is asked. `repeat` asks the same again, over sockets of
 * its own in the same namespaces, and receives the answers without looking into them: what is left of the source when
 * it does nothing with what it gets.
 */
export class RecordedNetlink implements NetlinkSystem {
  readonly #system: NetlinkSystem;
  readonly #datagram = new Uint8Array(64 * 1024);
  #asked: { readonly twin: Channel; readonly request: Uint8Array }[] = [];
  /** Namespaces that are open. */
  namespaces = 0;

  constructor(system: NetlinkSystem) {
    this.#system = system;
  }

  open(namespace: { readonly inode: number; readonly path: string } | undefined): Channels {
    const source = this.#system.open(namespace);
    const twins = this.#system.open(namespace);
    this.namespaces++;
    const recorded = (channel: Channel, twin: Channel): Channel => ({
      send: (message) => {
        this.#asked.push({ twin, request: message.slice() });
        channel.send(message);
      },
      receive: (into) => channel.receive(into),
    });
    return {
      diag: recorded(source.diag, twins.diag),
      route: recorded(source.route, twins.route),
      close: () => {
        this.namespaces--;
        source.close();
        twins.close();
      },
    };
  }

  openCloseListener(namespace: NamespaceRef): ReturnType<NetlinkSystem['openCloseListener']> {
    return this.#system.openCloseListener(namespace);
  }

  inside<T>(namespace: NamespaceRef, act: () => T): T {
    return this.#system.inside(namespace, act);
  }

  /** Forgets what was asked: a reading begins. */
  begin(): void {
    this.#asked = [];
  }

  /** Asks again what was asked since `begin`. */
  repeat(): Received {
    let datagrams = 0;
    let bytes = 0;
    for (const { twin, request } of this.#asked) {
      twin.send(request);
      for (;;) {
        bytes += twin.receive(this.#datagram);
        datagrams++;
        // The end of a dump, and a refusal, come in a datagram of their own: struct nlmsghdr has the type at 4.
        const type = this.#datagram[4];
        if (type === NLMSG_DONE || type === NLMSG_ERROR) break;
      }
    }
    return { dumps: this.#asked.length, datagrams, bytes };
  }
}
