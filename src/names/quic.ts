import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import { numberAt } from './bytes.ts';
import { serverNameInHello } from './tls.ts';

/** Salt of the first keys of QUIC version 1 (RFC 9001, section 5.2). */
const SALT = Buffer.from('38762cf7f55934b34d179ae6a4c80cadccbb7f0a', 'hex');
const VERSION_AT = 1;
const VERSION_1 = 1;
const INITIAL = 0xc0;
/** Maximum length of a connection id, bytes. */
const MAX_ID = 20;
const TAG_LENGTH = 16;

/** Frames that a client sends first (RFC 9000, section 19). */
const FRAME = { padding: 0, ping: 1, crypto: 6 } as const;
/** Maximum length of the start of a hello (ClientHello) that is read, bytes. */
const MAX_HELLO = 8192;
/** Maximum number of pieces of one hello. */
const MAX_PIECES = 64;
/** Maximum number of connections with an incomplete hello; the oldest are dropped. */
const MAX_INCOMPLETE = 64;

/** Keys of the first packets of a client. */
interface Keys {
  readonly key: Buffer;
  readonly iv: Buffer;
  readonly headerKey: Buffer;
}

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * Reads the server name at the start of QUIC connections. The first packets are encrypted with keys that follow from the
 * connection id in them, so everybody on the way can read them (RFC 9001, section 5.2). A hello may be in several pieces,
 * in any order, and in several packets.
 */
export class QuicHellos {
  readonly #incomplete = new Map<string, Piece[]>();

  /**
   * Returns the server name in the first packets of a client, once it is known.
   * @param connection key of the connection
   * @param datagram what the client sent
   */
  nameIn(connection: string, datagram: Uint8Array): string | undefined {
    const frames = openInitial(datagram);
    if (frames === undefined) return undefined;
    const pieces = [...(this.#incomplete.get(connection) ?? []), ...piecesIn(frames)].slice(0, MAX_PIECES);
    this.#incomplete.delete(connection);
    const name = serverNameInHello(joined(pieces));
    if (name !== undefined || pieces.length === 0) return name;
    this.#incomplete.set(connection, pieces);
    if (this.#incomplete.size > MAX_INCOMPLETE) {
      const [oldest = ''] = this.#incomplete.keys();
      this.#incomplete.delete(oldest);
    }
    return undefined;
  }
}

/** Returns the keys that follow from the connection id that a client chose for the server. */
export function initialKeys(id: Uint8Array): Keys {
  const secret = Buffer.from(hkdfSync('sha256', id, SALT, labelOf('client in', 32), 32));
  const expanded = (name: string, length: number): Buffer =>
    createHmac('sha256', secret).update(labelOf(name, length)).update('\x01').digest().subarray(0, length);
  return { key: expanded('quic key', 16), iv: expanded('quic iv', 12), headerKey: expanded('quic hp', 16) };
}

/** HkdfLabel of TLS 1.3 (RFC 8446, section 7.1), without a context. */
function labelOf(name: string, length: number): Buffer {
  const label = `tls13 ${name}`;
  return Buffer.concat([Buffer.from([0, length, label.length]), Buffer.from(label), Buffer.from([0])]);
}

/** Returns the frames in the Initial packet at the start of a datagram; undefined if there is none, or it is no valid one. */
function openInitial(datagram: Uint8Array): Uint8Array | undefined {
  const version = numberAt(datagram, VERSION_AT) * 0x1_0000 + numberAt(datagram, VERSION_AT + 2);
  if (((datagram[0] ?? 0) & 0xf0) !== INITIAL || version !== VERSION_1) return undefined;
  const idLength = datagram[5] ?? 0;
  const id = datagram.subarray(6, 6 + idLength);
  const sourceAt = 6 + idLength;
  const sourceLength = datagram[sourceAt] ?? 0;
  if (idLength > MAX_ID || sourceLength > MAX_ID) return undefined;
  const token = variableAt(datagram, sourceAt + 1 + sourceLength);
  const length = variableAt(datagram, token.end + token.value);
  const numberStart = length.end;
  const end = numberStart + length.value;
  // The sample begins four bytes after the packet number.
  if (end > datagram.length || length.value < 4 + TAG_LENGTH) return undefined;
  const { key, iv, headerKey } = initialKeys(id);
  const sample = datagram.subarray(numberStart + 4, numberStart + 4 + 16);
  const mask = createCipheriv('aes-128-ecb', headerKey, null).update(sample);
  const first = (datagram[0] ?? 0) ^ ((mask[0] ?? 0) & 15);
  const dataStart = numberStart + (first & 3) + 1;
  const header = Buffer.from(datagram.subarray(0, dataStart));
  header[0] = first;
  for (let i = numberStart; i < dataStart; i++)
    header[i] = (header[i] ?? 0) ^ (mask[1 + i - numberStart] ?? 0);
  // The number of a first packet is small, so the whole number is in the packet.
  for (let i = numberStart; i < dataStart; i++) {
    const at = iv.length - dataStart + i;
    iv[at] = (iv[at] ?? 0) ^ (header[i] ?? 0);
  }
  const opener = createDecipheriv('aes-128-gcm', key, iv);
  opener.setAAD(header);
  opener.setAuthTag(datagram.subarray(end - TAG_LENGTH, end));
  const frames = opener.update(datagram.subarray(dataStart, end - TAG_LENGTH));
  try {
    opener.final();
    return frames;
  } catch {
    // The packet has another connection id, or is not one of QUIC.
    return undefined;
  }
}

/** Returns the pieces of the hello in frames, up to the first frame of another kind. */
function piecesIn(frames: Uint8Array): readonly Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < frames.length;) {
    const kind = frames[at++];
    if (kind === FRAME.padding || kind === FRAME.ping) continue;
    if (kind !== FRAME.crypto) break;
    const offset = variableAt(frames, at);
    const length = variableAt(frames, offset.end);
    const end = length.end + length.value;
    if (end > frames.length || offset.value + length.value > MAX_HELLO) break;
    pieces.push({ offset: offset.value, bytes: frames.subarray(length.end, end) });
    at = end;
  }
  return pieces;
}

/** Returns the start of the hello that the pieces have without a gap. */
function joined(pieces: readonly Piece[]): Uint8Array {
  const hello = new Uint8Array(MAX_HELLO);
  let end = 0;
  for (const { offset, bytes } of pieces.toSorted((a, b) => a.offset - b.offset)) {
    if (offset > end) break;
    hello.set(bytes, offset);
    end = Math.max(end, offset + bytes.length);
  }
  return hello.subarray(0, end);
}

/** Returns the number of variable length at an offset (RFC 9000, section 16), and where it ends. */
function variableAt(bytes: Uint8Array, at: number): { readonly value: number; readonly end: number } {
  const length = 1 << ((bytes[at] ?? 0) >> 6);
  let value = (bytes[at] ?? 0) & 0x3f;
  for (let i = 1; i < length; i++) value = value * 256 + (bytes[at + i] ?? 0);
  return { value, end: at + length };
}
