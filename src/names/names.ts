import { type AskedFrom, type AskedName, connectionKey } from '../model/asked-name.ts';
import { unmapped } from '../model/address.ts';
import { reachOf } from '../model/reach.ts';
import { addressAt } from './bytes.ts';
import { addressesInAnswer, messageInSegment } from './dns.ts';
import { type Packet, packetIn } from './packet.ts';
import { serverNameInRecord } from './tls.ts';

/** A name in a packet. */
export interface FoundName extends Omit<AskedName, 'others'> {
  /** How long the answer may be used, seconds; 0 for the name of a connection. */
  readonly ttlSeconds: number;
}

/** Who answers from a port. */
const ANSWERS: ReadonlyMap<number, AskedFrom> = new Map([
  [53, 'dns'],
  [5353, 'mdns'],
  [5355, 'llmnr'],
]);

/**
 * Returns the names in an IP packet that was captured: those of the addresses in an answer, or the one with which a
 * connection begins. Never throws, whatever the packet is.
 */
export function namesIn(bytes: Uint8Array): readonly FoundName[] {
  const packet = packetIn(bytes);
  if (packet === undefined) return [];
  const { protocol, payload, sourcePort } = packet;
  const from = ANSWERS.get(sourcePort);
  if (from !== undefined) {
    const message = protocol === 'tcp' ? messageInSegment(payload) : payload;
    return addressesInAnswer(message, from === 'mdns').flatMap(({ address, name, ttlSeconds }) =>
      isOfOneHost(address) ? [{ subject: unmapped(address), name, from, ttlSeconds }] : [],
    );
  }
  const name = protocol === 'tcp' ? serverNameInRecord(payload) : undefined;
  return name === undefined ? [] : [{ subject: keyOf(bytes, packet), name, from: 'tls', ttlSeconds: 0 }];
}

/**
 * Returns true if the address can name peers. Filters of advertisements answer with 0.0.0.0 or 127.0.0.1: their names are not
 * those of the programs of this machine.
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
