import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { DescriptorBudget } from './descriptors.ts';
import type { Channel } from './dump.ts';
import { ERRNO, NativeError, type Native, NETLINK } from './native.ts';

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

/** As little of it as hears of destroyed sockets. */
export type CloseListener = Pick<Channels, 'closes' | 'close'>;

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
const CLOSES_BUFFER_BYTES = 16 * 2 ** 20;

/** A namespace to be entered: another one may be at its path by now. */
export interface NamespaceRef {
  readonly inode: number;
  readonly path: string;
  /** A socket of another process, in the namespace: opens it where no path does. */
  readonly socket?: { readonly pid: number; readonly descriptor: number };
}

/** Answer of a socket that was asked. */
export interface SocketNamespace {
  /** Inode of its network namespace. */
  readonly netns: number;
  readonly isTcp: boolean;
}

/** What opens netlink sockets: the kernel, or what plays it in a test. */
export interface NetlinkSystem {
  /**
   * Opens netlink sockets in a network namespace; they stay in it for good, wherever the thread goes.
   * @param namespace undefined for the one that the thread is in
   * @param closes hear of sockets that are destroyed too
   * @param isTemporary closed again before anything else is opened: there is always room for one of these
   * @throws NativeError or an error of node:fs when it cannot be entered; `isOutOfDescriptors` where there is no room
   */
  open(namespace: NamespaceRef | undefined, closes?: boolean, isTemporary?: boolean): Channels;
  /** Opens only what hears of destroyed sockets: one descriptor. Throws as `open` does. */
  openCloseListener(namespace: NamespaceRef): CloseListener;
  /** Asks a socket of another process; undefined where it cannot be asked. */
  namespaceOfSocket?(socket: NonNullable<NamespaceRef['socket']>): SocketNamespace | undefined;
  /**
   * Calls a function while this thread is in the namespace: for what /proc/thread-self has of it. Throws as `open`
   * does.
   */
  inside<T>(namespace: NamespaceRef, act: () => T): T;
}

/** Descriptors of `open`, and the share of all room that may be taken by these: the rest is for `listen`. */
const CHANNEL_DESCRIPTORS = 3;
const CHANNEL_SHARE = 0.5;

/** The kernel. */
export class KernelNetlink implements NetlinkSystem {
  readonly #native: Native;
  readonly #ownPath: string;
  readonly #closesBufferBytes: number;
  readonly #budget: DescriptorBudget;

  /** @param options `ownPath` opens the namespace of this thread; `closesBuffer` is room for closes, bytes */
  constructor(
    native: Native,
    {
      ownPath = '/proc/thread-self/ns/net',
      closesBuffer = CLOSES_BUFFER_BYTES,
      budget = new DescriptorBudget(native),
    }: {
      readonly ownPath?: string;
      readonly closesBuffer?: number | undefined;
      readonly budget?: DescriptorBudget;
    } = {},
  ) {
    this.#native = native;
    this.#ownPath = ownPath;
    this.#closesBufferBytes = closesBuffer;
    this.#budget = budget;
  }

  open(namespace: NamespaceRef | undefined, closes = false, isTemporary = false): Channels {
    if (namespace === undefined) return this.#openHere(closes);
    if (isTemporary) return this.inside(namespace, () => this.#openHere(closes));
    return this.#reserving(CHANNEL_DESCRIPTORS, CHANNEL_SHARE, () => this.inside(namespace, () => this.#openHere(closes)));
  }

  openCloseListener(namespace: NamespaceRef): CloseListener {
    return this.#reserving(1, 1, () => this.inside(namespace, () => this.#openCloseListenerHere()));
  }

  namespaceOfSocket({ pid, descriptor }: NonNullable<NamespaceRef['socket']>): SocketNamespace | undefined {
    try {
      const { fd, isTcp } = this.#native.networkOfSocket(pid, descriptor);
      try {
        return { netns: fstatSync(fd).ino, isTcp };
      } finally {
        this.#native.close(fd);
      }
    } catch {
      // The process or its descriptor is gone, it may not be looked into, or the kernel is from before Linux 5.6.
      return undefined;
    }
  }

  inside<T>({ inode, path, socket }: NamespaceRef, act: () => T): T {
    // Nothing that may have come to that path holds this thread up, or becomes its terminal.
    const target = socket
      ? this.#native.networkOfSocket(socket.pid, socket.descriptor).fd
      : openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    let home: number | undefined;
    try {
      // The path may lead elsewhere by now: a pid is reused, a name given anew.
      if (fstatSync(target).ino !== inode)
        throw Object.assign(new Error(`${path} is another namespace by now`), { code: 'ENOENT' });
      home = openSync(this.#ownPath, 'r');
      this.#native.enterNetwork(target);
      try {
        return act();
      } finally {
        this.#native.enterNetwork(home);
      }
    } finally {
      // A worker of Node's warns on stderr of a descriptor that node:fs closes and did not open.
      if (socket) this.#native.close(target);
      else closeSync(target);
      if (home !== undefined) closeSync(home);
    }
  }

  /** Opens something that counts against the limit until it is closed. */
  #reserving<T extends Pick<Channels, 'close'>>(count: number, share: number, open: () => T): T {
    this.#budget.reserve(count, share);
    try {
      const opened = open();
      const close = (): void => {
        this.#budget.release(count);
        opened.close();
      };
      return { ...opened, close };
    } catch (error) {
      this.#budget.release(count);
      throw error;
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

  #openCloseListenerHere(): CloseListener {
    const fd = this.#native.netlinkSocket(NETLINK.sockDiag);
    const closes = this.#closes(fd);
    return { ...(closes && { closes }), close: () => this.#native.close(fd) };
  }

  #closes(fd: number): ClosesChannel | undefined {
    try {
      this.#native.join(fd, DESTROY_GROUPS, this.#closesBufferBytes);
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

/** True for an error that says: no descriptor is free, here or on the whole machine. */
export const isOutOfDescriptors = (error: unknown): boolean =>
  error instanceof NativeError
    ? error.errno === ERRNO.EMFILE || error.errno === ERRNO.ENFILE
    : error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE');

/** True for an error that says: what was to be opened is there no more. */
export const isGone = (error: unknown): boolean =>
  !(error instanceof NativeError) &&
  error instanceof Error &&
  'code' in error &&
  (error.code === 'ENOENT' || error.code === 'ESRCH');
