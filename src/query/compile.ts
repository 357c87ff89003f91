import { type Condition, compileExpression, type QueryContext } from './conditions.ts';
import { isEverything, type Query } from './query.ts';
import type { Subject } from './subject.ts';
import { TextPool } from './texts.ts';
import { dropSearchFields, takeSearchFields } from './words.ts';

export type { QueryContext } from './conditions.ts';

/**
 * Compiles a query to one predicate of a subject and what is remembered, in this pool, of its socket. It gives each
 * distinct text one look, and makes nothing for a row. Of a timed query, and where the context changes, its answers are
 * those of the moment.
 */
export const compileQuery = (query: Query, pool: TextPool, context: QueryContext): Condition =>
  compileExpression(query.expression, { pool, context });

/** Compiles a query to one predicate of subjects, for those whose texts are not remembered anywhere. */
export function compileForSubjects(query: Query, context: QueryContext): (subject: Subject) => boolean {
  if (isEverything(query)) return () => true;
  const pool = new TextPool();
  const matches = compileQuery(query, pool, context);
  return (subject) => {
    const it = takeSearchFields(subject.socket, pool);
    const answer = matches(it, subject);
    dropSearchFields(it, pool);
    return answer;
  };
}
