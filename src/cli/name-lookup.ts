import { Resolver } from 'node:dns/promises';
import { open } from 'node:fs/promises';
import { type Bits, bitsOf } from '../model/address-bits.ts';
import type { NameAnswer } from '../store/peer-names.ts';
import type { LookUpName } from './address-names.ts';
import { systemFile } from './system-file.ts';

/** Maximum length of a DNS name, characters (RFC 1035, section 2.3.4). */
const MAX_NAME_LENGTH = 253;
/** Maximum number of bytes of the hosts file that are read. */
const MAX_HOSTS_BYTES = 0x8_0000;
/** Maximum number of spaces before an address in a hosts file. */
const MAX_INDENT = 64;
/** Maximum number of characters of a line that are searched for the name, from the end of the address. */
const MAX_LINE = 512;
/** Time after which the hosts file is read again, milliseconds. */
const HOSTS_FRESH_MS = 60_000;
/** Maximum time of one lookup, with all its name servers and repetitions, milliseconds. */
const TIMEOUT_MS = 5000;

/** Codes of c-ares for an address without a name: no such domain, and a domain without such a record. */
const NO_NAME = new Set(['ENOTFOUND', 'ENODATA']);

/** Messages by error code of c-ares. */
const REASONS: Readonly<Record<string, string>> = {
  ECANCELLED: 'no answer in time',
  ETIMEOUT: 'no answer in time',
  ECONNREFUSED: 'no name server answers',
  ESERVFAIL: 'the name server failed',
  EREFUSED: 'the name server refused',
  EFORMERR: 'bad answer of the name server',
  EBADRESP: 'bad answer of the name server',
};

const TOO_LONG: NameAnswer = { type: 'failed', why: 'the answer is longer than a name can be' };

/** Returns the domain with the name of an address (RFC 1035, section 3.5; RFC 3596, section 2.5). */
export const pointerName = (bits: Bits): string =>
  typeof bits === 'number'
    ? `${[bits & 255, (bits >>> 8) & 255, (bits >>> 16) & 255, bits >>> 24].join('.')}.in-addr.arpa`
    : `${bits
        .map((group) => group.toString(16).padStart(4, '0'))
        .join('')
        .split('')
        .reverse()
        .join('.')}.ip6.arpa`;

/** Returns true for a loopback or link-local address: no name server knows which host it is. */
const isLocal = (bits: Bits): boolean =>
  typeof bits === 'number'
    ? bits >>> 24 === 127 || bits >>> 16 === 0xa9fe
    : (bits[0] ?? 0) >> 6 === 0xfe80 >> 6 ||
      (bits[7] === 1 && bits.slice(0, 7).every((group) => group === 0));

/**
 * Returns the first name of an address in the text of a hosts file, hosts(5), in small letters; undefined if it has none.
 * The address must be written as netpane writes it. A search of the text takes no time that a user notices; to parse
 * every line of a large file would.
 */
export function nameInHosts(text: string, address: string): string | undefined {
  for (let at = text.indexOf(address); at >= 0; at = text.indexOf(address, at + address.length)) {
    const before = text.slice(Math.max(0, at - MAX_INDENT), at);
    const indent = before.slice(before.lastIndexOf('\n') + 1);
    if (indent.trim() !== '' || (indent.length === before.length && at >= MAX_INDENT)) continue;
    const rest = text.slice(at + address.length, at + address.length + MAX_LINE);
    const [, name] = /^[ \t]+([^\s#]+)/.exec(rest) ?? [];
    if (name !== undefined && name.length <= MAX_NAME_LENGTH) return name;
  }
  return undefined;
}

/** Returns the first MAX_HOSTS_BYTES of a hosts file, in small letters; empty if it cannot be read. */
async function readHosts(path: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_HOSTS_BYTES), 0, MAX_HOSTS_BYTES, 0);
      return buffer.toString('utf8', 0, bytesRead).toLowerCase();
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}

/** Asks the name servers. c-ares, unlike getaddrinfo(3), uses sockets of its own and no thread of libuv's pool. */
async function askServers(
  bits: Bits,
  servers: readonly string[] | undefined,
  timeoutMs: number,
): Promise<NameAnswer> {
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  if (servers) resolver.setServers(servers);
  // The limits of c-ares are for each server.
  const timer = setTimeout(() => resolver.cancel(), timeoutMs).unref();
  try {
    const names = await resolver.resolvePtr(pointerName(bits));
    // Servers may change the order of several names with each answer.
    const [name = '', ...others] = [...new Set(names)].map((it) => it.toLowerCase()).toSorted();
    if (name === '') return { type: 'none' };
    return name.length > MAX_NAME_LENGTH
      ? TOO_LONG
      : { type: 'name', name, others: others.length, from: 'reverse-dns' };
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    return NO_NAME.has(code)
      ? { type: 'none' }
      : { type: 'failed', why: REASONS[code] ?? `no answer (${code})` };
  } finally {
    clearTimeout(timer);
  }
}

/** The places in which names are looked up. */
interface NameSources {
  /** By default that of the system. */
  readonly hostsFile?: string;
  /** Name servers, as `address` or `address:port`. By default those of the system. */
  readonly servers?: readonly string[];
  /** Maximum time of one lookup, milliseconds. @default 5000 */
  readonly timeoutMs?: number;
}

/** Returns a function that looks up the name of an address: in the hosts file, then by the name servers. */
export function nameLookup({
  hostsFile = systemFile('hosts'),
  servers,
  timeoutMs = TIMEOUT_MS,
}: NameSources = {}): LookUpName {
  let hosts: Promise<string> | undefined;
  let readAtMs = 0;
  return async (address) => {
    const bits = bitsOf(address);
    if (bits === undefined) return { type: 'failed', why: 'not an IP address' };
    if (hosts === undefined || performance.now() - readAtMs > HOSTS_FRESH_MS) {
      hosts = readHosts(hostsFile);
      readAtMs = performance.now();
    }
    const name = nameInHosts(await hosts, address);
    if (name !== undefined) return { type: 'name', name, others: 0, from: 'hosts' };
    if (isLocal(bits))
      return { type: 'failed', why: 'name servers are not asked about loopback and link-local addresses' };
    return askServers(bits, servers, timeoutMs);
  };
}
