import { unmapped } from '../../model/address.ts';
import { type Endpoint, firstOwner, type Owner } from '../../model/socket.ts';
import { counted } from '../../model/text.ts';
import type { Row } from '../../store/row.ts';
import type { GroupItem, TimeWaitItem } from '../table/item.ts';
import { stateCounts } from '../table/rows.ts';
import { addressText, countText, rateText, sizeText } from '../text/format.ts';
import { programText } from '../text/program-text.ts';
import type { Fact } from './flow.ts';

/** Maximum number of names in a line. */
const MAX_NAMES = 8;

/** Counts values, and keeps one item of each. */
class Frequencies<T> {
  readonly #counts = new Map<string, { readonly item: T; count: number }>();

  add(value: string, item: T): void {
    const known = this.#counts.get(value);
    if (known) known.count++;
    else this.#counts.set(value, { item, count: 1 });
  }

  /** Returns the texts of the most frequent values with their counts, then how many more there are. */
  mostFrequent(textOf: (item: T) => string): readonly string[] {
    // Only the top values are sorted: there may be as many values as rows.
    const top: { readonly item: T; readonly count: number }[] = [];
    for (const each of this.#counts.values()) {
      if (top.length === MAX_NAMES && each.count <= (top.at(-1)?.count ?? 0)) continue;
      const at = top.findIndex(({ count }) => count < each.count);
      top.splice(at < 0 ? top.length : at, 0, each);
      if (top.length > MAX_NAMES) top.pop();
    }
    const shown = top.map(({ item, count }) =>
      count === 1 ? textOf(item) : `${textOf(item)} ×${countText(count)}`,
    );
    const others = this.#counts.size - top.length;
    return others > 0 ? [...shown, `and ${countText(others)} more`] : shown;
  }
}

/** Returns the facts about a group: its sockets, traffic, programs and remote addresses. @param rows all of its rows */
export function groupFacts({ label, sum }: GroupItem, rows: readonly Row[]): readonly Fact[] {
  const [owners, peers] = [new Frequencies<Owner>(), new Frequencies<Endpoint>()];
  for (const { socket, mark } of rows) {
    if (mark === 'closed') continue;
    const owner = firstOwner(socket);
    const { process = '', nowProcess } = owner;
    owners.add(nowProcess === undefined ? process : `${process}\0${nowProcess}`, owner);
    if (socket.remote) peers.add(unmapped(socket.remote.address), socket.remote);
  }
  const programs = owners.mostFrequent(programText);
  const remotes = peers.mostFrequent(addressText);
  const facts: Fact[] = [
    ['group', [label]],
    [
      'sockets',
      [
        counted(sum.sockets, 'socket'),
        ...stateCounts(sum).map(({ count, word }) => `${countText(count)} ${word}`),
      ],
    ],
  ];
  if (sum.counted > 0)
    facts.push([
      'total',
      [
        `↓ ${rateText(sum.rxRate)} ↑ ${rateText(sum.txRate)}`,
        `${sizeText(sum.rxBytes)} received, ${sizeText(sum.txBytes)} sent`,
      ],
    ]);
  if (programs.length > 0) facts.push(['programs', programs]);
  if (remotes.length > 0) facts.push(['remotes', remotes]);
  return facts;
}

/** Returns the facts about the line that folds the sockets in TIME_WAIT. */
export const timeWaitFacts = ({ count }: TimeWaitItem): readonly Fact[] => [
  ['sockets', [`${counted(count, 'connection')} in TIME_WAIT`]],
  [
    'meaning',
    ['closed by both ends;', 'the kernel keeps the pair of ports for a minute,', 'no program holds them'],
  ],
];
