import { isAnyAddress, unmapped } from '../model/address.ts';
import { portOrProtocolText, serviceName } from '../model/services.ts';
import {
  type Endpoint,
  portOrProtocol,
  firstOwner,
  hasPorts,
  type NetworkNamespace,
  type Protocol,
  type Socket,
} from '../model/socket.ts';
import { quotedWord } from '../model/marks.ts';
import { printable } from '../model/text.ts';
import { programText } from './program-text.ts';

/** Stands where there is nothing to show: a cell is never silently blank. */
export const NOTHING = '·';

/** Any context, and any port, of VSOCK (`VMADDR_CID_ANY`, `VMADDR_PORT_ANY`: -1U; linux/vm_sockets.h). */
const VSOCK_ANY = 0xffff_ffff;

/** An address as the table shows it: v4-mapped as IPv4, any address as `*`. Hostile text made harmless. */
export const addressText = (endpoint: Endpoint | null): string => {
  if (endpoint === null) return '*';
  const { address } = endpoint;
  // A Unix socket without a name has an empty one: of it, too, there is nothing to say.
  if (address === '' || isAnyAddress(address) || address === String(VSOCK_ANY)) return '*';
  return printable(unmapped(address));
};

/** True if nothing can stand behind the colon of an endpoint: there are no ports, and no protocol in their place. */
export const isPortless = (protocol: Protocol): boolean => protocol === 'unix' || protocol === 'icmp';

/**
 * A port, by name where `names` is set and it has one; the protocol that a raw or a packet socket takes; `·` where a
 * protocol knows no ports.
 */
export const portText = (endpoint: Endpoint | null, { protocol }: Socket, names: boolean): string => {
  if (isPortless(protocol)) return NOTHING;
  const number = endpoint === null ? 0 : portOrProtocol(endpoint);
  if (number === 0 || number === VSOCK_ANY) return '*';
  return (
    (names && hasPorts(protocol) && serviceName(number, protocol)) || portOrProtocolText(number, protocol)
  );
};

/** `address:port`, with brackets about an IPv6 address; the address alone where a protocol knows no ports. */
export const endpointText = (endpoint: Endpoint | null, socket: Socket): string => {
  const address = addressText(endpoint);
  if (isPortless(socket.protocol)) return address;
  return `${socket.family === 'ipv6' && address.includes(':') ? `[${address}]` : address}:${portText(endpoint, socket, false)}`;
};

/** A namespace by its name, or by its inode where it has none. */
export const namespaceText = ({ name, inode }: NetworkNamespace): string =>
  name === undefined ? String(inode) : quotedWord(printable(name));

/**
 * The program behind a socket in one cell: its name, with `+n` for n further ones that hold it too; `(name)` where
 * it is the last one known, `[name]` where it is the listener's; else why there is no name. A name that looks like one of
 * these is in quotes.
 */
export function ownerText(socket: Socket): string {
  const owner = firstOwner(socket);
  if (owner.knowledge === 'pending') return '…';
  if (owner.process === undefined && owner.pid === undefined) return owner.knowledge;
  const name = programText(owner);
  const more = socket.owners.length > 1 ? ` +${socket.owners.length - 1}` : '';
  switch (owner.knowledge) {
    case 'inherited':
      return `(${name})${more}`;
    case 'sender':
      return `${name}?${more}`;
    case 'listener':
      return `[${name}]${more}`;
    default:
      return name + more;
  }
}

/** The user of a socket, or of its program where the socket tells none. */
export const userText = (socket: Socket): string => {
  const user = socket.user ?? (socket.uid === undefined ? firstOwner(socket).user : undefined);
  if (user !== undefined) return quotedWord(printable(user));
  return socket.uid === undefined ? NOTHING : String(socket.uid);
};

/**
 * A whole number with commas between its thousands: 12,345. Not by Intl, which takes longer to load than all else that
 * the first picture is made of.
 */
export const countText = (n: number): string => String(n).replace(/\B(?=(\d{3}){1,7}$)/g, ',');

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A length of time in at most four cells, whole units rounded down: `7s`, `59m`, `23h`, `412d`. */
export function durationText(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / SECOND))}s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)}h`;
  return `${Math.floor(ms / DAY)}d`;
}

/**
 * The age of a row in at most five cells. Past ten seconds it goes in steps, lest every row of a quiet screen be
 * painted again each second. `>` where it was there before netpane was, and is at least so old.
 */
export function ageText(ms: number, baseline: boolean): string {
  if (baseline && ms < MINUTE) return NOTHING;
  const stepped = ms >= 10 * SECOND && ms < MINUTE ? Math.floor(ms / (10 * SECOND)) * 10 * SECOND : ms;
  return (baseline ? '>' : '') + durationText(stepped);
}

/**
 * How long something lived that is over, in at most five cells: `<1ms`, `340ms`, `2s`. `>` where it lived longer than
 * was seen; `·` where that says nothing.
 */
export function livedText(ms: number, isAtLeast: boolean): string {
  if (isAtLeast) return ms < SECOND ? NOTHING : `>${durationText(ms)}`;
  if (ms < 1) return '<1ms';
  return ms < 999.5 ? `${Math.round(ms)}ms` : durationText(Math.max(SECOND, ms));
}

/** An interval: `500ms`, `2s`, `1.5s`, `10m`. */
export const intervalText = (ms: number): string =>
  ms < SECOND ? `${ms}ms` : ms % MINUTE === 0 ? `${ms / MINUTE}m` : `${ms / SECOND}s`;

/** An interval that was not chosen but came about, in two digits: a third would never rest. */
export const roughIntervalText = (ms: number): string => intervalText(Number(ms.toPrecision(2)));

/** Wall-clock time of the day, local. */
export function clockText(ms: number): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const date = new Date(ms);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** The same with its milliseconds. */
export const preciseClockText = (ms: number): string =>
  `${clockText(ms)}.${String(new Date(ms).getMilliseconds()).padStart(3, '0')}`;

/** Day of the local calendar: `2026-01-02`. */
export function dateText(ms: number): string {
  const date = new Date(ms);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** How long something lived, in two or three digits: `0.41 ms`, `12 ms`, `3.2 s`, `42 s`, `7 min`, `3 h`, `12 d`. */
export function lifetimeText(ms: number): string {
  if (ms < 0.995) return `${ms.toFixed(2)} ms`;
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9.95 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < 59.5 * SECOND) return `${Math.round(ms / SECOND)} s`;
  // Whole minutes and more as they have gone by.
  if (ms < HOUR) return `${Math.max(1, Math.floor(ms / MINUTE))} min`;
  return ms < DAY ? `${Math.floor(ms / HOUR)} h` : `${Math.floor(ms / DAY)} d`;
}

/** Bytes in binary units, three digits: `812 B`, `41.3 MiB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (value < 1000) return `${value < 100 && unit !== 'B' ? value.toFixed(1) : Math.round(value)} ${unit}`;
    value /= 1024;
  }
  return `${value.toFixed(1)} TiB`;
}

const DECIMAL = ['', 'k', 'M', 'G', 'T', 'P', 'E'] as const;

/** A number in units of a power of 1,000 that leaves it below 1,000, rounded to `digits` digits where it has a fraction. */
function scaled(n: number, digits: number): { text: string; prefix: string } {
  let [value, power] = [n, 0];
  const rounded = (): string => {
    if (power === 0) return String(Math.round(value));
    // Of the rounded number: 9.96 is 10 in two digits, and has no place left for a fraction.
    const whole = String(Math.floor(Number(value.toPrecision(digits)))).length;
    return value.toFixed(Math.max(0, digits - whole));
  };
  while (Number(rounded()) >= 1000 && power < DECIMAL.length - 1) {
    value /= 1000;
    power++;
  }
  return { text: rounded(), prefix: DECIMAL[power] ?? '' };
}

/** A count in at most four cells, in decimal units: `0`, `812`, `1.2k`, `24k`, `999k`, `1.2M`; `·` for none known. */
export function compactText(n: number | undefined): string {
  if (n === undefined) return NOTHING;
  const { text, prefix } = scaled(n, 2);
  return text + prefix;
}

/** Bytes in decimal units and three digits: `812 B`, `82.0 kB`, `1.24 MB`. */
export function sizeText(bytes: number): string {
  const { text, prefix } = scaled(bytes, 3);
  return `${text} ${prefix}B`;
}

/** Bytes a second, in nine cells at most: `812 B/s`, `1.24 MB/s`. */
export const rateText = (bytesPerSecond: number): string => `${sizeText(bytesPerSecond)}/s`;

/** Received and sent, bytes a second; of the same width whatever they are, and empty where one is unknown. */
export const throughputText = ({ rxRate, txRate }: { rxRate?: number; txRate?: number }): string =>
  rxRate === undefined || txRate === undefined
    ? ''
    : `↓ ${rateText(rxRate).padStart(9)} ↑ ${rateText(txRate).padStart(9)}`;

/** A round-trip time in at most five cells: `50µs`, `0.4ms`, `18ms`, `1.2s`; `·` for none known. */
export function rttText(micros: number | undefined): string {
  if (micros === undefined) return NOTHING;
  if (micros < 99.5) return `${Math.round(micros)}µs`;
  const ms = micros / 1000;
  if (ms < 9.95) return `${ms.toFixed(1)}ms`;
  if (ms < 999.5) return `${Math.round(ms)}ms`;
  const seconds = ms / SECOND;
  return seconds < 9.95 ? `${seconds.toFixed(1)}s` : `${Math.round(seconds)}s`;
}
