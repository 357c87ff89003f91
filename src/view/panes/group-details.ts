import { counted } from '../../model/text.ts';
import { firstOwner } from '../../model/socket.ts';
import type { Row } from '../../store/row.ts';
import type { GroupItem, TimeWaitItem } from '../table/item.ts';
import { stateCounts } from '../table/rows.ts';
import { addressText, countText, rateText, sizeText } from '../text/format.ts';
import { programText } from '../text/program-text.ts';
import type { Fact } from './flow.ts';

/** Maximum number of names in a line. */
const MAX_NAMES = 8;

/** Returns the most frequent texts with their counts, then how many more there are. */
function mostFrequent(texts: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  const sorted = [...counts].toSorted(([, a], [, b]) => b - a);
  const shown = sorted
    .slice(0, MAX_NAMES)
    .map(([text, count]) => (count === 1 ? text : `${text} ×${countText(count)}`));
  const others = sorted.length - shown.length;
  return others > 0 ? [...shown, `and ${countText(others)} more`] : shown;
}

/** Returns the facts about a group: its sockets, traffic, programs and remote addresses. @param rows all of its rows */
export function groupFacts({ label, sum }: GroupItem, rows: readonly Row[]): readonly Fact[] {
  const open = rows.filter(({ mark }) => mark !== 'closed').map(({ socket }) => socket);
  const programs = mostFrequent(open.map((socket) => programText(firstOwner(socket))));
  const remotes = mostFrequent(open.flatMap(({ remote }) => (remote ? [addressText(remote)] : [])));
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
