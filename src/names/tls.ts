import { MAX_NAME_LENGTH, nameText, numberAt } from './bytes.ts';

const RECORD_HANDSHAKE = 0x16;
const CLIENT_HELLO = 1;
/** Lengths of the headers of a record and of a handshake message, bytes. */
const RECORD_HEADER = 5;
const HANDSHAKE_HEADER = 4;
/** Length of version and random number, which precede the session id, bytes (RFC 8446, section 4.1.2). */
const BEFORE_SESSION = 34;
const SERVER_NAME = 0;
const HOST_NAME = 0;

/**
 * Returns the server name (SNI, RFC 6066) in a TLS record with a ClientHello; undefined without one. A hello that is cut
 * is read as far as it goes. With Encrypted Client Hello this is the name of the outer hello. Browsers send the same extension
 * to servers without it (GREASE), so nothing says whether there is another name.
 */
export const serverNameInRecord = (bytes: Uint8Array): string | undefined =>
  bytes[0] === RECORD_HANDSHAKE ? serverNameInHello(bytes.subarray(RECORD_HEADER)) : undefined;

/** Returns the server name in a ClientHello without a record header, as QUIC sends it; undefined without one. */
export function serverNameInHello(bytes: Uint8Array): string | undefined {
  if (bytes[0] !== CLIENT_HELLO) return undefined;
  let at = HANDSHAKE_HEADER + BEFORE_SESSION;
  at += 1 + (bytes[at] ?? 0);
  at += 2 + numberAt(bytes, at);
  at += 1 + (bytes[at] ?? 0);
  const end = Math.min(bytes.length, at + 2 + numberAt(bytes, at));
  // Each extension has at least four bytes, so the loop ends.
  for (at += 2; at + 4 <= end; at += 4 + numberAt(bytes, at + 2))
    if (numberAt(bytes, at) === SERVER_NAME) return hostNameIn(bytes, at + 4, end);
  return undefined;
}

/** Returns the first name of a server name extension; it must be a host name, which is the only kind. */
function hostNameIn(bytes: Uint8Array, at: number, end: number): string | undefined {
  const start = at + 5;
  const length = numberAt(bytes, at + 3);
  if (bytes[at + 2] !== HOST_NAME || length === 0 || start + length > end) return undefined;
  const name = length > MAX_NAME_LENGTH ? '' : nameText(bytes, start, start + length, true);
  return name === '' || name.length > MAX_NAME_LENGTH ? undefined : name;
}
