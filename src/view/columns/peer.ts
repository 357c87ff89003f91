import type { ColumnId } from '../../store/columns.ts';
import { nameOf } from '../../store/peer-names.ts';
import { orgName, locationOf } from '../../store/locations.ts';
import { hostText } from '../text/host-text.ts';
import { countryText, orgText } from '../text/location-text.ts';
import { type ColumnSpec, onRequest } from './column.ts';

/** Columns about the host of the peer: what lookups say of its address. */
export const PEER_COLUMNS = {
  host: {
    title: 'HOST',
    about:
      'name of the peer, no proof: ≈ by DNS, = by TLS, no sign by hosts file, reverse DNS; … is asked for, ? no answer',
    align: 'left',
    width: { least: 10, good: 20, most: 64 },
    priority: 7,
    present: ({ names }) => names,
    text: ({ socket }, { lookups }) => hostText(socket, lookups),
    key: ({ socket }, lookups) => nameOf(lookups, socket) ?? null,
    isLate: true,
    unknownIn: ['poll', 'event'],
  },
  country: onRequest({
    title: 'COUNTRY',
    about: 'country of the remote address, from a file of this machine (--geo); ? without such a file',
    align: 'left',
    width: { least: 2, good: 7, most: 7 },
    text: ({ socket }, { lookups }) => countryText(socket.remote, lookups.locations),
    key: ({ socket }, { locations }) => locationOf(locations, socket.remote)?.country?.code ?? null,
    keyFrom: 'remote',
    isLate: true,
  }),
  org: onRequest({
    title: 'ORG',
    about:
      'network operator of the remote address, from a file of this machine (--geo); ? without such a file',
    align: 'left',
    width: { least: 10, good: 24, most: 48 },
    text: ({ socket }, { lookups }) => orgText(socket.remote, lookups.locations),
    // The key is the name: one operator has several numbers.
    key: ({ socket }, { locations }) => {
      const org = locationOf(locations, socket.remote)?.org;
      return org ? (org.name ?? orgName(org)).toLowerCase() : null;
    },
    keyFrom: 'remote',
    isLate: true,
  }),
} as const satisfies Readonly<Partial<Record<ColumnId, ColumnSpec>>>;
