import { type AskedFrom, type AskedName, connectionKey } from '../model/asked-name.ts';
import { unmapped } from '../model/address.ts';
import { reachOf } from '../model/reach.ts';
import { addressAt } from './bytes.ts';
import { addressesInAnswer, messageInSegment } from './dns.ts';
import { type Packet, packetIn } from './packet.ts';
import { QuicHellos } from './quic.ts';
import { serverNameInRecord } from './tls.ts';

/** A name in a packet. */
export interface FoundName extends Omit<AskedName, 'others'> {
  /** How long the answer may be used, seconds; 0 for the name of a connection. */
  readonly ttlSeconds: number;
}

/** The protocol of the answers that come from a port. */
const ANSWERS: ReadonlyMap<number, AskedFrom> = new Map([
  [53, 'dns'],
  [5353, 'mdns'],
  [5355, 'llmnr'],
]);

/**
 * Maximum number of first packets of QUIC that are read between two calls of `beginTurn`. Each takes some 0.1 ms to decrypt,
 * and a program can send as many as it likes.
 */
const MAX_QUIC = 100;

/** Finds the names in captured packets. */
export class PacketNames {
  readonly #quic = new QuicHellos();
  #quicCount = 0;
  #skipped = 0;

  /** Number of packets that were not read, because there were too many between two calls of `beginTurn`. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Allows the next `MAX_QUIC` first packets. Call it at intervals. */
  beginTurn(): void {
    this.#quicCount = 0;
  }

  /**
   * Returns the names in an IP packet: the names of the addresses in an answer, or the server name at the start of a
   * connection. Never throws, whatever the packet is.
   */
  namesIn(bytes: Uint8Array): readonly FoundName[] {
    const packet = packetIn(bytes);
    if (packet === undefined) return [];
    const { protocol, payload, sourcePort } = packet;
    const from = ANSWERS.get(sourcePort);
    if (from !== undefined)
      return namesInAnswer(protocol === 'tcp' ? messageInSegment(payload) : payload, from);
    const subject = keyOf(bytes, packet);
    const name = protocol === 'tcp' ? serverNameInRecord(payload) : this.#nameInQuic(subject, payload);
    return name === undefined
      ? []
      : [{ subject, name, from: protocol === 'tcp' ? 'tls' : 'quic', ttlSeconds: 0 }];
  }

  #nameInQuic(subject: string, payload: Uint8Array): string | undefined {
    if (++this.#quicCount <= MAX_QUIC) return this.#quic.nameIn(subject, payload);
    this.#skipped++;
    return undefined;
  }
}

function namesInAnswer(message: Uint8Array, from: AskedFrom): readonly FoundName[] {
  return addressesInAnswer(message, from === 'mdns').flatMap(({ address, name, ttlSeconds }) =>
    isOfOneHost(address) ? [{ subject: unmapped(address), name, from, ttlSeconds }] : [],
  );
}

/**
 * Returns true if the address can be that of one peer. Ad blockers answer with 0.0.0.0 or 127.0.0.1: the programs of this
 * machine do not have those names.
 */
function isOfOneHost(address: string): boolean {
  const reach = reachOf(address);
  return reach === 'private' || reach === 'public';
}

const keyOf = (bytes: Uint8Array, packet: Packet): string => {
  const { protocol, addressLength, sourceAt, destinationAt, sourcePort, destinationPort } = packet;
  return connectionKey(
    protocol,
    { address: addressAt(bytes, sourceAt, addressLength), port: sourcePort },
    { address: addressAt(bytes, destinationAt, addressLength), port: destinationPort },
  );
};
