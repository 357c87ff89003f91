import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { codeOf } from '../../../model/error.ts';
import { DescriptorBudget } from './descriptors.ts';
import type { OnDatagram } from './datagrams.ts';
import type { Channel, LookupChannel } from './dump.ts';
import { ERRNO, NativeError } from './errno.ts';
import type { Native } from './native.ts';
import { NETLINK } from './netlink-calls.ts';
import { TcpActivity } from './tcp-activity.ts';

/** The netlink sockets of one network namespace. */
export interface Channels {
  /** NETLINK_SOCK_DIAG: lists the sockets of the namespace. */
  readonly diag: LookupChannel;
  /** NETLINK_ROUTE: lists the interfaces of the namespace. */
  readonly route: Channel;
  /** NETLINK_SOCK_DIAG: receives close messages. Absent if not requested, or not supported by the kernel. */
  readonly closes?: ClosesChannel;
  /** Absent for temporary channels in another namespace, and if /proc does not show the counters. */
  readonly tcpActivity?: Pick<TcpActivity, 'read'>;
  close(): void;
}

/** The netlink socket for close messages without the others, for when descriptors are short. */
export type CloseReceiver = Pick<Channels, 'closes' | 'close'>;

/** A netlink socket that receives close messages: the kernel sends one when it destroys a socket. */
export interface ClosesChannel {
  /**
   * Receives several datagrams without waiting.
   * @param max maximum number
   * @returns their number, or a negative errno: EAGAIN, ENOBUFS
   */
  receiveWaiting(max: number, onDatagram: OnDatagram): number;
  /**
   * Returns the number of messages lost because the buffer was full, modulo 2^32; undefined if the kernel does not
   * count them.
   */
  drops(): number | undefined;
  /** The kernel gave it less than the usual buffer. */
  readonly hasSmallBuffer?: boolean;
}

/** Bit mask of the multicast groups SKNLGRP_*_DESTROY for TCP and UDP (include/uapi/linux/sock_diag.h). */
const DESTROY_GROUPS = 0b1111;

/**
 * Size of the receive buffer for close messages, bytes: about ten thousand messages with the kernel's overhead.
 */
const CLOSES_BUFFER_BYTES = 16 * 2 ** 20;

/** A network namespace to enter. The path may lead to another namespace by then, so its inode is compared. */
export interface NamespaceRef {
  readonly inode: number;
  readonly path: string;
  /** A socket in the namespace, as a descriptor of another process. If present, it is used instead of the path. */
  readonly socket?: { readonly pid: number; readonly descriptor: number };
}

/** Namespace and kind of another process's socket. */
export interface SocketNamespace {
  /** Inode of its network namespace. */
  readonly netns: number;
  readonly isTcp: boolean;
}

/** Opens netlink sockets: `KernelNetlink`, or a fake in tests. */
export interface NetlinkSystem {
  /**
   * Opens netlink sockets in a network namespace. They stay in that namespace when this thread enters another.
   * @param namespace undefined for the namespace of this thread
   * @param closes true to open a socket for close messages too
   * @param isTemporary true if the caller closes the sockets before it opens others: no descriptors are reserved
   * @throws NativeError or an error of node:fs if the namespace cannot be entered; `isOutOfDescriptors` is true if the
   * descriptors are used up
   */
  open(namespace: NamespaceRef | undefined, closes?: boolean, isTemporary?: boolean): Channels;
  /** Opens only the socket for close messages, which needs one descriptor instead of five. Throws like `open`. */
  openCloseReceiver(namespace: NamespaceRef): CloseReceiver;
  /** Returns the namespace of another process's socket; undefined if the socket cannot be opened. */
  namespaceOfSocket?(socket: NonNullable<NamespaceRef['socket']>): SocketNamespace | undefined;
  /**
   * Enters a namespace, calls a function, and returns to the previous namespace. Meanwhile /proc/thread-self shows the
   * entered namespace. Throws like `open`.
   */
  inside<T>(namespace: NamespaceRef, act: () => T): T;
}

/** Number of descriptors that `open` reserves: at most three netlink sockets and two files of `TcpActivity`. */
const CHANNEL_DESCRIPTORS = 5;
/** Part of the budget of descriptors that `open` may use up, 0 to 1. The rest is for `openCloseReceiver`. */
const CHANNEL_SHARE = 0.5;

/** Opens netlink sockets of the running kernel. */
export class KernelNetlink implements NetlinkSystem {
  readonly #native: Native;
  readonly #ownPath: string;
  readonly #countersFolder: string;
  readonly #closesBufferBytes: number;
  readonly #budget: DescriptorBudget;
  readonly #onCloseReceiver: (descriptor: number) => void;

  /**
   * @param options `ownPath` is the file of this thread's namespace, `countersFolder` the folder with its counters;
   * `closesBuffer` is in bytes; `onCloseReceiver` takes each open socket for close messages
   */
  constructor(
    native: Native,
    {
      ownPath = '/proc/thread-self/ns/net',
      countersFolder = '/proc/thread-self/net',
      closesBuffer = CLOSES_BUFFER_BYTES,
      budget = new DescriptorBudget(native),
      onCloseReceiver = () => {},
    }: {
      readonly ownPath?: string;
      readonly countersFolder?: string;
      readonly closesBuffer?: number | undefined;
      readonly budget?: DescriptorBudget;
      readonly onCloseReceiver?: (descriptor: number) => void;
    } = {},
  ) {
    this.#native = native;
    this.#ownPath = ownPath;
    this.#countersFolder = countersFolder;
    this.#closesBufferBytes = closesBuffer;
    this.#budget = budget;
    this.#onCloseReceiver = onCloseReceiver;
  }

  open(namespace: NamespaceRef | undefined, closes = false, isTemporary = false): Channels {
    if (namespace === undefined) return this.#withActivity(this.#openHere(closes));
    if (isTemporary) return this.inside(namespace, () => this.#openHere(closes));
    return this.#openReserved(CHANNEL_DESCRIPTORS, CHANNEL_SHARE, () =>
      this.inside(namespace, () => this.#withActivity(this.#openHere(closes))),
    );
  }

  /** Adds the counters of the current namespace of this thread to its channels. */
  #withActivity(channels: Channels): Channels {
    const tcpActivity = TcpActivity.open(this.#countersFolder);
    if (tcpActivity === undefined) return channels;
    const close = (): void => {
      tcpActivity.close();
      channels.close();
    };
    return { ...channels, tcpActivity, close };
  }

  openCloseReceiver(namespace: NamespaceRef): CloseReceiver {
    return this.#openReserved(1, 1, () => this.inside(namespace, () => this.#openCloseReceiverHere()));
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
      // The process or its descriptor is gone, access is denied, or the kernel lacks pidfd_getfd(2) (before Linux 5.6).
      return undefined;
    }
  }

  inside<T>({ inode, path, socket }: NamespaceRef, act: () => T): T {
    // The path may lead to any file by now. A FIFO must not block this thread, or a terminal become its terminal.
    const target = socket
      ? this.#native.networkOfSocket(socket.pid, socket.descriptor).fd
      : openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    let home: number | undefined;
    try {
      // The pid or the name in the path may have been reused.
      if (fstatSync(target).ino !== inode)
        throw Object.assign(new Error(`${path} is another namespace now`), { code: 'ENOENT' });
      home = openSync(this.#ownPath, 'r');
      this.#native.enterNetwork(target);
      try {
        return act();
      } finally {
        this.#native.enterNetwork(home);
      }
    } finally {
      // In a worker, Node warns on stderr if node:fs closes a descriptor that it did not open.
      if (socket) this.#native.close(target);
      else closeSync(target);
      if (home !== undefined) closeSync(home);
    }
  }

  /** Reserves descriptors and opens sockets with them. Closing the sockets ends the reservation. */
  #openReserved<T extends Pick<Channels, 'close'>>(count: number, share: number, open: () => T): T {
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

  /** Opens the sockets in the current namespace of this thread. */
  #openHere(withCloses: boolean): Channels {
    const opened: number[] = [];
    const open = (family: number): number => {
      const fd = this.#native.netlink.open(family);
      opened.push(fd);
      return fd;
    };
    const close = () => {
      for (const fd of opened) this.#native.close(fd);
    };
    try {
      const diag = this.#makeChannel(open(NETLINK.sockDiag));
      const route = this.#makeChannel(open(NETLINK.route));
      const closes = withCloses ? this.#receiveCloses(open(NETLINK.sockDiag)) : undefined;
      return { diag, route, ...(closes && { closes }), close };
    } catch (error) {
      close();
      throw error;
    }
  }

  #openCloseReceiverHere(): CloseReceiver {
    const fd = this.#native.netlink.open(NETLINK.sockDiag);
    const closes = this.#receiveCloses(fd);
    return { ...(closes && { closes }), close: () => this.#native.close(fd) };
  }

  /** Joins the multicast groups of closes; returns undefined if the kernel has none. */
  #receiveCloses(fd: number): ClosesChannel | undefined {
    let hasSmallBuffer = false;
    try {
      hasSmallBuffer = !this.#native.netlink.join(fd, DESTROY_GROUPS, this.#closesBufferBytes);
    } catch (error) {
      // Linux before 4.5 has no such groups.
      if (error instanceof NativeError) return undefined;
      throw error;
    }
    this.#onCloseReceiver(fd);
    return {
      receiveWaiting: (max, onDatagram) => this.#native.netlink.receiveWaiting(fd, max, onDatagram),
      drops: () => this.#native.netlink.dropsOf(fd),
      hasSmallBuffer,
    };
  }

  #makeChannel(fd: number): LookupChannel {
    return {
      send: (message) => this.#native.netlink.send(fd, message),
      receive: (into) => this.#native.netlink.receive(fd, into),
      receiveWaiting: (max, onDatagram) => this.#native.netlink.receiveWaiting(fd, max, onDatagram),
    };
  }
}

/** Returns true for a failed system call; false for any other error, which is a bug of netpane. */
export const isSystemError = (error: unknown): error is Error =>
  error instanceof NativeError || /^E[A-Z\d]+$/.test(codeOf(error));

/** Returns true for an error that means permission denied (EPERM, EACCES). */
export const isForbidden = (error: unknown): boolean =>
  error instanceof NativeError
    ? error.errno === ERRNO.EPERM || error.errno === ERRNO.EACCES
    : error instanceof Error && 'code' in error && (error.code === 'EPERM' || error.code === 'EACCES');

/**
 * Returns true for an error that means that no descriptor is free, for this process or the machine (EMFILE, ENFILE).
 */
export const isOutOfDescriptors = (error: unknown): boolean =>
  error instanceof NativeError
    ? error.errno === ERRNO.EMFILE || error.errno === ERRNO.ENFILE
    : error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE');

/** Returns true for an error that means that the namespace or its process is gone (ENOENT, ESRCH). */
export const isGone = (error: unknown): boolean =>
  !(error instanceof NativeError) &&
  error instanceof Error &&
  'code' in error &&
  (error.code === 'ENOENT' || error.code === 'ESRCH');
