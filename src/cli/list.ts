import { isatty } from 'node:tty';
import { formatRow } from '../export/formats.ts';
import { alignedTable, tabSeparated } from '../export/table.ts';
import { boundsFor } from '../model/bounds.ts';
import { LOCAL_HOST } from '../model/host.ts';
import { printable } from '../model/text.ts';
import { openSource } from '../source/index.ts';
import { initialState } from '../store/initial.ts';
import { reduce } from '../store/reduce.ts';
import { slowText, suggestionText } from '../view/text/query-notices.ts';
import { RowOrder } from '../view/table/order.ts';
import { resolveHosts } from './hosts.ts';
import { localText } from './locale.ts';
import { memoryLimit } from './memory.ts';
import type { Invocation } from './invocation.ts';
import { say } from './say.ts';

/**
 * `netpane ls`: prints the sockets once, in the order of the live screen, and notices to stderr.
 * @param print writes to stdout; rejects on failure
 */
export async function list(
  { source: sourceName, also, query, sort, format: formatName }: Invocation,
  print: (text: string) => Promise<void>,
): Promise<void> {
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
        takenAtMs: 0,
        monotonicMs: 0,
        pacedIntervalMs: 0,
        interfaces,
        degradations,
        events: [],
        coverage: { level: 'polls' },
        cost: { sampleMs: 0, ownersMs: 0, diffMs: 0 },
      },
    },
  );
  const order = new RowOrder();
  order.update({ ...state, lookups });
  const shown = order.rows().map((row) => row.socket);
  const text = format
    ? [...format.pieces(shown)].join('')
    : localText((isatty(1) ? alignedTable : tabSeparated)(shown), process.env);
  await print(text);
  const misspelling = shown.length === 0 ? suggestionText(query) : undefined;
  if (misspelling !== undefined) say(printable(`nothing matches: ${misspelling}`));
  if (order.tooSlow !== undefined) say(printable(slowText(order.tooSlow)));
  for (const { text } of degradations) say(printable(text));
}
