import { parseNetwork, type Network } from './addresses.ts';
import type { Term } from './expression.ts';
import type { Side } from './field-kinds.ts';
import { type Field, fieldRow, FIELDS, isFieldOf } from './fields.ts';
import { isEndpointText, readHost } from './hosts.ts';
import { Mistake, type Piece, refuse, quotePart } from './mistake.ts';
import { amountExpected, isQuantity, type Operator, quantityNames, readAmount } from './quantities.ts';
import { MAX_PORT, readPorts } from './ranges.ts';
import { readRegex } from './regex.ts';
import type { Scanner } from './scanner.ts';
import { endpointNamed, fieldNamed, flagNamed, nearestHead } from './synonyms.ts';

/** The start of a term such as `port:443`: its name and operator. A name may end in `/s`, as in `rx/s>1M`. */
const HEAD = /([a-z]+(?:\/s)?)(:|=|!=|>=?|<=?)/iy;

/** Reads one term. The scanner must be at the first character of the term, after any space, parenthesis or `!`. */
export function readTerm(scanner: Scanner): Term {
  const { next, at, text } = scanner;
  if (next === '"') {
    const piece = scanner.quoted();
    if (piece.text === '') throw new Mistake(at, scanner.at - at, 'expected text between the quotes');
    return { kind: 'word', text: piece.text };
  }
  if (next === '/') return { kind: 'regex', field: 'any', source: readRegex(scanner.slashed()) };
  if (next === '@') {
    scanner.at++;
    return readHost(scanner.run());
  }
  // `:443` is a port, but `::1` is a word that finds an address.
  if (next === ':' && text.charAt(at + 1) !== ':') {
    scanner.at++;
    return readValue(scanner, 'port', false);
  }
  if (/[<>=]/.test(next)) scanner.fail(`expected a field before ${next}, without a space: age<10s`);
  const head = scanner.take(HEAD);
  if (head) {
    const [, name = '', operator = ''] = head;
    const term = readNamed(scanner, { text: name, at }, operator);
    if (term) return term;
    scanner.at = at;
  }
  const piece = scanner.run();
  if (/^\d+$/.test(piece.text)) return readNumber(piece);
  const flag = flagNamed(piece.text.toLowerCase());
  return flag === undefined ? { kind: 'word', text: piece.text } : { kind: 'flag', flag };
}

/** Reads a bare number: a port or a process id. */
function readNumber(piece: Piece): Term {
  const number = Number(piece.text);
  // The largest port, that of VSOCK, is larger than any process id.
  if (number <= MAX_PORT) return { kind: 'number', number };
  return refuse(
    piece,
    `${quotePart(piece.text)} is too large for a port or pid (maximum ${MAX_PORT}); to search for the text, quote it`,
  );
}

/** Reads the value after a name and its operator. Returns undefined if they are part of a word: `http://`, `a=b`. */
function readNamed(scanner: Scanner, { text, at }: Piece, operator: string): Term | undefined {
  const name = text.toLowerCase();
  const [field, side] = [fieldNamed(name), endpointNamed(name)];
  const isOrder = operator.startsWith('<') || operator.startsWith('>');
  if (operator === '!=') {
    if (field === undefined && side === undefined && !isQuantity(name)) return undefined;
    throw new Mistake(at, text.length + 2, `to negate, put ! before the term: !${name}=VALUE`);
  }
  // `pid` is a quantity and a field: `pid=1` is the field.
  if (isQuantity(name) && (isOrder || (operator === '=' && field === undefined))) {
    const piece = scanner.run();
    if (piece.text === '') throw new Mistake(piece.at, 0, `expected ${amountExpected(name)}`);
    const value = readAmount(name, piece);
    return { kind: 'compare', quantity: name, operator: operator as Operator, amount: piece.text, value };
  }
  // `peer` is a field and an endpoint: in `peer:redis` it is the field, in `peer:10.0.0.1` the endpoint.
  if (side !== undefined && !isOrder && (field === undefined || isEndpointText(scanner.peekRun().text)))
    return readEndpoint(scanner.run(), side);
  if (field !== undefined) {
    if (!isOrder) return readValue(scanner, field, operator === '=');
    throw new Mistake(
      at,
      text.length + operator.length,
      `${name} cannot be compared; expected ${fieldRow(field).expected}`,
    );
  }
  if (isQuantity(name))
    throw new Mistake(
      at,
      text.length + 1,
      `${name} needs a comparison, ${name}>N or ${name}<N, with ${amountExpected(name)}`,
    );
  if (!isOrder) return undefined;
  const meant = nearestHead(name);
  throw new Mistake(
    at,
    text.length,
    `cannot compare ${quotePart(text)}` +
      (meant === undefined ? ` (only ${quantityNames().join(', ')})` : `: did you mean ${meant}?`),
  );
}

const PORTS_OF = { either: 'port', local: 'lport', remote: 'rport' } as const satisfies Record<Side, Field>;
const NET_OF = { either: 'net', local: 'lnet', remote: 'rnet' } as const satisfies Record<Side, Field>;

/** Reads the value of an endpoint, such as that of `remote:`: a host as after `@`, a network, or ports. */
function readEndpoint(piece: Piece, side: Side): Term {
  const { text, at } = piece;
  const [, ports] = /^:?(\d[\d,-]*)$/.exec(text) ?? [];
  if (ports !== undefined)
    return termOf(PORTS_OF[side], { text: ports, at: at + text.length - ports.length }, false);
  if (text.includes('/')) return termOf(NET_OF[side], piece, false);
  return { ...readHost(piece), ...(side !== 'either' && { side }) };
}

/** Reads the value of a field. @param whole the operator was `=`: the whole text must match */
function readValue(scanner: Scanner, field: Field, whole: boolean): Term {
  const row = fieldRow(field);
  const { next } = scanner;
  if (next === '/' && row.kind === 'text' && row.takesRegex && isFieldOf(field, 'text'))
    return { kind: 'regex', field, source: readRegex(scanner.slashed()) };
  if (next === '"' && (row.kind === 'text' || row.kind === 'exact'))
    return termOf(field, scanner.quoted(), whole);
  const piece = scanner.run();
  if (piece.text === '') throw new Mistake(piece.at, 0, `expected ${row.expected}`);
  return termOf(field, piece, whole);
}

/** Returns the term of a field and its value. @param whole see `readValue` */
function termOf(field: Field, piece: Piece, whole: boolean): Term {
  if (isFieldOf(field, 'text')) return { kind: 'text', field, whole, value: piece.text };
  if (isFieldOf(field, 'exact')) return { kind: 'exact', field, value: piece.text };
  if (isFieldOf(field, 'list')) return { kind: 'list', field, values: FIELDS[field].read(piece) };
  if (isFieldOf(field, 'ranges')) return { kind: 'ranges', field, ranges: FIELDS[field].read(piece) };
  if (isFieldOf(field, 'ports')) return { kind: 'ports', field, ports: readPorts(piece) };
  return { kind: 'net', field, ...readNetwork(piece) };
}

const readNetwork = (piece: Piece): Network =>
  parseNetwork(piece.text) ??
  refuse(piece, `bad network ${quotePart(piece.text)}; expected one such as 10.0.0.0/8 or 2001:db8::/32`);
