import { isAnyAddress, unmapped } from '../../model/address.ts';
import { Cache } from '../../model/cache.ts';
import { portOrProtocolText, serviceName } from '../../model/services.ts';
import {
  type Endpoint,
  portOrProtocol,
  firstOwner,
  hasPorts,
  type Knowledge,
  type NetworkNamespace,
  type Protocol,
  type Socket,
} from '../../model/socket.ts';
import { quotedWord } from '../../model/quoted-names.ts';
import { printable } from '../../model/text.ts';
import { programText } from './program-text.ts';

export { countText } from '../../model/text.ts';

/** Shown for unknown or missing values: a cell is never blank. */
export const NOTHING = '·';

/** The number that stands for any context, and for any port, of VSOCK (`VMADDR_CID_ANY`, `VMADDR_PORT_ANY`: -1U; linux/vm_sockets.h). */
const VSOCK_ANY = 0xffff_ffff;

/** Returns an address as the table shows it: v4-mapped as IPv4, any address as `*`. Printable. */
export const addressText = (endpoint: Endpoint | null): string => {
  if (endpoint === null) return '*';
  const { address } = endpoint;
  // An unnamed Unix socket has an empty address.
  if (address === '' || isAnyAddress(address) || address === String(VSOCK_ANY)) return '*';
  return printable(unmapped(address));
};

/** Returns true for protocols without ports, and without a protocol number in their place. */
export const isPortless = (protocol: Protocol): boolean => protocol === 'unix' || protocol === 'icmp';

/**
 * Returns the port, or its service name if `names` is set and it has one; for a raw or packet socket the protocol that
 * it receives; `·` for a protocol without ports.
 */
export const portText = (endpoint: Endpoint | null, { protocol }: Socket, names: boolean): string => {
  if (isPortless(protocol)) return NOTHING;
  const number = endpoint === null ? 0 : portOrProtocol(endpoint);
  if (number === 0 || number === VSOCK_ANY) return '*';
  return (
    (names && hasPorts(protocol) && serviceName(number, protocol)) || portOrProtocolText(number, protocol)
  );
};

/** Returns `address:port`, an IPv6 address in brackets; only the address for a protocol without ports. */
export const endpointText = (endpoint: Endpoint | null, socket: Socket): string => {
  const address = addressText(endpoint);
  if (isPortless(socket.protocol)) return address;
  return `${socket.family === 'ipv6' && address.includes(':') ? `[${address}]` : address}:${portText(endpoint, socket, false)}`;
};

/** Returns the name of a namespace, or its inode if it has no name. */
export const namespaceText = ({ name, inode }: NetworkNamespace): string =>
  name === undefined ? String(inode) : quotedWord(printable(name));

/** First inode of a namespace (PROC_DYNAMIC_FIRST, fs/proc/generic.c). */
const FIRST_INODE = 0xf000_0000;

/** Returns the name of a namespace, or a short number if it has no name: its inode without the constant part. */
export const shortNamespaceText = (netns: NetworkNamespace): string =>
  netns.name === undefined && netns.inode >= FIRST_INODE
    ? `#${netns.inode - FIRST_INODE}`
    : namespaceText(netns);

const unmarked = (name: string): string => name;

/** Marks of the name of a program that show how the owner is known. Kinds without a process have no name. */
const OWNER_MARKS: Readonly<Record<Knowledge, (name: string) => string>> = {
  exact: unmarked,
  creator: unmarked,
  inherited: (name) => `(${name})`,
  listener: (name) => `[${name}]`,
  sender: (name) => `${name}?`,
  hidden: unmarked,
  kernel: unmarked,
  gone: unmarked,
  unknown: unmarked,
  pending: unmarked,
};

/**
 * Returns the program behind a socket for one cell: its name, `+n` for n more holders, `(name)` for the last known one,
 * `[name]` for the listener, `name?` for the only seen sender; else why the name is missing. A name that resembles one
 * of these marks is in quotes.
 */
export function ownerText(socket: Socket): string {
  const owner = firstOwner(socket);
  if (owner.knowledge === 'pending') return '…';
  if (owner.process === undefined && owner.pid === undefined) return owner.knowledge;
  const name = programText(owner);
  const more = socket.owners.length > 1 ? ` +${socket.owners.length - 1}` : '';
  return OWNER_MARKS[owner.knowledge](name) + more;
}

/** Returns the user of a socket, or of its program if the socket has none. */
export const userText = (socket: Socket): string => {
  const user = socket.user ?? (socket.uid === undefined ? firstOwner(socket).user : undefined);
  if (user !== undefined) return quotedWord(printable(user));
  return socket.uid === undefined ? NOTHING : String(socket.uid);
};

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Returns a duration in at most four cells, rounded down to whole units: `7s`, `59m`, `23h`, `412d`. */
export function durationText(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / SECOND))}s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)}h`;
  return `${Math.floor(ms / DAY)}d`;
}

/**
 * Returns an age in at most four cells. From ten seconds on it changes in steps of ten, so that a quiet screen is not
 * painted every second.
 */
export const ageText = (ms: number): string =>
  durationText(ms < MINUTE && ms >= 10 * SECOND ? Math.floor(ms / (10 * SECOND)) * 10 * SECOND : ms);

/**
 * Returns the lifetime of a closed socket in at most five cells: `<1ms`, `340ms`, `2s`. A lower bound has `>`, or is
 * `·` below one second.
 */
export function livedText(ms: number, isAtLeast: boolean): string {
  if (isAtLeast) return ms < SECOND ? NOTHING : `>${durationText(ms)}`;
  if (ms < 1) return '<1ms';
  return ms < 999.5 ? `${Math.round(ms)}ms` : durationText(Math.max(SECOND, ms));
}

/** Returns an interval: `500ms`, `2s`, `1.5s`, `10m`. */
export const intervalText = (ms: number): string =>
  ms < SECOND ? `${ms}ms` : ms % MINUTE === 0 ? `${ms / MINUTE}m` : `${ms / SECOND}s`;

/** Returns a measured interval rounded to two digits: a third digit would change all the time. */
export const roughIntervalText = (ms: number): string => intervalText(Number(ms.toPrecision(2)));

/** Returns the local time of day: `12:00:01`. */
export function clockText(ms: number): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const date = new Date(ms);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Returns the local time of day with milliseconds. */
export const preciseClockText = (ms: number): string =>
  `${clockText(ms)}.${String(new Date(ms).getMilliseconds()).padStart(3, '0')}`;

/** Returns the local date: `2026-01-02`. */
export function dateText(ms: number): string {
  const date = new Date(ms);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Returns a lifetime in two or three digits: `0.41 ms`, `12 ms`, `3.2 s`, `42 s`, `7 min`, `3 h`, `12 d`. */
export function lifetimeText(ms: number): string {
  if (ms < 0.995) return `${ms.toFixed(2)} ms`;
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9.95 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < 59.5 * SECOND) return `${Math.round(ms / SECOND)} s`;
  // Minutes, hours and days are rounded down.
  if (ms < HOUR) return `${Math.max(1, Math.floor(ms / MINUTE))} min`;
  return ms < DAY ? `${Math.floor(ms / HOUR)} h` : `${Math.floor(ms / DAY)} d`;
}

/** Returns the lifetime of a closed socket, or its minimum: `42 ms`, `>2 d`; undefined if unknown, or at least 0. */
export function boundedLifetimeText({
  lifetimeMs,
  isAtLeast = false,
}: {
  readonly lifetimeMs?: number;
  readonly isAtLeast?: boolean;
}): string | undefined {
  if (lifetimeMs === undefined) return undefined;
  const text = lifetimeText(lifetimeMs);
  if (!isAtLeast) return text;
  return text === lifetimeText(0) ? undefined : `>${text}`;
}

/** Returns bytes in binary units with three digits: `812 B`, `41.3 MiB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (value < 1000) return `${value < 100 && unit !== 'B' ? value.toFixed(1) : Math.round(value)} ${unit}`;
    value /= 1024;
  }
  return `${value.toFixed(1)} TiB`;
}

const DECIMAL = ['', 'k', 'M', 'G', 'T', 'P', 'E'] as const;

/** Scales a number by a power of 1,000 to below 1,000; a fraction is rounded to `digits` digits. */
function scaled(n: number, digits: number): { text: string; prefix: string } {
  let [value, power] = [n, 0];
  const rounded = (): string => {
    if (power === 0) return String(Math.round(value));
    // Digits of the rounded number: 9.96 becomes 10 in two digits, which leaves none for a fraction.
    const whole = String(Math.floor(Number(value.toPrecision(digits)))).length;
    return value.toFixed(Math.max(0, digits - whole));
  };
  while (Number(rounded()) >= 1000 && power < DECIMAL.length - 1) {
    value /= 1000;
    power++;
  }
  return { text: rounded(), prefix: DECIMAL[power] ?? '' };
}

/** Texts of numbers above 999: rounding one takes longer than all else in its cell, and most stay from tick to tick. */
const compactTexts = new Cache<number, string>(4096);

/** Returns a count in at most four cells: `0`, `812`, `1.2k`, `24k`, `999k`, `1.2M`; `·` if unknown. */
export function compactText(n: number | undefined): string {
  if (n === undefined) return NOTHING;
  if (n < 999) return String(Math.round(n));
  const known = compactTexts.get(n);
  if (known !== undefined) return known;
  const { text, prefix } = scaled(n, 2);
  compactTexts.set(n, text + prefix);
  return text + prefix;
}

/** Returns bytes in decimal units with three digits: `812 B`, `82.0 kB`, `1.24 MB`. */
export function sizeText(bytes: number): string {
  const { text, prefix } = scaled(bytes, 3);
  return `${text} ${prefix}B`;
}

/** Returns bytes per second in at most nine cells: `812 B/s`, `1.24 MB/s`. */
export const rateText = (bytesPerSecond: number): string => `${sizeText(bytesPerSecond)}/s`;

/** Returns bytes received and sent per second, always of the same width; empty if one is unknown. */
export const throughputText = ({ rxRate, txRate }: { rxRate?: number; txRate?: number }): string =>
  rxRate === undefined || txRate === undefined
    ? ''
    : `↓ ${rateText(rxRate).padStart(9)} ↑ ${rateText(txRate).padStart(9)}`;

/** Returns a round-trip time in at most five cells: `50µs`, `0.4ms`, `18ms`, `1.2s`; `·` if unknown. */
export function rttText(micros: number | undefined): string {
  if (micros === undefined) return NOTHING;
  if (micros < 99.5) return `${Math.round(micros)}µs`;
  const ms = micros / 1000;
  if (ms < 9.95) return `${ms.toFixed(1)}ms`;
  if (ms < 999.5) return `${Math.round(ms)}ms`;
  const seconds = ms / SECOND;
  return seconds < 9.95 ? `${seconds.toFixed(1)}s` : `${Math.round(seconds)}s`;
}
