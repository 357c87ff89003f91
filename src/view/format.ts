import { isAnyAddress, unmapped } from '../model/address.ts';
import { serviceName } from '../model/services.ts';
import { type Endpoint, firstOwner, type Socket } from '../model/socket.ts';
import { printable } from '../model/text.ts';

/** Stands where there is nothing to show: a cell is never silently blank. */
export const NOTHING = '·';

/** An address as the table shows it: v4-mapped as IPv4, any address as `*`. Hostile text made harmless. */
export const addressText = (endpoint: Endpoint | null): string =>
  endpoint === null || isAnyAddress(endpoint.address) ? '*' : printable(unmapped(endpoint.address));

/** A port, by name where `names` is set and it has one. */
export const portText = (endpoint: Endpoint | null, socket: Socket, names: boolean): string => {
  if (endpoint === null || endpoint.port === 0) return '*';
  return (names ? serviceName(endpoint.port, socket.protocol) : undefined) ?? String(endpoint.port);
};

/** `address:port`, with brackets about an IPv6 address. */
export const endpointText = (endpoint: Endpoint | null): string => {
  const address = addressText(endpoint);
  return `${address.includes(':') ? `[${address}]` : address}:${endpoint?.port || '*'}`;
};

/**
 * The program behind a socket in one cell: its name, with `+n` for n further ones that hold it too; `(name)` where
 * it is the last one known, `[name]` where it is the listener's; else why there is no name.
 */
export function ownerText(socket: Socket): string {
  const owner = firstOwner(socket);
  if (owner.process === undefined) return owner.pid === undefined ? owner.knowledge : '?';
  // A program may call itself nothing, or by spaces.
  const name = printable(owner.process).trim() || '?';
  const more = socket.owners.length > 1 ? ` +${socket.owners.length - 1}` : '';
  switch (owner.knowledge) {
    case 'inherited':
      return `(${name})${more}`;
    case 'listener':
      return `[${name}]${more}`;
    default:
      return name + more;
  }
}

/** The user of a socket, or of its program where the socket tells none. */
export const userText = (socket: Socket): string => {
  const user = socket.user ?? (socket.uid === undefined ? firstOwner(socket).user : String(socket.uid));
  return user === undefined ? NOTHING : printable(user);
};

/**
 * A whole number with commas between its thousands: 12,345. Not by Intl, which takes longer to load than all else that
 * the first picture is made of.
 */
export const countText = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

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

/** An interval: `500ms`, `2s`, `1.5s`, `10m`. */
export const intervalText = (ms: number): string =>
  ms < SECOND ? `${ms}ms` : ms % MINUTE === 0 ? `${ms / MINUTE}m` : `${ms / SECOND}s`;

/** Wall-clock time of the day, local. */
export function clockText(ms: number): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const date = new Date(ms);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
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
