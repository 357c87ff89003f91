import type { Expression, Term } from './expression.ts';
import type { ListRow } from './field-kinds.ts';
import { FIELDS } from './fields.ts';
import { printQuery, printTerm } from './print.ts';
import { hasStar } from './stars.ts';
import type { Query } from './query.ts';
import { type PortItem, portsText, type Range } from './ranges.ts';

/** Maximum number of pairs of parts compared; beyond it the answer is false. */
const MAX_STEPS = 10_000;

/**
 * Returns true if `after` certainly matches only sockets that `before` matches, such as a query with more letters or
 * one more condition. False means not certain; it is false if `before` compares ages, since its answers change with
 * time. Changes of host addresses or of the baseline do not count: after those the caller must test all sockets.
 */
export function narrows(before: Query, after: Query): boolean {
  if (before.isTimed) return false;
  let steps = 0;
  /** Returns true if every socket that matches `a` matches `b`. */
  const implies = (a: Expression, b: Expression): boolean => {
    if (++steps > MAX_STEPS) return false;
    if (b.kind === 'all') return b.of.every((it) => implies(a, it));
    if (a.kind === 'any') return a.of.every((it) => implies(it, b));
    if (b.kind === 'any' && b.of.some((it) => implies(a, it))) return true;
    if (a.kind === 'all') return a.of.some((it) => implies(it, b));
    if (b.kind === 'any') return false;
    if (a.kind === 'not' || b.kind === 'not')
      return a.kind === 'not' && b.kind === 'not' && (isSame(a, b) || implies(b.of, a.of));
    return termImplies(a, b);
  };
  return implies(after.expression, before.expression);
}

/** Returns true if two expressions have the same canonical text. */
export const isSame = (a: Expression, b: Expression): boolean => printQuery(a) === printQuery(b);

/** Returns true if each inner range lies within one outer range. */
const isInside = (inner: readonly Range[], outer: readonly Range[]): boolean =>
  inner.every(({ from, to }) => outer.some((it) => it.from <= from && to <= it.to));

const hasPart = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase());

/** Compares services by name only: their ports differ by protocol. */
function portsImply(inner: readonly PortItem[], outer: readonly PortItem[]): boolean {
  const ranges = outer.filter((it): it is Range => !('service' in it));
  return inner.every((it) =>
    'service' in it ? outer.some((other) => portsText([other]) === it.service) : isInside([it], ranges),
  );
}

const hasSameField = (a: { readonly field: string }, b: { readonly field: string }): boolean =>
  a.field === b.field;

function termImplies(a: Term, b: Term): boolean {
  if (printTerm(a) === printTerm(b)) return true;
  if (a.kind === 'word' && b.kind === 'word') return hasPart(a.text, b.text);
  if (a.kind === 'text' && b.kind === 'text')
    return hasSameField(a, b) && !b.whole && !hasStar(b.value) && hasPart(a.value, b.value);
  if (a.kind === 'ports' && b.kind === 'ports')
    return (hasSameField(a, b) || FIELDS[b.field].side === 'either') && portsImply(a.ports, b.ports);
  if (a.kind === 'ranges' && b.kind === 'ranges') return hasSameField(a, b) && isInside(a.ranges, b.ranges);
  if (a.kind === 'list' && b.kind === 'list') {
    const { wider }: ListRow = FIELDS[a.field];
    return (
      hasSameField(a, b) &&
      a.values.every((it) => b.values.includes(it) || (wider && b.values.includes(wider(it))))
    );
  }
  return a.kind === 'compare' && b.kind === 'compare' && compareImplies(a, b);
}

type Compare = Extract<Term, { kind: 'compare' }>;

function compareImplies(a: Compare, b: Compare): boolean {
  if (a.quantity !== b.quantity || b.operator === '=') return false;
  const [isGreater, isStrict] = [b.operator.startsWith('>'), !b.operator.endsWith('=')];
  if (a.operator !== '=' && a.operator.startsWith('>') !== isGreater) return false;
  if (a.value === b.value) return !isStrict || a.operator === b.operator;
  return a.value > b.value === isGreater;
}
