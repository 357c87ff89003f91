import { printable } from '../../model/text.ts';
import { termsOf } from '../../query/expression.ts';
import { pictureOf } from '../../store/picture.ts';
import type { State } from '../../store/state.ts';
import { countText } from '../text/format.ts';
import { type Line, line, span } from '../text/line.ts';
import { suggestionText } from '../text/query-notices.ts';
import { wrap } from '../text/wrap.ts';
import type { RowOrder } from './order.ts';
import { GUTTER } from './place.ts';
import { widerQuery } from './wider.ts';

/**
 * Returns the lines of a table without rows, which say why it is empty.
 * @param keyOf returns the key of an action, for a message
 */
export const emptyLines = (
  state: State,
  order: RowOrder,
  width: number,
  keyOf: (actionId: string) => string,
): Line[] =>
  wrap(emptyText(state, order, keyOf), Math.max(1, width - GUTTER)).map((text) =>
    line(span(' '.repeat(GUTTER) + text, 'quiet')),
  );

function emptyText(state: State, order: RowOrder, keyOf: (actionId: string) => string): string {
  const { query, prompt, nowMs } = state;
  if (order.hiddenCount > 0) return `all matches are hidden by you: ${keyOf('hide-rules')} lists them`;
  if (nowMs === undefined) return 'reading sockets …';
  if (pictureOf(state).rows.size === 0) return 'no sockets';
  // Until the typed query is valid, the rows are those of the one before it, which says nothing about the typed one.
  if (prompt?.problem) return 'nothing matches: correct the query';
  const suggestion = suggestionText(query);
  if (suggestion !== undefined) return `nothing matches: ${suggestion}`;
  const wider = widerQuery(state, order);
  if (wider) {
    const { view, count } = wider;
    const found = `nothing matches in "${printable(view.name)}", ${countText(count)} outside`;
    // While a query is typed, the key leaves the prompt.
    return prompt ? found : `${found}: ${keyOf('close')} shows ${count === 1 ? 'it' : 'them'}`;
  }
  const isForNew = termsOf(query.expression).some((it) => it.kind === 'flag' && it.flag === 'new');
  return `nothing ${isForNew ? 'new matches yet' : 'matches'}: ${keyOf('close')} clears the query`;
}
