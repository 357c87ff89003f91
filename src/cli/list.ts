import { isatty } from 'node:tty';
import { formatRow } from '../export/formats.ts';
import { alignedText, tabbedText } from '../export/table.ts';
import { boundsFor } from '../model/bounds.ts';
import { LOCAL_HOST } from '../model/host.ts';
import { printable } from '../model/text.ts';
import { openSource } from '../source/index.ts';
import { initialState } from '../store/initial.ts';
import { reduce } from '../store/reduce.ts';
import { slowText, suggestionText } from '../view/text/query-notices.ts';
import type { Row } from '../store/row.ts';
import type { State } from '../store/state.ts';
import { TIME_WAIT_ID } from '../view/table/item.ts';
import { RowOrder } from '../view/table/order.ts';
import { cellContext } from '../view/table/rows.ts';
import { resolveHosts } from './hosts.ts';
import { listColumns } from './list-columns.ts';
import { localText } from './locale.ts';
import { memoryLimit } from './memory.ts';
import type { Invocation } from './invocation.ts';
import { say } from './say.ts';

/** Returns the pids that hold these sockets, each once, by number. Processes that let go of a socket are not among them. */
function pidsOf(rows: readonly Row[]): readonly number[] {
  const pids = rows.flatMap(({ socket }) =>
    socket.owners.flatMap(({ knowledge, pid }) => (knowledge === 'exact' && pid !== undefined ? [pid] : [])),
  );
  return [...new Set(pids)].toSorted((a, b) => a - b);
}

/** Returns the order of all rows that match: also of those in TIME_WAIT, which the screen folds into one line. */
export function orderOfAll(state: State): RowOrder {
  const order = new RowOrder();
  order.update({ ...state, folds: { all: false, except: new Set([TIME_WAIT_ID]) } });
  return order;
}

/**
 * `netpane ls`: prints the sockets once, in the order of the live screen, and notices to stderr.
 * @param print writes to stdout; rejects on failure
 * @returns false if nothing was found and the exit code must say so: with `--quiet` and `--pids`
 */
export async function list(
  { source: sourceName, also, query, sort, columns, origins, format: formatName, listing }: Invocation,
  print: (text: string) => Promise<void>,
): Promise<boolean> {
  const format = formatName && formatRow(formatName);
  const lookups = await resolveHosts(query.hosts);
  // There is only one snapshot: remnants may use the whole bound too.
  const { sockets: maxSockets } = boundsFor(memoryLimit());
  const bounds = { sockets: maxSockets, remnants: maxSockets };
  const source = await openSource(sourceName, {
    also,
    tcpDetails: format?.hasTcpDetails ?? false,
    ownerBudgetMs: Infinity,
    bounds,
  });
  const { sockets, interfaces, degradations } = await source.read();
  const state = reduce(
    initialState({ host: '', system: '', intervalMs: 0, lingerMs: 0, query, sort, palette: 'mono' }),
    {
      type: 'batch',
      atMs: 0,
      batch: {
        spawned: [...sockets.values()],
        changed: [],
        closed: [],
        baseline: true,
        partial: false,
        host: LOCAL_HOST,
        source: source.name,
        takenAtMs: Date.now(),
        monotonicMs: 0,
        pacedIntervalMs: 0,
        interfaces,
        degradations,
        events: [],
        coverage: { level: 'polls' },
        cost: { socketsMs: 0, ownersMs: 0, diffMs: 0 },
      },
    },
  );
  const order = orderOfAll({ ...state, lookups });
  const rows = order.rows().slice(0, listing.limit);
  const pids = listing.only === 'pids' ? pidsOf(rows) : [];
  if (listing.only === 'pids') await print(pids.map((pid) => `${pid}\n`).join(''));
  else if (format) {
    const [header = '', ...lines] = format.pieces(rows.map(({ socket }) => socket));
    await print((listing.hasHeader || formatName !== 'csv' ? header : '') + lines.join(''));
  } else if (listing.only === undefined) {
    // The columns of the configuration are those of the screen: scripts rely on the usual ones.
    const chosen = origins.columns.from === 'command line' ? columns : null;
    const context = cellContext({ ...state, lookups });
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
    for (const { text } of degradations) say(printable(text));
  return isFound;
}
