import { portOrProtocolText } from '../../model/services.ts';
import { type Endpoint, portOrProtocol, type Socket } from '../../model/socket.ts';
import { isAddress } from '../../query/addresses.ts';
import type { Expression, Term } from '../../query/expression.ts';
import type { Query } from '../../query/query.ts';
import { isWithin, type PortItem } from '../../query/ranges.ts';
import { compileRegex, withCache } from '../../query/regex.ts';
import { hasStar } from '../../query/stars.ts';
import { unmapped } from '../../model/address.ts';
import { isService } from '../../model/services.ts';
import type { ColumnId } from '../../store/columns.ts';

/** A part of a text, in UTF-16 units from its start; `to` is behind the last one. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

/** Returns the parts of a cell that a query matches, in order, without overlaps. @param text the cell as it is shown */
export type MatchedParts = (column: ColumnId, socket: Socket, text: string) => readonly Part[];

/** Finds parts of a cell of some columns. */
interface Finder {
  /** Columns with the texts that the term tests. */
  readonly columns: readonly ColumnId[];
  readonly find: (text: string, socket: Socket, column: ColumnId) => readonly Part[];
}

const NONE: readonly Part[] = [];

const PROGRAM: readonly ColumnId[] = ['process'];
const COMMAND: readonly ColumnId[] = ['command'];
const ADDRESSES: readonly ColumnId[] = ['localAddress', 'remoteAddress', 'local', 'remote'];
const PORTS: readonly ColumnId[] = ['localPort', 'remotePort', 'local', 'remote'];
/** Columns with a text that a word can find. */
const WORDS: readonly ColumnId[] = [
  ...PROGRAM,
  ...COMMAND,
  ...ADDRESSES,
  'pid',
  'user',
  'protocol',
  'netns',
  'localPort',
  'remotePort',
  'state',
  'interface',
  'service',
];

const REMOTE: readonly ColumnId[] = ['remoteAddress', 'remotePort', 'remote'];

/** Returns the text without the spaces around it, as a part of it; none for an empty text. */
function whole(text: string): readonly Part[] {
  const from = text.length - text.trimStart().length;
  const to = text.trimEnd().length;
  return from < to ? [{ from, to }] : NONE;
}

/** Finds every occurrence of a word, ignoring case. */
function occurrences(word: string): Finder['find'] {
  const wanted = word.toLowerCase();
  if (wanted.trim() === '') return () => NONE;
  return (text) => {
    const lower = text.toLowerCase();
    let from = lower.indexOf(wanted);
    // A few letters have more units in small letters: then no position is known.
    if (from < 0 || lower.length !== text.length) return NONE;
    const parts: Part[] = [];
    for (; from >= 0; from = lower.indexOf(wanted, from + wanted.length))
      parts.push({ from, to: from + wanted.length });
    return parts;
  };
}

/** Characters of a name. Others are signs around it, as in `(node)`, `node +2`, `→ node`. */
const IN_NAME = /[\p{L}\p{N}_.-]/u;

/**
 * Finds the texts between the stars of a pattern. A pattern that begins without a star matches only at the start of a name,
 * one that ends without a star only at its end.
 */
function betweenStars(pattern: string): Finder['find'] {
  const [first = '', ...rest] = pattern.toLowerCase().split('*');
  const last = rest.pop() ?? '';
  return (text) => {
    const lower = text.toLowerCase();
    if (lower.length !== text.length) return NONE;
    const parts: Part[] = [];
    let at = 0;
    for (const piece of [first, ...rest]) {
      const from = lower.indexOf(piece, at);
      if (from < 0) return NONE;
      at = from + piece.length;
      parts.push({ from, to: at });
    }
    const from = lower.lastIndexOf(last);
    if (from < at) return NONE;
    parts.push({ from, to: from + last.length });
    const isInside = (index: number): boolean => IN_NAME.test(text[index] ?? '');
    if (first !== '' && isInside((parts[0]?.from ?? 0) - 1)) return NONE;
    if (last !== '' && isInside(from + last.length)) return NONE;
    return parts.filter((it) => it.from < it.to);
  };
}

/** Finds the whole cell if the text in it passes the test. */
const wholeIf =
  (test: (text: string) => boolean): Finder['find'] =>
  (text) =>
    test(text.trim()) ? whole(text) : NONE;

const endOf = (socket: Socket, column: ColumnId): Endpoint | null =>
  REMOTE.includes(column) ? socket.remote : socket.local;

/** Finds the port in a cell with a port or an endpoint, if the port passes the test. */
const portIf =
  (test: (port: number, socket: Socket) => boolean): Finder['find'] =>
  (text, socket, column) => {
    const end = endOf(socket, column);
    if (end === null || !test(portOrProtocol(end), socket)) return NONE;
    const parts = whole(text);
    const [cell] = parts;
    if (cell === undefined || (column !== 'local' && column !== 'remote')) return parts;
    const from = text.lastIndexOf(':') + 1;
    return from > 0 && from < cell.to ? [{ from, to: cell.to }] : NONE;
  };

/** Finds the address in a cell with an address or an endpoint, if it is the wanted one. */
const addressIf =
  (wanted: string): Finder['find'] =>
  (text, socket, column) => {
    const end = endOf(socket, column);
    if (end === null || !isAddress(unmapped(end.address).toLowerCase(), wanted)) return NONE;
    const parts = whole(text);
    const [cell] = parts;
    if (cell === undefined || (column !== 'local' && column !== 'remote')) return parts;
    return [{ from: cell.from, to: text.lastIndexOf(':') }];
  };

const isPort =
  (ports: readonly PortItem[]) =>
  (port: number, { protocol }: Socket): boolean =>
    ports.some((it) => ('service' in it ? isService(it.service, port, protocol) : isWithin([it], port)));

/** Columns with the texts of each field. */
const TEXT_COLUMNS: Readonly<Record<Extract<Term, { kind: 'regex' }>['field'], readonly ColumnId[]>> = {
  any: WORDS,
  process: PROGRAM,
  peer: ['remoteAddress', 'remote'],
  host: ['host'],
  country: ['country'],
  org: ['org'],
  cmd: COMMAND,
  user: ['user'],
  if: ['interface'],
};

const sideColumns = (
  columns: readonly ColumnId[],
  side: 'local' | 'remote' | undefined,
): readonly ColumnId[] =>
  side === undefined ? columns : columns.filter((it) => REMOTE.includes(it) === (side === 'remote'));

/** Returns the finders for the parts that a term matches; none for a term that no single part answers, such as a flag. */
function findersOf(term: Term): readonly Finder[] {
  switch (term.kind) {
    case 'word':
      return [{ columns: WORDS, find: occurrences(term.text) }];
    case 'number': {
      const text = String(term.number);
      return [
        { columns: ['pid'], find: wholeIf((cell) => cell === text) },
        { columns: PORTS, find: portIf((port, { protocol }) => portOrProtocolText(port, protocol) === text) },
      ];
    }
    case 'text':
      return [
        {
          columns: TEXT_COLUMNS[term.field],
          find: !term.whole && hasStar(term.value) ? betweenStars(term.value) : occurrences(term.value),
        },
      ];
    case 'regex': {
      const test = withCache(compileRegex(term.source, () => undefined));
      return [{ columns: TEXT_COLUMNS[term.field], find: wholeIf((text) => text !== '' && test(text)) }];
    }
    case 'ports': {
      const side = ({ port: undefined, lport: 'local', rport: 'remote' } as const)[term.field];
      return [{ columns: sideColumns(PORTS, side), find: portIf(isPort(term.ports)) }];
    }
    case 'ranges':
      // No column shows the number of an operator alone: ORG has it beside the name.
      if (term.field !== 'pid') return [];
      return [
        {
          columns: ['pid'],
          find: wholeIf((text) => /^\d+$/.test(text) && isWithin(term.ranges, Number(text))),
        },
      ];
    case 'host':
      return [{ columns: sideColumns(ADDRESSES, term.side), find: addressIf(term.host) }];
    case 'exact':
    case 'list':
    case 'net':
    case 'flag':
    case 'compare':
      return [];
  }
}

/** Returns the terms that a shown row may match: those that are not negated. */
function matchedTerms(expression: Expression): Term[] {
  if (expression.kind === 'not') return [];
  return 'of' in expression ? expression.of.flatMap(matchedTerms) : [expression];
}

/** Returns the parts in order; of those that overlap, only the first. */
function apart(parts: readonly Part[]): readonly Part[] {
  let end = 0;
  return parts
    .toSorted((a, b) => a.from - b.from || b.to - a.to)
    .filter(({ from, to }) => {
      if (from < end) return false;
      end = to;
      return true;
    });
}

const known = new WeakMap<Query, { readonly parts: MatchedParts | undefined }>();

/** Returns a function that finds what a query matches in the cells of a row; undefined if it matches no part of a text. */
export function matchedPartsOf(query: Query): MatchedParts | undefined {
  const before = known.get(query);
  if (before) return before.parts;
  const finders = new Map<ColumnId, Finder['find'][]>();
  for (const { columns, find } of matchedTerms(query.expression).flatMap(findersOf))
    for (const column of columns) finders.set(column, [...(finders.get(column) ?? []), find]);
  const parts: MatchedParts | undefined =
    finders.size === 0
      ? undefined
      : (column, socket, text) => {
          const [find, ...others] = finders.get(column) ?? [];
          if (find === undefined) return NONE;
          const found = find(text, socket, column);
          if (others.length === 0) return found;
          return apart([...found, ...others.flatMap((other) => other(text, socket, column))]);
        };
  known.set(query, { parts });
  return parts;
}
