import { canonicalAddress, parseNetwork } from './addresses.ts';
import type { Term } from './expression.ts';
import { Mistake, type Piece, refuse, quotePart } from './mistake.ts';
import { readPorts } from './ranges.ts';

/** A label of a host name: letters, digits and `-` (RFC 1123), and `_`, which occurs in practice. */
const LABEL = /^[\p{L}\p{N}_][\p{L}\p{N}_-]*$/u;
/** Maximum length of a DNS name, characters. */
const MAX_NAME_LENGTH = 253;

const EXAMPLES = '@192.0.2.1, @[::1]:80, @example.com:443';
const EXPECTED = `an address or a host name: ${EXAMPLES}`;

/** Returns true for a host name: labels between dots, and at most one dot at the end. */
const isDnsName = (text: string): boolean =>
  text.length <= MAX_NAME_LENGTH &&
  !/^[\d.]+$/.test(text) &&
  text
    .replace(/\.$/, '')
    .split('.')
    .every((label) => LABEL.test(label));

/** Reads the value after `@`: an address or host name, optionally `:PORTS`. An IPv6 address may omit its brackets. */
export function readHost(piece: Piece): Extract<Term, { kind: 'host' }> {
  const { text, at } = piece;
  if (text === '') refuse(piece, `expected ${EXPECTED}`);
  const plain = canonicalAddress(text);
  if (plain !== undefined) return { kind: 'host', host: plain };
  const [, bracketed, name = '', , ports] = /^(?:\[([^\]]*)\]|([^:[\]]*))(:(.*))?$/s.exec(text) ?? [];
  const host = { text: bracketed ?? name, at: bracketed === undefined ? at : at + 1 };
  if (host.text === '') refuse(piece, `bad host ${quotePart(text)}; expected ${EXPECTED}`);
  const address = canonicalAddress(host.text);
  const lower = host.text.toLowerCase();
  const isName = bracketed === undefined && isDnsName(lower);
  if (address === undefined && !isName)
    refuse(host, `bad address or host name ${quotePart(host.text)}; expected ${EXAMPLES}`);
  const found = address ?? lower.replace(/\.$/, '');
  if (ports === undefined) return { kind: 'host', host: found };
  return {
    kind: 'host',
    host: found,
    ports: readPorts({ text: ports, at: at + text.length - ports.length }),
  };
}

/** Returns true if the host of a term is a name that must be resolved. */
export const isHostName = (host: string): boolean => canonicalAddress(host) === undefined;

/** Returns true for an address, a network or ports, as after `remote:`; false for a host name or any other text. */
export function isEndpointText(text: string): boolean {
  if (/^:?\d[\d,-]*$/.test(text)) return true;
  if (text.includes('/')) return parseNetwork(text) !== undefined;
  const host = text !== '' && Mistake.caught(() => readHost({ text, at: 0 }));
  return host !== false && 'kind' in host && !isHostName(host.host);
}
