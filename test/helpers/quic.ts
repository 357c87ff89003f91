import { createCipheriv } from 'node:crypto';
import { initialKeys } from '../../src/names/quic.ts';

/** A piece of the TLS messages in a packet of QUIC. */
export interface CryptoFrame {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Returns a variable-length integer of two bytes (RFC 9000, section 16). @param value below 2^14 */
const variable = (value: number): Buffer => Buffer.from([0x40 | (value >> 8), value & 255]);

/** Minimum size of a datagram with an Initial packet. */
const PACKET_BYTES = 1200;
/** Size of the header without its id and packet number. */
const HEADER_BYTES = 10;
/** Size of the authentication tag at the end. */
const TAG_BYTES = 16;

/**
 * Returns the Initial packet of a client of QUIC version 1 (RFC 9001, section 5), filled up to 1200 bytes.
 * @param number packet number
 */
export function quicInitial(id: Uint8Array, frames: readonly CryptoFrame[], number = 0): Buffer {
  const parts = frames.map(({ offset, bytes }) =>
    Buffer.concat([Buffer.from([6]), variable(offset), variable(bytes.length), bytes]),
  );
  const content = Buffer.concat([Buffer.from([1]), ...parts]);
  const numberBytes = Buffer.from([0, number]);
  const otherBytes = HEADER_BYTES + id.length + numberBytes.length + TAG_BYTES;
  const padding = Buffer.alloc(Math.max(0, PACKET_BYTES - otherBytes - content.length));
  const plain = Buffer.concat([content, padding]);
  const before = Buffer.concat([
    Buffer.from([0xc0 | (numberBytes.length - 1), 0, 0, 0, 1, id.length]),
    id,
    // No source id, no token.
    Buffer.from([0, 0]),
    variable(numberBytes.length + plain.length + TAG_BYTES),
  ]);
  const header = Buffer.concat([before, numberBytes]);
  const { key, iv, headerKey } = initialKeys(id);
  iv[11] = (iv[11] ?? 0) ^ number;
  const cipher = createCipheriv('aes-128-gcm', key, iv);
  cipher.setAAD(header);
  const packet = Buffer.concat([header, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  const sample = packet.subarray(before.length + 4, before.length + 20);
  const mask = createCipheriv('aes-128-ecb', headerKey, null).update(sample);
  packet[0] = (packet[0] ?? 0) ^ ((mask[0] ?? 0) & 15);
  for (let i = 0; i < numberBytes.length; i++)
    packet[before.length + i] = (packet[before.length + i] ?? 0) ^ (mask[1 + i] ?? 0);
  return packet;
}
