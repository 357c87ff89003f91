import { LOCAL_HOST } from '../../src/model/host.ts';
import type { Batch } from '../../src/model/batch.ts';
import type { NetworkNamespace, Owner, Socket } from '../../src/model/socket.ts';

/** Returns a generator of whole numbers from 0 up to but excluding `below`, the same in each run (mulberry32). */
function numberGenerator(): (below: number) => number {
  let seed = 7;
  return (below) => {
    seed = (seed + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const next = numberGenerator();

/** Interned texts: equal texts from the sampling thread share one string, too. */
const texts = new Map<string, string>();
const intern = (text: string): string => texts.get(text) ?? (texts.set(text, text), text);

const NAMESPACES: readonly NetworkNamespace[] = Array.from({ length: 4 }, (_, i) => ({
  inode: 4_026_531_833 + i,
  ...(i > 0 && { name: `container-${i}` }),
}));

/** Fields that the sockets of one process have in common. */
const PROCESSES = Array.from({ length: 300 }, (_, i) => {
  const owner: Owner = {
    knowledge: 'exact',
    pid: 1000 + i,
    process: `program-${i % 60}`,
    command: `/usr/bin/program-${i % 60} --worker ${i}`,
  };
  const netns = NAMESPACES[next(NAMESPACES.length)];
  return { owners: [owner], uid: 1000 + (i % 5), user: intern(`user-${i % 5}`), ...(netns && { netns }) };
});

const SERVICES = [443, 80, 5432, 6379, 8080];

/** Returns one of 25,000 addresses. */
const syntheticHost = (isIpv6: boolean): string =>
  intern(
    isIpv6
      ? `2001:db8:${next(125).toString(16)}::${(1 + next(25)).toString(16)}`
      : `198.51.${next(100)}.${next(219)}`,
  );

let created = 0;

/**
 * Returns a new socket of one of 300 processes (60 programs, 5 users, 4 namespaces): one in fifty is a listener, the
 * others are connections with one of 25,000 hosts, every eighth by IPv6.
 */
export function syntheticSocket(): Socket {
  const [isListener, isOutgoing, isIpv6] = [next(50) === 0, next(2) === 0, next(8) === 0];
  const service = SERVICES[next(SERVICES.length)] ?? 0;
  const ephemeral = 32_768 + next(28_000);
  const bytes = next(1_000_000);
  return {
    id: String(1_000_000 + created++ * 7919),
    protocol: 'tcp',
    family: isIpv6 ? 'ipv6' : 'ipv4',
    local: {
      address: intern(isIpv6 ? `2001:db8::${next(4)}` : `10.0.0.${next(4)}`),
      port: isOutgoing && !isListener ? ephemeral : service,
    },
    remote: isListener ? null : { address: syntheticHost(isIpv6), port: isOutgoing ? service : ephemeral },
    state: isListener ? 'LISTEN' : 'ESTABLISHED',
    ...(PROCESSES[next(PROCESSES.length)] ?? { owners: [] }),
    traffic: { rxBytes: bytes, txBytes: next(1_000_000), rttMicros: 100 + next(100_000) },
  };
}

export const isConnection = ({ remote }: Socket): boolean => remote !== null;

/** Returns the socket with up to 5,000 more bytes received and sent. */
export const withTraffic = (socket: Socket): Socket => ({
  ...socket,
  traffic: {
    ...socket.traffic,
    rxBytes: (socket.traffic?.rxBytes ?? 0) + 1 + next(5000),
    txBytes: (socket.traffic?.txBytes ?? 0) + 1 + next(5000),
  },
});

/** Returns `count` distinct random indexes below `below`, or all of them if there are fewer. */
export function distinctIndexes(below: number, count: number): number[] {
  const indexes = new Set<number>();
  while (indexes.size < Math.min(count, below)) indexes.add(next(below));
  return [...indexes];
}

/** Returns `count` distinct random items. */
export const pickSome = <T>(all: readonly T[], count: number): T[] =>
  distinctIndexes(all.length, count).flatMap((index) => all[index] ?? []);

/** Returns a batch that is empty except for the given fields. */
export const syntheticBatch = (fields: Partial<Batch> & { readonly monotonicMs: number }): Batch => ({
  spawned: [],
  changed: [],
  closed: [],
  baseline: false,
  partial: false,
  host: LOCAL_HOST,
  source: 'sock_diag',
  takenAtMs: 1.8e12 + fields.monotonicMs,
  pacedIntervalMs: 1000,
  interfaces: [],
  degradations: [],
  events: [],
  coverage: { level: 'polls' },
  cost: { socketsMs: 1, ownersMs: 0, diffMs: 0 },
  ...fields,
});
