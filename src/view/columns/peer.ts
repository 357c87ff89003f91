import type { ColumnId } from '../../store/columns.ts';
import { nameOf, peerAddress } from '../../store/peer-names.ts';
import { hostText } from '../text/host-text.ts';
import type { ColumnSpec } from './column.ts';

/** Columns about the host of the peer: what lookups say of its address. */
export const PEER_COLUMNS = {
  host: {
    title: 'HOST',
    about:
      'name of the peer by /etc/hosts or reverse DNS, no proof of who it is; … is asked for, ? has no answer',
    align: 'left',
    width: { least: 10, good: 20, most: 64 },
    priority: 7,
    present: ({ names }) => names,
    text: ({ socket }, { lookups }) => hostText(peerAddress(socket.remote), lookups),
    key: ({ socket }, { names }) => nameOf(names, peerAddress(socket.remote)) ?? null,
    keyFrom: 'remote',
    isLate: true,
    unknownIn: ['poll', 'event'],
  },
} as const satisfies Readonly<Partial<Record<ColumnId, ColumnSpec>>>;
