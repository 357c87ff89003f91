import { Socket } from 'node:net';
import type { Call, CLibrary, NativeMemory } from './c-library.ts';
import { NativeError } from './errno.ts';

/** EPOLL_CLOEXEC and O_CLOEXEC (include/uapi/linux/eventpoll.h, include/uapi/asm-generic/fcntl.h). */
const CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLLIN = 1;
/** Without an event in the mask, the kernel still reports that the write end of a pipe was closed (EPOLLHUP). */
const HANGUP_ONLY = 0;
const NO_TIMEOUT = -1;

/** Length of struct epoll_event, bytes; 12 on x86-64. */
const EVENT_LENGTH = 16;

/**
 * Waits until a descriptor can be read, by epoll(7) in a thread of libuv's pool: while nothing happens, no thread of the
 * program wakes up.
 *
 * Node ends no thread before its calls in the pool have returned. So the waiter also watches a pipe whose write end belongs
 * to the event loop of its thread. Whatever ends the thread closes that end first, and the call returns
 * (Environment::CleanupHandles in Node's src/env.cc).
 */
export class EventWaiter {
  readonly #library: CLibrary;
  readonly #close: Call;
  readonly #epollWait: Call;
  readonly #epollControl: Call;
  readonly #epoll: number;
  /** Read end of the pipe, which is watched, and its write end. */
  readonly #outlet: number;
  readonly #inlet: Socket;
  /** A struct epoll_event that the kernel fills. */
  readonly #result: NativeMemory;
  #watchesAll = true;
  #isWaiting = false;
  #isClosed = false;

  /** Throws `NativeError` if no descriptor is free. */
  constructor(library: CLibrary) {
    this.#library = library;
    this.#close = library.call('int close(int)');
    this.#epollControl = library.call('int epoll_ctl(int, int, int, void *)');
    this.#epollWait = library.call('int epoll_wait(int, void *, int, int)');
    this.#epoll = library.call('int epoll_create1(int)')(CLOEXEC);
    if (this.#epoll < 0) throw library.error('epoll_create1');
    const ends = new Int32Array(2);
    if (library.call('int pipe2(void *, int)')(ends, CLOEXEC) !== 0) {
      const error = library.error('pipe2');
      this.#close(this.#epoll);
      throw error;
    }
    const [outlet = -1, inlet = -1] = ends;
    this.#outlet = outlet;
    this.#inlet = new Socket({ fd: inlet, readable: false, writable: true });
    this.#result = library.allocate(EVENT_LENGTH);
    this.#watch(outlet, HANGUP_ONLY);
  }

  /** Returns a waiter; undefined if no descriptor is free for it. */
  static open(library: CLibrary): EventWaiter | undefined {
    try {
      return new EventWaiter(library);
    } catch (error) {
      if (error instanceof NativeError) return undefined;
      throw error;
    }
  }

  /** False if the kernel refused to watch a descriptor: what it reports is not noticed. */
  get watchesAll(): boolean {
    return this.#watchesAll;
  }

  /** Watches a descriptor until it is closed. */
  add(descriptor: number): void {
    this.#watch(descriptor, EPOLLIN);
  }

  #watch(descriptor: number, events: number): void {
    // `events` comes first in struct epoll_event; the rest is returned with the event.
    const event = new Uint32Array([events, 0, 0, 0]);
    if (this.#epollControl(this.#epoll, EPOLL_CTL_ADD, descriptor, event) !== 0) this.#watchesAll = false;
  }

  /**
   * Calls back once when a descriptor can be read, also if it could be before. A signal may call back earlier. There is
   * no callback after `close`. One call at a time.
   */
  wait(onReady: () => void): void {
    this.#isWaiting = true;
    this.#epollWait.async(this.#epoll, this.#result.handle, 1, NO_TIMEOUT, () => {
      this.#isWaiting = false;
      if (this.#isClosed) this.#release();
      else onReady();
    });
  }

  /** Ends the wait and releases all resources. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#inlet.destroy();
    if (!this.#isWaiting) this.#release();
  }

  #release(): void {
    this.#close(this.#epoll);
    this.#close(this.#outlet);
    this.#library.free(this.#result);
  }
}
