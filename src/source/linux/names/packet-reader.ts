import { type Call, CLibrary } from '../netlink/c-library.ts';
import { Datagrams, MAX_AT_ONCE } from '../netlink/datagrams.ts';
import { EventWaiter } from '../netlink/event-waiter.ts';
import { type PacketReader, SourceUnavailable } from '../../types.ts';

const SOL_PACKET = 263;
const PACKET_STATISTICS = 6;

/** Maximum number of packets of one socket that a drain reads: the others wait, or are lost and counted. */
const MAX_PER_SOCKET = 4096;

/** Reads the packets of capture sockets. */
export class CapturedPackets implements PacketReader {
  readonly #datagrams: Datagrams;
  readonly #waiter: EventWaiter;
  readonly #getsockopt: Call;
  readonly #close: Call;
  readonly #descriptors = new Set<number>();
  /** struct tpacket_stats: packets and drops since the last call. */
  readonly #statistics = new Uint32Array(2);
  #lost = 0;

  private constructor(library: CLibrary, waiter: EventWaiter) {
    this.#datagrams = new Datagrams(library);
    this.#waiter = waiter;
    this.#getsockopt = library.call('int getsockopt(int, int, int, void *, void *)');
    this.#close = library.call('int close(int)');
  }

  /** Rejects with `SourceUnavailable` if koffi does not load, or no descriptor is free. */
  static async open(): Promise<CapturedPackets> {
    const library = await CLibrary.load();
    const waiter = EventWaiter.open(library);
    if (waiter === undefined) throw new SourceUnavailable('no descriptor is free');
    return new CapturedPackets(library, waiter);
  }

  get lost(): number {
    return this.#lost;
  }

  add(descriptor: number): void {
    this.#descriptors.add(descriptor);
    this.#waiter.add(descriptor);
  }

  remove(descriptor: number): void {
    if (this.#descriptors.delete(descriptor)) this.#close(descriptor);
  }

  wait(onReady: () => void): void {
    this.#waiter.wait(onReady);
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
