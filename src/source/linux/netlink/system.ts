import { closeSync, fstatSync, openSync } from 'node:fs';
import { NativeError, type Native, NETLINK } from './native.ts';
import type { Channel } from './dump.ts';

/** The netlink sockets of one network namespace. */
export interface Channels {
  /** NETLINK_SOCK_DIAG: its sockets. */
  readonly diag: Channel;
  /** NETLINK_ROUTE: its interfaces. */
  readonly route: Channel;
  /** Its sockets that are destroyed; absent where that was not asked for, or is refused. */
  readonly closes?: ClosesChannel;
  close(): void;
}

/** What the kernel tells unasked. */
export interface ClosesChannel {
  /** Receives one datagram if there is one. @returns its length in bytes, or a negative errno: EAGAIN, ENOBUFS */
  receiveNow(into: Uint8Array): number;
  /** Messages that there was no room for, since it was opened, modulo 2^32; undefined where that is not counted. */
  drops(): number | undefined;
}

/** Groups that hear of TCP and UDP sockets of both families: SKNLGRP_*_DESTROY, include/uapi/linux/sock_diag.h. */
const DESTROY_GROUPS = 0b1111;

/** Room for what is not yet received, bytes: with what the kernel adds to each, some ten thousand messages. */
const CLOSES_BUFFER = 16 * 2 ** 20;

/** What opens netlink sockets: the kernel, or what plays it in a test. */
export interface NetlinkSystem {
  /**
   * Opens netlink sockets in a network namespace; they stay in it for good, wherever the thread goes.
   * @param namespace undefined for the one that the thread is in
   * @param closes hear of sockets that are destroyed too
   * @throws NativeError or an error of node:fs when it cannot be entered
   */
  open(namespace: { readonly inode: number; readonly path: string } | undefined, closes?: boolean): Channels;
}

/** The kernel. */
export class KernelNetlink implements NetlinkSystem {
  readonly #native: Native;
  readonly #ownPath: string;
  readonly #closesBuffer: number;

  /** @param options `ownPath` opens the namespace of this thread; `closesBuffer` is room for closes, bytes */
  constructor(
    native: Native,
    {
      ownPath = '/proc/thread-self/ns/net',
      closesBuffer = CLOSES_BUFFER,
    }: { readonly ownPath?: string; readonly closesBuffer?: number | undefined } = {},
  ) {
    this.#native = native;
    this.#ownPath = ownPath;
    this.#closesBuffer = closesBuffer;
  }

  open(namespace: { readonly inode: number; readonly path: string } | undefined, closes = false): Channels {
    if (namespace === undefined) return this.#openHere(closes);
    const there = openSync(namespace.path, 'r');
    let home: number | undefined;
    try {
      // The path may lead elsewhere by now: a pid is reused, a name given anew.
      if (fstatSync(there).ino !== namespace.inode)
        throw new Error(`${namespace.path} is another namespace by now`);
      home = openSync(this.#ownPath, 'r');
      this.#native.enterNetwork(there);
      try {
        return this.#openHere(closes);
      } finally {
        this.#native.enterNetwork(home);
      }
    } finally {
      closeSync(there);
      if (home !== undefined) closeSync(home);
    }
  }

  #openHere(withCloses: boolean): Channels {
    const opened: number[] = [];
    const open = (family: number): number => {
      const fd = this.#native.netlinkSocket(family);
      opened.push(fd);
      return fd;
    };
    const close = () => {
      for (const fd of opened) this.#native.close(fd);
    };
    try {
      const diag = this.#channel(open(NETLINK.sockDiag));
      const route = this.#channel(open(NETLINK.route));
      const closes = withCloses ? this.#closes(open(NETLINK.sockDiag)) : undefined;
      return { diag, route, ...(closes && { closes }), close };
    } catch (error) {
      close();
      throw error;
    }
  }

  #closes(fd: number): ClosesChannel | undefined {
    try {
      this.#native.join(fd, DESTROY_GROUPS, this.#closesBuffer);
    } catch (error) {
      // Before Linux 4.5 there are no such groups.
      if (error instanceof NativeError) return undefined;
      throw error;
    }
    return {
      receiveNow: (into) => this.#native.receiveNow(fd, into),
      drops: () => this.#native.dropsOf(fd),
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
