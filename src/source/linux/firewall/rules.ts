/** A rule of a firewall. */
export interface Rule {
  /** The rule as the tool prints it. */
  readonly text: string;
  /** The text without what is in quotes: names and comments. */
  readonly bare: string;
  /** Destination ports that it names. */
  readonly ports: readonly PortMatch[];
  /** True if it may name ports that cannot be read from its text. */
  readonly isUnsure: boolean;
  /** Names of the chains that it jumps to. */
  readonly targets: readonly string[];
}

/** Destination ports of a rule. */
export interface PortMatch {
  /** `any` for a match that does not say the protocol. */
  readonly protocol: string;
  /** First and last port. */
  readonly ranges: readonly (readonly [number, number])[];
}

/** A chain of rules, as a tool lists it. */
export interface Chain {
  /** The tool: `nft`, `iptables`, `ip6tables`. */
  readonly tool: string;
  /** `inet`, `ip` or `ip6`. */
  readonly family: string;
  readonly table: string;
  readonly name: string;
  /** Absent for a chain that packets reach only from other chains. */
  readonly base?: {
    /** `filter`, `nat` … */
    readonly type: string;
    /** `input`, `prerouting` … */
    readonly hook: string;
    /** `accept`, `drop`. */
    readonly policy: string;
  };
  readonly rules: readonly Rule[];
}

/** Parses `22`, `8000-8100` or, with another separator, `8000:8100`. Returns undefined for any other text. */
export function portRange(text: string, separator = '-'): readonly [number, number] | undefined {
  const [first = '', last = first, ...more] = text.trim().split(separator);
  if (more.length > 0 || !/^\d{1,5}$/.test(first) || !/^\d{1,5}$/.test(last)) return undefined;
  return [Number(first), Number(last)];
}

/** Returns true if a rule names a destination port. */
export const namesPort = ({ ports }: Rule, protocol: string, port: number): boolean =>
  ports.some(
    (match) =>
      (match.protocol === protocol || match.protocol === 'any') &&
      match.ranges.some(([first, last]) => first <= port && port <= last),
  );

/** Returns true if a text ends with a backslash that escapes the next character. */
function endsWithEscape(text: string): boolean {
  let count = 0;
  while (text.at(-1 - count) === '\\') count++;
  return count % 2 === 1;
}

/**
 * Returns a text without what is in quotes: names and comments.
 * @param hasEscapes true if a backslash escapes the next character
 */
export function unquoted(text: string, hasEscapes = false): string {
  const kept: string[] = [];
  let isQuoted = false;
  for (const part of text.split('"')) {
    if (!isQuoted) kept.push(part);
    if (!(isQuoted && hasEscapes && endsWithEscape(part))) isQuoted = !isQuoted;
  }
  return kept.join('""');
}
