import { serviceNames } from '../model/services.ts';
import type { Socket } from '../model/socket.ts';
import type { QueryContext } from './condition.ts';
import type { Piece } from './mistake.ts';
import type { Range } from './ranges.ts';
import type { NameParts } from './search-fields.ts';
import type { Glimpse } from './subject.ts';
import type { TermHelp } from './term-help.ts';
import type { Values } from './values.ts';

/*
 * The kinds of fields that are written with a colon. Code for each kind is in `term.ts` (parse), `print.ts`,
 * `conditions.ts` (run), `complete.ts` and `narrows.ts`; the differences between fields of one kind are in their rows.
 */

/** Properties of every field. */
interface AnyRow extends TermHelp {
  /** Description of the value, to complete "expected …". */
  readonly expected: string;
  /** Values of the current sockets, for completion. */
  readonly live?: (values: Values) => Iterable<string>;
  /** The kinds of data that lack its values: a test of it would match nothing there. */
  readonly unknownIn?: readonly Glimpse[];
  /** The fact about a location that it tests. */
  readonly geoPart?: 'country' | 'org';
  /** All valid values, for completion. */
  readonly possible?: () => Iterable<string>;
}

/**
 * `field:TEXT` matches if TEXT is a part of one of the texts, `field=TEXT` if it is a whole one; case is ignored. `*` in
 * `field:TEXT` stands for any text, and TEXT must then match a whole one.
 */
export interface TextRow extends AnyRow {
  readonly kind: 'text';
  /** Texts of a socket, in small letters; an empty one means unknown. */
  readonly texts: (names: NameParts) => readonly string[];
  /**
   * Returns a lookup about the peer, in small letters; used in place of `texts`. Undefined if there is none yet.
   * @param address remote address of the socket
   */
  readonly lookupText?: (socket: Socket, address: string, context: QueryContext) => string | undefined;
  /** The texts are those of the peer's socket: only a local connection has one. */
  readonly testsPeer?: true;
  /** The field takes a regex too: `field:/REGEX/`. */
  readonly takesRegex?: true;
}

/** `field:TEXT` matches if TEXT is exactly one of the texts, in the same case. */
export interface ExactRow extends AnyRow {
  readonly kind: 'exact';
  readonly texts: (names: NameParts) => readonly string[];
}

/** `field:A,B` matches any of these values, from a fixed set. */
export interface ListRow extends AnyRow {
  readonly kind: 'list';
  /** Parses the list to canonical values. */
  readonly read: (piece: Piece) => readonly string[];
  readonly compile: (values: readonly string[]) => (names: NameParts) => boolean;
  /** Returns the widest value that includes this one: `tcp` for `tcp6`; the value itself if there is none. */
  readonly wider?: (value: string) => string;
}

/** `field:1,5-9` matches any of these whole numbers. */
export interface RangesRow extends AnyRow {
  readonly kind: 'ranges';
  readonly read: (piece: Piece) => readonly Range[];
  /** Numbers of a socket as texts; an empty one means unknown. */
  readonly numbers: (names: NameParts) => readonly string[];
  /** Returns a lookup about the remote address; used in place of `numbers`. Undefined if there is none yet. */
  readonly lookupNumber?: (address: string, context: QueryContext) => number | undefined;
}

/** The endpoint of a socket that a field tests. */
export type Side = 'local' | 'remote' | 'either';

/** `field:443,https,8000-8100` matches if the endpoint has one of these ports. */
export interface PortsRow extends AnyRow {
  readonly kind: 'ports';
  readonly side: Side;
}

/** `field:10.0.0.0/8` matches if the address of the endpoint is in this network. */
export interface NetRow extends AnyRow {
  readonly kind: 'net';
  readonly side: Side;
}

export type FieldRow = TextRow | ExactRow | ListRow | RangesRow | PortsRow | NetRow;

export const portsField = (name: string, side: Side, help: TermHelp): PortsRow => ({
  kind: 'ports',
  side,
  ...help,
  expected: `ports: ${name}:443, ${name}:https, ${name}:8000-8100`,
  live: ({ ports }) => Array.from(ports, String),
  possible: serviceNames,
});

export const netField = (name: string, side: Side, help: Omit<TermHelp, 'syntax'>): NetRow => ({
  kind: 'net',
  side,
  syntax: `${name}:NETWORK`,
  ...help,
  expected: `a network: ${name}:10.0.0.0/8, ${name}:2001:db8::/32`,
});
