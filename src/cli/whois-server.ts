import type { Value } from './values.ts';

/** The server that knows which registry an address belongs to. */
export const DEFAULT_SERVER = 'whois.iana.org';

const WHOIS_PORT = 43;

const SERVER = /^([\w.-]{1,253}|\[[\da-f:]{2,45}\])(?::(\d{1,5}))?$/i;

export interface WhoisServer {
  readonly host: string;
  readonly port: number;
}

/** Returns the host and port of HOST or HOST:PORT, where an IPv6 address is in brackets; undefined for another text. */
export function whoisServerOf(text: string): WhoisServer | undefined {
  const [, host, digits] = SERVER.exec(text) ?? [];
  const port = Number(digits ?? WHOIS_PORT);
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  return { host: host.replaceAll(/[[\]]/g, '').toLowerCase(), port };
}

/** A whois server, with a port if it is not 43. */
export const whoisServerValue: Value<string> = {
  expected: `a host, or HOST:PORT, such as ${DEFAULT_SERVER}`,
  read: (text) => (whoisServerOf(text) ? text : undefined),
};

/** Keys with which IANA, ARIN and others name the server that knows more. */
const REFERRAL = /^(?:refer|whois|ReferralServer):\s*(?:whois:\/\/)?([\w.-]+(?::\d{1,5})?)\/?$/i;

/** Maximum length of a line with a referral, UTF-16 units. */
const MAX_LINE = 300;

/** Returns the server to which an answer refers; undefined if there is none. Servers of rwhois are none. */
export function referralIn(text: string): WhoisServer | undefined {
  for (const line of text.split('\n')) {
    const [, server] = (line.length <= MAX_LINE && REFERRAL.exec(line.trim())) || [];
    if (server !== undefined) return whoisServerOf(server);
  }
  return undefined;
}

/** Returns true for the port of whois; netpane follows referrals to no other. */
export const isWhoisPort = ({ port }: WhoisServer): boolean => port === WHOIS_PORT;
