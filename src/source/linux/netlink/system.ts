import { closeSync, fstatSync, openSync } from 'node:fs';
import { NativeError, type Native, NETLINK } from './native.ts';
import type { Channel } from './dump.ts';

/** The netlink sockets of one network namespace. */
export interface Channels {
  /** NETLINK_SOCK_DIAG: its sockets. */
  readonly diag: Channel;
  /** NETLINK_ROUTE: its interfaces. */
  readonly route: Channel;
  close(): void;
}

/** What opens netlink sockets: the kernel, or what plays it in a test. */
export interface NetlinkSystem {
  /**
   * Opens netlink sockets in a network namespace; they stay in it for good, wherever the thread goes.
   * @param namespace undefined for the one that the thread is in
   * @throws NativeError or an error of node:fs when it cannot be entered
   */
  open(namespace: { readonly inode: number; readonly path: string } | undefined): Channels;
}

/** The kernel. @param ownPath opens the namespace of this thread */
export class KernelNetlink implements NetlinkSystem {
  readonly #native: Native;
  readonly #ownPath: string;

  constructor(native: Native, ownPath = '/proc/thread-self/ns/net') {
    this.#native = native;
    this.#ownPath = ownPath;
  }

  open(namespace: { readonly inode: number; readonly path: string } | undefined): Channels {
    if (namespace === undefined) return this.#openHere();
    const there = openSync(namespace.path, 'r');
    let home: number | undefined;
    try {
      // The path may lead elsewhere by now: a pid is reused, a name given anew.
      if (fstatSync(there).ino !== namespace.inode)
        throw new Error(`${namespace.path} is another namespace by now`);
      home = openSync(this.#ownPath, 'r');
      this.#native.enterNetwork(there);
      try {
        return this.#openHere();
      } finally {
        this.#native.enterNetwork(home);
      }
    } finally {
      closeSync(there);
      if (home !== undefined) closeSync(home);
    }
  }

  #openHere(): Channels {
    const diag = this.#native.netlinkSocket(NETLINK.sockDiag);
    let route: number;
    try {
      route = this.#native.netlinkSocket(NETLINK.route);
    } catch (error) {
      this.#native.close(diag);
      throw error;
    }
    return {
      diag: this.#channel(diag),
      route: this.#channel(route),
      close: () => {
        this.#native.close(diag);
        this.#native.close(route);
      },
    };
  }

  #channel(fd: number): Channel {
    return {
      send: (message) => this.#native.send(fd, message),
      receive: (into) => this.#native.receive(fd, into),
    };
  }
}

/** True for an error that says: not allowed. */
export const isForbidden = (error: unknown): boolean =>
  error instanceof NativeError
    ? error.errno === 1 || error.errno === 13
    : error instanceof Error && 'code' in error && (error.code === 'EPERM' || error.code === 'EACCES');
