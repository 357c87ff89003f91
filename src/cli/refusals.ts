import { type Term, termsOf } from '../query/expression.ts';
import { printTerm } from '../query/print.ts';
import type { Query } from '../query/query.ts';
import { MAX_IP_PORT } from '../query/ranges.ts';
import type { Glimpse } from '../query/subject.ts';
import { unknownTerm } from '../query/unknown.ts';
import type { ColumnChoice, Sort } from '../store/columns.ts';
import { columnOf } from '../view/columns/columns.ts';
import { COMMANDS } from './commands.ts';
import type { CommandName } from './option.ts';
import type { Origin } from './resolve.ts';
import { quoted, UsageError } from './values.ts';
import { sortText } from './view-values.ts';

/*
 * These functions refuse queries, columns and sort orders that are valid but that a command cannot answer: an empty
 * answer would be false.
 */

const placeText = (origin: Origin, item = 0): string =>
  origin.from === 'file' ? `${origin.file}:${origin.lines[item] ?? 1}: ` : '';

/** Throws a UsageError for a port that only VSOCK sockets can have. */
export function refuseLargePorts({ expression, text }: Query, origin: Origin): void {
  for (const term of termsOf(expression)) {
    const ports = 'ports' in term ? term.ports : [];
    const large = ports.find((it) => 'to' in it && it.to > MAX_IP_PORT);
    if (large === undefined || !('to' in large)) continue;
    const at = text.indexOf(String(large.to));
    throw new UsageError(
      `${placeText(origin)}bad query at column ${at + 1} of ${quoted(text)}: '${large.to}' is too large ` +
        `(maximum ${MAX_IP_PORT}; only VSOCK has larger ports: --also vsock)`,
    );
  }
}

const REASONS: Readonly<Record<Glimpse, string>> = { poll: 'polls once', event: 'tests single events' };

/**
 * Returns why a term, column or sort order cannot be answered, to continue a sentence about it.
 * @param isLate true if it needs lookups, false if it compares several polls
 * @param who the command, or `a rule`, that cannot answer
 */
const whyText = (isLate: boolean, who: string, glimpse: Glimpse): string =>
  isLate
    ? `needs names of peers, but ${who} asks for none`
    : `compares several polls, but ${who} ${REASONS[glimpse]}`;

/** Returns true if a term of `unknownTerm` needs lookups: those with a field do, all others compare several polls. */
const isLateTerm = (term: Term): boolean => 'field' in term;

/** Returns why a command cannot answer, and what can. */
const reasonText = (isLate: boolean, command: CommandName, glimpse: Glimpse): string =>
  `${whyText(isLate, COMMANDS[command].name, glimpse)}: use the live screen`;

/** Throws a UsageError for a term that the command cannot answer, such as a rate in `ls`. */
export function refuseUnknown({ expression }: Query, origin: Origin, command: CommandName): void {
  const { glimpse } = COMMANDS[command];
  const term = glimpse && unknownTerm(expression, glimpse);
  if (term)
    throw new UsageError(
      `${placeText(origin)}bad query: ${quoted(printTerm(term))} ${reasonText(isLateTerm(term), command, glimpse)}`,
    );
}

/**
 * Throws a UsageError for a term that a rule of `--on` or `[[on]]` cannot answer: rules test single events.
 * @param item index of the rule
 */
export function refuseInRule({ expression }: Query, origin: Origin, item: number): void {
  const term = unknownTerm(expression, 'event');
  if (term)
    throw new UsageError(
      `${placeText(origin, item)}bad query: ${quoted(printTerm(term))} ${whyText(isLateTerm(term), 'a rule', 'event')}`,
    );
}

/** Throws a UsageError for a sort order by a column whose values the command does not know. */
export function refuseSort(sort: Sort, command: CommandName): void {
  const { glimpse } = COMMANDS[command];
  const { unknownIn, isLate = false } = columnOf(sort.column) ?? {};
  if (glimpse && unknownIn?.includes(glimpse))
    throw new UsageError(`--sort ${sortText(sort)} ${reasonText(isLate, command, glimpse)}`);
}

/** Throws a UsageError for a late column whose lookups the command does not make: it would show no value in any row. */
export function refuseColumns(columns: readonly ColumnChoice[], command: CommandName): void {
  const { glimpse } = COMMANDS[command];
  if (glimpse === undefined) return;
  const late = columns.find(({ id }) => {
    const { isLate, unknownIn = [] } = columnOf(id) ?? {};
    return isLate && unknownIn.includes(glimpse);
  });
  if (late) throw new UsageError(`--columns ${late.id} ${reasonText(true, command, glimpse)}`);
}
