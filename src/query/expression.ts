import type { Network } from './addresses.ts';
import type { FieldOf } from './fields.ts';
import type { Flag } from './flags.ts';
import type { Operator, Quantity } from './quantities.ts';
import type { PortItem, Range } from './ranges.ts';

/** One condition of a query. */
export type Term =
  | { readonly kind: 'word'; readonly text: string }
  /** A whole local or remote port, or a process id. */
  | { readonly kind: 'number'; readonly number: number }
  | {
      readonly kind: 'text';
      readonly field: FieldOf<'text'>;
      /** True if the value must be the whole text, not a part of it. */
      readonly whole: boolean;
      readonly value: string;
    }
  | { readonly kind: 'exact'; readonly field: FieldOf<'exact'>; readonly value: string }
  | { readonly kind: 'regex'; readonly field: 'any' | FieldOf<'text'>; readonly source: string }
  | { readonly kind: 'list'; readonly field: FieldOf<'list'>; readonly values: readonly string[] }
  | { readonly kind: 'ranges'; readonly field: FieldOf<'ranges'>; readonly ranges: readonly Range[] }
  | { readonly kind: 'ports'; readonly field: FieldOf<'ports'>; readonly ports: readonly PortItem[] }
  /**
   * A canonical address or a host name in small letters. One of the ports, if given, must be at the same endpoint. Either
   * endpoint may match if there is no side.
   */
  | {
      readonly kind: 'host';
      readonly host: string;
      readonly side?: 'local' | 'remote';
      readonly ports?: readonly PortItem[];
    }
  | ({ readonly kind: 'net'; readonly field: FieldOf<'net'> } & Network)
  | { readonly kind: 'flag'; readonly flag: Flag }
  | {
      readonly kind: 'compare';
      readonly quantity: Quantity;
      readonly operator: Operator;
      /** The amount as the user wrote it. */
      readonly amount: string;
      /** The amount in the unit of the quantity. */
      readonly value: number;
    };

/**
 * A parsed query. `all` never contains `all` directly, nor `any` an `any`, and neither has exactly one part. `all`
 * without parts matches everything.
 */
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

/** Joins parts with `and`; without parts it matches everything. */
export const allOf = (parts: readonly Expression[]): Expression => joined('all', parts);

/** Joins parts with `or`. */
export const anyOf = (parts: readonly Expression[]): Expression => joined('any', parts);

export const not = (of: Expression): Expression => ({ kind: 'not', of });

/** Returns the top-level conditions, all of which must hold. */
export const conjuncts = (expression: Expression): readonly Expression[] =>
  expression.kind === 'all' ? expression.of : [expression];

/** Returns every term of the expression, in order. */
export function termsOf(expression: Expression): Term[] {
  if (expression.kind === 'all' || expression.kind === 'any') return expression.of.flatMap(termsOf);
  return expression.kind === 'not' ? termsOf(expression.of) : [expression];
}

/** Returns the nesting depth; 0 for a single term. */
export function depthOf(expression: Expression): number {
  if (expression.kind === 'all' || expression.kind === 'any')
    return 1 + expression.of.reduce((most, it) => Math.max(most, depthOf(it)), 0);
  return expression.kind === 'not' ? 1 + depthOf(expression.of) : 0;
}
