import { isatty } from 'node:tty';
import { formatRow } from '../export/formats.ts';
import { alignedText, tabbedText } from '../export/table.ts';
import { printable } from '../model/text.ts';
import { slowText, suggestionText } from '../view/text/query-notices.ts';
import type { Row } from '../store/row.ts';
import { cellContext } from '../view/table/rows.ts';
import type { Environment } from './config/paths.ts';
import { listColumns } from './list-columns.ts';
import { localText } from './locale.ts';
import type { Invocation } from './invocation.ts';
import { matchingSockets } from './snapshot.ts';
import { say } from './say.ts';

/** Returns the pids of the processes that hold these sockets now, each once, in ascending order. */
function pidsOf(rows: readonly Row[]): readonly number[] {
  const pids = rows.flatMap(({ socket }) =>
    socket.owners.flatMap(({ knowledge, pid }) => (knowledge === 'exact' && pid !== undefined ? [pid] : [])),
  );
  return [...new Set(pids)].toSorted((a, b) => a - b);
}

/**
 * `netpane ls`: prints the sockets once, in the order of the live screen, and notices to stderr.
 * @param environment that of the user whose files are used
 * @param print writes to stdout; rejects on failure
 * @returns false if nothing was found and the exit code must say so: with `--quiet` and `--pids`
 */
export async function list(
  invocation: Invocation,
  environment: Environment,
  print: (text: string) => Promise<void>,
): Promise<boolean> {
  const { query, columns, origins, format: formatName, listing } = invocation;
  const format = formatName && formatRow(formatName);
  const { state, order, notices } = await matchingSockets(
    invocation,
    format?.hasTcpDetails ?? false,
    environment,
  );
  const rows = order.rows().slice(0, listing.limit);
  const pids = listing.only === 'pids' ? pidsOf(rows) : [];
  if (listing.only === 'pids') await print(pids.map((pid) => `${pid}\n`).join(''));
  else if (format) {
    const [header = '', ...lines] = format.pieces(rows.map(({ socket }) => socket));
    await print((listing.hasHeader || formatName !== 'csv' ? header : '') + lines.join(''));
  } else if (listing.only === undefined) {
    // The columns of the configuration are those of the screen: scripts rely on the usual ones.
    const chosen = origins.columns.from === 'command line' ? columns : null;
    const context = cellContext(state);
    const table = {
      items: rows,
      columns: listColumns(
        chosen?.map(({ id }) => id),
        listing.extra,
        context,
      ),
      hasHeader: listing.hasHeader,
    };
    await print(localText((isatty(1) ? alignedText : tabbedText)(table), process.env));
  }
  const isQuiet = listing.only === 'nothing';
  const suggestion = rows.length === 0 && !isQuiet ? suggestionText(query) : undefined;
  if (suggestion !== undefined) say(printable(`nothing matches: ${suggestion}`));
  if (order.tooSlow !== undefined) say(printable(slowText(order.tooSlow)));
  const isFound = listing.only === 'pids' ? pids.length > 0 : listing.only === undefined || rows.length > 0;
  // A script that asked only for pids needs the notices if it got none.
  if (!isQuiet && (listing.only === undefined || !isFound))
    for (const text of notices()) say(printable(text));
  return isFound;
}
