import { type Call, CLibrary } from '../netlink/c-library.ts';
import { Datagrams, MAX_AT_ONCE } from '../netlink/datagrams.ts';
import { EventWaiter } from '../netlink/event-waiter.ts';
import type { PacketReader } from '../../types.ts';

const SOL_PACKET = 263;
const PACKET_STATISTICS = 6;

/** Maximum number of packets of one socket that a drain reads: the others wait, or are lost and counted. */
const MAX_PER_SOCKET = 4096;

/** Time between two drains if nothing can wait for packets, milliseconds. */
const INTERVAL_MS = 250;

/** Returns true if libuv's pool has a thread for other work while this reader and the event source wait in two of them. */
const hasThreadToWait = (): boolean => Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) > 2;

/** Reads the packets of capture sockets. */
export class CapturedPackets implements PacketReader {
  readonly #datagrams: Datagrams;
  /** Undefined if nothing can wait: the sockets are read at intervals. */
  readonly #waiter: EventWaiter | undefined;
  readonly #getsockopt: Call;
  readonly #close: Call;
  readonly #descriptors = new Set<number>();
  /** struct tpacket_stats: packets and drops since the last call. */
  readonly #statistics = new Uint32Array(2);
  #lost = 0;

  private constructor(library: CLibrary, waiter: EventWaiter | undefined) {
    this.#datagrams = new Datagrams(library);
    this.#waiter = waiter;
    this.#getsockopt = library.call('int getsockopt(int, int, int, void *, void *)');
    this.#close = library.call('int close(int)');
  }

  /** Returns a reader without sockets. Rejects with `SourceUnavailable` if koffi does not load. */
  static async open(): Promise<CapturedPackets> {
    const library = await CLibrary.load();
    return new CapturedPackets(library, hasThreadToWait() ? EventWaiter.open(library) : undefined);
  }

  get lost(): number {
    return this.#lost;
  }

  add(descriptor: number): void {
    this.#descriptors.add(descriptor);
    this.#waiter?.add(descriptor);
  }

  remove(descriptor: number): void {
    if (this.#descriptors.delete(descriptor)) this.#close(descriptor);
  }

  wait(onReady: () => void): void {
    if (this.#waiter?.watchesAll === true) this.#waiter.wait(onReady);
    else setTimeout(onReady, INTERVAL_MS);
  }

  drain(onPacket: (packet: Uint8Array) => void): void {
    for (const descriptor of this.#descriptors) {
      let total = 0;
      let count = 0;
      do {
        count = this.#datagrams.receive(descriptor, MAX_AT_ONCE, ({ bytes }, start, end) => {
          onPacket(bytes.subarray(start, end));
        });
        total += Math.max(0, count);
      } while (count === MAX_AT_ONCE && total < MAX_PER_SOCKET);
      if (total > 0) this.#countLost(descriptor);
    }
  }

  #countLost(descriptor: number): void {
    const length = new Uint32Array([this.#statistics.byteLength]);
    if (this.#getsockopt(descriptor, SOL_PACKET, PACKET_STATISTICS, this.#statistics, length) === 0)
      this.#lost += this.#statistics[1] ?? 0;
  }
}
