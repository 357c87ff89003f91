import type { Expression, Term } from './expression.ts';
import { isEndpointText } from './hosts.ts';
import { Mistake } from './mistake.ts';
import { endpointNamed } from './synonyms.ts';
import { readTerm } from './term.ts';
import { portsText, rangesText } from './ranges.ts';
import { Scanner } from './scanner.ts';

const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

/** Returns any text as the value after the `:` or `=` of a term: in quotes if it needs them. */
export const quoteWord = (text: string): string => (/^[^\s()"/][^\s()]*$/.test(text) ? text : quote(text));

/** Returns a word as a term: in quotes if it would otherwise be parsed as another term. */
function wordText(text: string): string {
  const isPlain = /^[^\s()"/!@:<>=-][^\s()]*$/.test(text) && !/^(and|or|not)$/i.test(text);
  const term = isPlain && Mistake.caught(() => readTerm(new Scanner(text)));
  if (term && 'kind' in term && term.kind === 'word') return text;
  return quote(text);
}

const addressText = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Returns the canonical text of one term. */
export function printTerm(term: Term): string {
  switch (term.kind) {
    case 'word':
      return wordText(term.text);
    case 'number':
      return String(term.number);
    case 'text': {
      const { field, whole, value } = term;
      // Without quotes, the value of `peer:10.0.0.1` would be parsed as an endpoint.
      const isEndpoint = endpointNamed(field) !== undefined && isEndpointText(value);
      return `${field}${whole ? '=' : ':'}${isEndpoint ? quote(value) : quoteWord(value)}`;
    }
    case 'regex':
      return `${term.field === 'any' ? '' : `${term.field}:`}/${term.source}/`;
    case 'ports':
      return `${term.field === 'port' ? '' : term.field}:${portsText(term.ports)}`;
    case 'ranges':
      return `${term.field}:${rangesText(term.ranges)}`;
    case 'list':
      return `${term.field}:${term.values.join(',')}`;
    case 'exact':
      return `${term.field}:${quoteWord(term.value)}`;
    case 'host':
      return `${term.side ? `${term.side}:` : '@'}${addressText(term.host)}${term.ports ? `:${portsText(term.ports)}` : ''}`;
    case 'net':
      return `${term.field}:${term.address}/${term.prefix}`;
    case 'flag':
      return term.flag;
    case 'compare':
      return term.quantity + term.operator + term.amount;
  }
}

/** Returns the canonical text of an expression, which parses to the same expression. Empty if it matches everything. */
export function printQuery(expression: Expression): string {
  switch (expression.kind) {
    case 'all':
      return expression.of
        .map((it) => (it.kind === 'any' ? `(${printQuery(it)})` : printQuery(it)))
        .join(' ');
    case 'any':
      return expression.of.map(printQuery).join(' or ');
    case 'not': {
      const { of } = expression;
      return of.kind === 'all' || of.kind === 'any' ? `!(${printQuery(of)})` : `!${printQuery(of)}`;
    }
    default:
      return printTerm(expression);
  }
}
