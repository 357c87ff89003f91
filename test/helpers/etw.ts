// Event Tracing for Windows as tests need it: records of events in its layout, and calls that a test answers.
import { parseIpv6 } from '../../src/model/address.ts';
import type { TraceCalls } from '../../src/source/windows/etw/calls.ts';
import {
  CONTROL,
  EVENT_ID,
  IPV6_IDS,
  KERNEL_NETWORK,
  payloadBytes,
  PROPERTIES,
  RECORD,
} from '../../src/source/windows/etw/layout.ts';
import { RecordReader } from '../../src/source/windows/etw/records.ts';
import type { EventRing } from '../../src/source/windows/etw/ring.ts';
import { endpoint } from './fakes.ts';
import { fileTime } from './windows.ts';

/** An event of Microsoft-Windows-Kernel-Network; `local` and `remote` are endpoints, such as `192.0.2.1:53`. */
export interface FakeEvent {
  readonly kind: keyof typeof EVENT_ID;
  readonly local: string;
  readonly remote: string;
  readonly pid?: number;
  readonly size?: number;
  /** Milliseconds since 1970. */
  readonly atMs?: number;
}

/** Addresses of the header and the payload of every record. */
const HEADER = 0x1000;
const PAYLOAD = 0x5000;

/** Results of the calls, winerror.h. */
const ERROR_BAD_LENGTH = 24;
const ERROR_WMI_INSTANCE_NOT_FOUND = 4201;

/** Returns a record and its payload as Windows would write them. */
export function eventBytes({ kind, local, remote, pid = 0, size = 0, atMs = 0 }: FakeEvent) {
  const [here, there] = [endpoint(local), endpoint(remote)];
  const isIpv6 = here.address.includes(':');
  const payload = new Uint8Array(payloadBytes(isIpv6) + 12);
  const view = new DataView(payload.buffer);
  view.setUint32(0, pid, true);
  view.setUint32(4, size, true);
  // A received UDP packet has the peer as its source.
  const [destination, source] = kind === 'udpReceived' ? [here, there] : [there, here];
  const length = isIpv6 ? 16 : 4;
  for (const [i, { address, port }] of [destination, source].entries()) {
    const at = 8 + i * length;
    if (isIpv6)
      for (const [j, group] of (parseIpv6(address) ?? []).entries()) view.setUint16(at + 2 * j, group);
    else for (const [j, byte] of address.split('.').entries()) view.setUint8(at + j, Number(byte));
    view.setUint16(8 + 2 * length + 2 * i, port);
  }
  const header = new Uint8Array(RECORD.size);
  const head = new DataView(header.buffer);
  for (const [i, word] of KERNEL_NETWORK.entries()) head.setUint32(RECORD.provider + 4 * i, word, true);
  head.setUint16(RECORD.id, EVENT_ID[kind] + (isIpv6 ? IPV6_IDS : 0), true);
  head.setBigUint64(RECORD.time, fileTime(atMs), true);
  head.setUint16(RECORD.dataLength, payload.length, true);
  head.setBigUint64(RECORD.data, BigInt(PAYLOAD), true);
  return { header, payload };
}

/** Reads a record into a ring as the consumer does. Throws if it reads beyond the end of the record or the payload. */
export function readRecord(
  ring: EventRing,
  { header, payload }: { readonly header: Uint8Array; readonly payload: Uint8Array },
): void {
  const reader = new RecordReader(ring, (into, address, bytes) => {
    const from = address === HEADER ? header : payload;
    if (bytes > from.length) throw new Error(`${bytes} bytes of ${from.length} are read`);
    into.set(from.subarray(0, bytes));
  });
  reader.read(HEADER);
}

/** Fake calls about sessions; a test sets their results. */
export class FakeTrace implements TraceCalls {
  /** Names of the sessions that run. */
  readonly sessions = new Set<string>();
  startError = 0;
  enableError = 0;
  lost = { events: 0, buffers: 0 };
  flushes = 0;
  ring: EventRing | undefined;
  #started = '';

  start(name: string, properties: Uint8Array, handle: BigUint64Array): number {
    if (this.startError !== 0) return this.startError;
    if (new DataView(properties.buffer).getUint32(PROPERTIES.bytes, true) !== properties.length)
      return ERROR_BAD_LENGTH;
    this.sessions.add(name);
    this.#started = name;
    handle[0] = 7n;
    return 0;
  }

  enable(): number {
    return this.enableError;
  }

  control(which: bigint | string, properties: Uint8Array, code: number): number {
    const name = typeof which === 'bigint' ? this.#started : which;
    if (!this.sessions.has(name)) return ERROR_WMI_INSTANCE_NOT_FOUND;
    const view = new DataView(properties.buffer);
    if (code === CONTROL.query) {
      view.setUint32(PROPERTIES.eventsLost, this.lost.events, true);
      view.setUint32(PROPERTIES.realTimeBuffersLost, this.lost.buffers, true);
    } else if (code === CONTROL.stop) {
      this.sessions.delete(name);
      if (name === this.#started) this.ring?.end(0);
    } else this.flushes++;
    return 0;
  }

  list(into: readonly Uint8Array[], count: Uint32Array): number {
    for (const [i, name] of [...this.sessions].entries()) {
      const bytes = into[i];
      if (bytes === undefined) break;
      const at = new DataView(bytes.buffer).getUint32(PROPERTIES.nameOffset, true);
      bytes.set(Buffer.from(`${name}\0`, 'utf16le'), at);
    }
    count[0] = this.sessions.size;
    return 0;
  }

  startConsumer(_name: string, ring: EventRing): void {
    this.ring = ring;
  }

  /** Reports events to the session. */
  emit(...events: readonly FakeEvent[]): void {
    for (const event of events) if (this.ring) readRecord(this.ring, eventBytes(event));
  }
}
