import { fileTimeOf } from '../layout.ts';
import { EVENT_ID, IPV6_IDS, KERNEL_NETWORK, payloadBytes, RECORD } from './layout.ts';
import { type EventRing, SLOT } from './ring.ts';

const IDS: ReadonlySet<number> = new Set(Object.values(EVENT_ID));

/** Copies memory of this process. @param address where it begins */
export type Copy = (into: Uint8Array, address: number, bytes: number) => void;

/**
 * Reads records of events (EVENT_RECORD) into a ring. It reads the fixed structure of a record, and the part of its payload
 * that every version of the event has, if the payload is that long. Never throws.
 */
export class RecordReader {
  readonly #ring: EventRing;
  readonly #copy: Copy;
  readonly #header = new DataView(new ArrayBuffer(RECORD.size));
  readonly #headerBytes = new Uint8Array(this.#header.buffer);
  readonly #payload = new DataView(new ArrayBuffer(payloadBytes(true)));
  readonly #payloadBytes = new Uint8Array(this.#payload.buffer);

  constructor(ring: EventRing, copy: Copy) {
    this.#ring = ring;
    this.#copy = copy;
  }

  /** Reads the record at an address. One that is too short counts as lost; one of another event is left out. */
  readonly read = (address: number): void => {
    const header = this.#header;
    this.#copy(this.#headerBytes, address, RECORD.size);
    if (!isOfKernelNetwork(header)) return;
    const id = header.getUint16(RECORD.id, true);
    const isIpv6 = !IDS.has(id);
    if (isIpv6 && !IDS.has(id - IPV6_IDS)) return;
    const length = payloadBytes(isIpv6);
    if (header.getUint16(RECORD.dataLength, true) < length) {
      this.#ring.countLost();
      return;
    }
    const at = this.#ring.reserve();
    if (at === undefined) return;
    const [low, high] = [header.getUint32(RECORD.data, true), header.getUint32(RECORD.data + 4, true)];
    this.#copy(this.#payloadBytes, fileTimeOf(low, high), length);
    this.#write(at, isIpv6 ? id - IPV6_IDS : id, isIpv6);
    this.#ring.commit();
  };

  #write(at: number, id: number, isIpv6: boolean): void {
    const { words } = this.#ring;
    const payload = this.#payload;
    words[at + SLOT.id] = id;
    words[at + SLOT.isIpv6] = isIpv6 ? 1 : 0;
    words[at + SLOT.pid] = payload.getInt32(0, true);
    words[at + SLOT.size] = payload.getInt32(4, true);
    words[at + SLOT.time] = this.#header.getInt32(RECORD.time, true);
    words[at + SLOT.time + 1] = this.#header.getInt32(RECORD.time + 4, true);
    const addressBytes = isIpv6 ? 16 : 4;
    // A received UDP packet has its destination, which is local, where the other events have the peer.
    const isSwapped = id === EVENT_ID.udpReceived;
    const [remote, local] = isSwapped ? [8 + addressBytes, 8] : [8, 8 + addressBytes];
    for (let i = 0; i < 16; i += 4) {
      words[at + SLOT.remote + i / 4] = i < addressBytes ? payload.getInt32(remote + i, true) : 0;
      words[at + SLOT.local + i / 4] = i < addressBytes ? payload.getInt32(local + i, true) : 0;
    }
    const ports = 8 + 2 * addressBytes;
    words[at + SLOT.remotePort] = payload.getUint16(isSwapped ? ports + 2 : ports, false);
    words[at + SLOT.localPort] = payload.getUint16(isSwapped ? ports : ports + 2, false);
  }
}

const isOfKernelNetwork = (header: DataView): boolean => {
  for (let i = 0; i < 4; i++)
    if (header.getUint32(RECORD.provider + 4 * i, true) !== KERNEL_NETWORK[i]) return false;
  return true;
};
