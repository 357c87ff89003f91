import type { Condition, QueryContext } from './condition.ts';
import { compileExpression } from './conditions.ts';
import { isEverything, type Query } from './query.ts';
import type { Subject } from './subject.ts';
import { TextPool } from './texts.ts';
import { dropSearchFields, takeSearchFields } from './search-fields.ts';

export type { QueryContext } from './condition.ts';

/**
 * Compiles a query to a predicate on a subject and the searchable fields of its socket, whose texts are in `pool`. The
 * predicate tests each distinct text once and allocates nothing per row. Its answer about a socket may change when the
 * context changes, and for a timed query with time.
 */
export const compileQuery = (query: Query, pool: TextPool, context: QueryContext): Condition =>
  compileExpression(query.expression, { pool, context });

/** Compiles a query to a predicate on subjects whose texts are in no pool. */
export function compileForSubjects(query: Query, context: QueryContext): (subject: Subject) => boolean {
  if (isEverything(query)) return () => true;
  const pool = new TextPool();
  const matches = compileQuery(query, pool, context);
  return (subject) => {
    const fields = takeSearchFields(subject.socket, pool);
    const answer = matches(fields, subject);
    dropSearchFields(fields, pool);
    return answer;
  };
}
