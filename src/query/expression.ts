import type { SocketState } from '../model/socket.ts';
import type { PortItem, Range } from './ranges.ts';

/** Numbers that can be compared: see `QUANTITIES`. */
export type Quantity =
  | 'age'
  | 'rx'
  | 'tx'
  | 'bytes'
  | 'rx/s'
  | 'tx/s'
  | 'rate'
  | 'rtt'
  | 'recvq'
  | 'sendq'
  | 'queue'
  | 'retr'
  | 'pid';

export type Operator = '>' | '>=' | '<' | '<=' | '=';

/** Questions with yes or no for an answer: see `FLAGS`. */
export type Flag =
  | 'in'
  | 'out'
  | 'listen'
  | 'established'
  | 'new'
  | 'closed'
  | 'loopback'
  | 'public'
  | 'private'
  | 'exposed'
  | 'ipv4'
  | 'ipv6';

export type TextField = 'process' | 'cmd' | 'user' | 'if';
export type PortField = 'port' | 'lport' | 'rport';
export type NetField = 'net' | 'lnet' | 'rnet';

/** One condition of a query. */
export type Term =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'text'; readonly field: TextField; readonly whole: boolean; readonly value: string }
  | { readonly kind: 'regex'; readonly field: 'any' | 'process' | 'cmd'; readonly source: string }
  | { readonly kind: 'ports'; readonly field: PortField; readonly ports: readonly PortItem[] }
  | { readonly kind: 'pids'; readonly ranges: readonly Range[] }
  | { readonly kind: 'states'; readonly states: readonly SocketState[] }
  /** Of `PROTOCOL_NAMES`. */
  | { readonly kind: 'protocols'; readonly protocols: readonly string[] }
  | { readonly kind: 'ns'; readonly value: string }
  /** A canonical address, or a host name in small letters; at the same end one of the ports. */
  | { readonly kind: 'host'; readonly host: string; readonly ports?: readonly PortItem[] }
  /** A canonical address whose bits past the prefix are 0. */
  | { readonly kind: 'net'; readonly field: NetField; readonly address: string; readonly prefix: number }
  | { readonly kind: 'flag'; readonly flag: Flag }
  | {
      readonly kind: 'compare';
      readonly quantity: Quantity;
      readonly operator: Operator;
      /** As it was written. */
      readonly amount: string;
      /** In the quantity's own unit. */
      readonly value: number;
    };

/** What a query says. `all` and `any` are never within themselves, nor of one; `all` of none restricts nothing. */
export type Expression =
  | Term
  | { readonly kind: 'all'; readonly of: readonly Expression[] }
  | { readonly kind: 'any'; readonly of: readonly Expression[] }
  | { readonly kind: 'not'; readonly of: Expression };

const joined = (kind: 'all' | 'any', parts: readonly Expression[]): Expression => {
  const of = parts.flatMap((it) => (it.kind === kind ? it.of : [it]));
  const [only] = of;
  return only && of.length === 1 ? only : { kind, of };
};

/** All of these hold; of none, everything is let through. */
export const allOf = (parts: readonly Expression[]): Expression => joined('all', parts);

/** One of these, at least one, holds. */
export const anyOf = (parts: readonly Expression[]): Expression => joined('any', parts);

export const not = (of: Expression): Expression => ({ kind: 'not', of });

/** The parts at the top, which must all hold. */
export const conjuncts = (expression: Expression): readonly Expression[] =>
  expression.kind === 'all' ? expression.of : [expression];

/** Every term in it, in order. */
export function termsOf(expression: Expression): Term[] {
  if (expression.kind === 'all' || expression.kind === 'any') return expression.of.flatMap(termsOf);
  return expression.kind === 'not' ? termsOf(expression.of) : [expression];
}

/** How deep it is nested; a term alone is 0. */
export function depthOf(expression: Expression): number {
  if (expression.kind === 'all' || expression.kind === 'any')
    return 1 + expression.of.reduce((most, it) => Math.max(most, depthOf(it)), 0);
  return expression.kind === 'not' ? 1 + depthOf(expression.of) : 0;
}
