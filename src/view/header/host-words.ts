import { printable } from '../../model/text.ts';
import type { Query } from '../../query/query.ts';
import type { State } from '../../store/state.ts';
import type { Word } from '../text/spread.ts';

/** Returns the addresses of the host names in the query, or why a lookup failed. */
export function hostWords(query: Query, lookups: State['lookups']): Word[] {
  return query.hosts.flatMap((name): Word[] => {
    const answer = lookups.hosts.get(name);
    if (answer === undefined) return [];
    const host = printable(name);
    if (answer.type === 'pending')
      return [{ text: `${host}: looking up …`, short: '', tone: 'quiet', rank: 4 }];
    if (answer.type === 'failed')
      return [{ text: `${host}: ${printable(answer.why)}`, short: `${host}?`, tone: 'warning', rank: 2 }];
    const [first = 'no address', ...others] = answer.addresses;
    const more = others.length > 0 ? ` +${others.length}` : '';
    return [{ text: `${host} = ${printable(first)}${more}`, tone: 'quiet', rank: 4 }];
  });
}
