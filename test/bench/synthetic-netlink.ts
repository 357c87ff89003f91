import type { LookupChannel } from '../../src/source/linux/netlink/dump.ts';
import { ERRNO } from '../../src/source/linux/netlink/errno.ts';
import { addressPayload, done, linkPayload, message } from '../helpers/netlink/messages.ts';

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;

/** Maximum length of the kernel's datagrams of a dump, bytes. */
const MAX_DATAGRAM = 32_768;

/** The kernel side of a netlink socket. */
export class FakeChannel implements LookupChannel {
  readonly #messages: (request: Uint8Array) => readonly Uint8Array[];
  #left: Uint8Array[] = [];
  #sequence: Uint8Array = new Uint8Array(4);

  constructor(messages: (request: Uint8Array) => readonly Uint8Array[]) {
    this.#messages = messages;
  }

  /** Receives nothing: no socket of the machine is reported as closed. */
  receiveWaiting(): number {
    return -ERRNO.EAGAIN;
  }

  send(request: Uint8Array): void {
    this.#sequence = request.slice(8, 12);
    this.#left = [...this.#messages(request), done()].reverse();
  }

  receive(into: Uint8Array): number {
    let length = 0;
    for (;;) {
      const next = this.#left.at(-1);
      // NLMSG_DONE is in a datagram of its own.
      if (
        next === undefined ||
        (length > 0 && (this.#left.length === 1 || length + next.length > MAX_DATAGRAM))
      )
        return length;
      into.set(next, length);
      into.set(this.#sequence, length + 8);
      length += next.length;
      this.#left.pop();
      if (this.#left.length === 0) return length;
    }
  }
}

const ROUTE = new Map([
  [RTM_GETLINK, [message(RTM_NEWLINK, linkPayload({ index: 1, name: 'lo', isLoopback: true }))]],
  [RTM_GETADDR, [message(RTM_NEWADDR, addressPayload(1, '127.0.0.1'))]],
]);

/** Returns the answer to a request for interfaces or addresses. */
export const routeAnswer = (request: Uint8Array): readonly Uint8Array[] => ROUTE.get(request[4] ?? 0) ?? [];
