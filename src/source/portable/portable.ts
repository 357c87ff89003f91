import { existsSync } from 'node:fs';
import type { Degradation, Snapshot } from '../../model/batch.ts';
import type { Owner, Socket } from '../../model/socket.ts';
import type { SocketBounds } from '../socket-limiter.ts';
import { Lives, type Sighting } from '../lives.ts';
import { type Source, SourceFailed } from '../types.ts';
import { type ParsedRow, normalise, type RawConnection, type System, withoutHeading } from './normalise.ts';
import { pollNotices, systemNotices } from './notices.ts';
import { type Exists, Programs, type RawProcess } from './programs.ts';

/** The used part of the package systeminformation, with the results that its typings omit. */
export interface SystemInformation {
  networkConnections(): Promise<readonly RawConnection[] | null | undefined>;
  processes(): Promise<{ readonly list: readonly RawProcess[] } | null | undefined>;
}

const SYSTEMS: Readonly<Partial<Record<NodeJS.Platform, System>>> = {
  darwin: 'darwin',
  win32: 'win32',
  linux: 'linux',
  android: 'linux',
  freebsd: 'bsd',
  openbsd: 'bsd',
  netbsd: 'bsd',
};

/** States in which the process may already have closed the socket: then no process holds it. */
const MAY_BE_CLOSED: ReadonlySet<string | undefined> = new Set([
  'TIME_WAIT',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'CLOSING',
  'LAST_ACK',
]);

/** Returns the owners of a socket that the connection list shows without a pid. */
function ownersWithoutPid(sighting: Sighting, previous: Socket | undefined): readonly Owner[] {
  if (previous?.owners.some((owner) => owner.pid !== undefined)) {
    return previous.owners.map((owner) => ({ ...owner, knowledge: 'inherited' }));
  }
  // A connection gets a process only after its handshake.
  if (sighting.state === 'SYN_RECV') return [{ knowledge: 'kernel' }];
  return [{ knowledge: MAY_BE_CLOSED.has(sighting.state) ? 'gone' : 'hidden' }];
}

/**
 * Returns the key of a row for `Lives`. The pid distinguishes rows with the same endpoints (SO_REUSEPORT). If only the
 * pid changes, the key is new, but the life goes on: `Lives` matches by endpoints.
 */
function keyOf({ sighting, pid, process }: ParsedRow): string {
  const { protocol, family, local, remote, state } = sighting;
  return [
    protocol,
    family,
    local.address,
    local.port,
    remote?.address,
    remote?.port,
    state,
    pid,
    process,
  ].join(' ');
}

/** Returns the program names in the connection list by pid. Leaves out pid 0, which cannot be looked up. */
const namesByPid = (rows: readonly ParsedRow[]): ReadonlyMap<number, string | undefined> =>
  new Map(rows.flatMap(({ pid, process }) => (pid ? [[pid, process]] : [])));

/**
 * Opens the source that reads sockets through the npm package systeminformation, which runs `netstat` and parses its
 * output. It serves macOS, Windows and the BSDs, and Linux if no other source works. Mistakes of the package are
 * corrected where possible; the others are reported in the degradations. The package is loaded at the first poll.
 *
 * `read` rejects if systeminformation does not support the system, or if the first poll returns nothing. A later poll
 * that fails returns the previous sockets with the degradation `stale-list`.
 * @param options.si Replaces the package in tests.
 * @param options.exists Returns true if a file exists. Default: `existsSync`.
 * @param options.platform System that the output comes from. Default: this one.
 * @param options.isRoot True if netpane runs as root: then no notice recommends sudo. Default: by the effective uid.
 */
export function portableSource(
  options: {
    si?: SystemInformation;
    platform?: NodeJS.Platform;
    exists?: Exists;
    isRoot?: boolean;
    bounds?: SocketBounds | undefined;
  } = {},
): Source {
  const { platform = process.platform, exists = existsSync } = options;
  const isRoot = options.isRoot ?? process.geteuid?.() === 0;
  const system = SYSTEMS[platform];
  const load = async (): Promise<SystemInformation> =>
    options.si ?? (await import('systeminformation')).default;
  const lives = new Lives(options.bounds);
  const rowOf = new WeakMap<Sighting, ParsedRow>();
  let last: Snapshot | undefined;
  /** True if the last connection list contains program names; on macOS, false if `ps` failed. */
  let hasNames = false;

  const listProcesses = async () => (await (await load()).processes())?.list ?? [];
  const programs = new Programs(listProcesses, system ?? 'linux', exists);

  /** Returns the connection list, or an error if it cannot be read. */
  const listConnections = async (of: System): Promise<readonly RawConnection[] | Error> => {
    try {
      const rows = await (await load()).networkConnections();
      // macOS and Windows always have sockets: an empty list means that netstat failed, which systeminformation hides.
      const failed = !rows || (rows.length === 0 && (of === 'darwin' || of === 'win32'));
      return failed ? new Error('netstat printed nothing') : rows;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  };

  const ownersOf =
    (of: System) =>
    (sighting: Sighting, previous: Socket | undefined): readonly Owner[] => {
      const { pid, process: listedName } = rowOf.get(sighting) ?? {};
      // On macOS pid 0 is kernel_task, which mounts network disks. On Windows it means no process.
      if (pid === 0 && of === 'darwin') return [{ knowledge: 'kernel' }];
      const program = pid ? programs.programOf(pid, listedName) : undefined;
      // On macOS systeminformation may read the pid from a wrong column of netstat, then looks up its name with `ps`. A
      // pid without a name is wrong, or its process has ended.
      const isWrongPid = of === 'darwin' && hasNames && program === undefined;
      if (!pid || isWrongPid) return ownersWithoutPid(sighting, previous);
      // macOS lists the process that used a socket last (so_last_pid), which may have closed or passed it on since.
      const knowledge = of === 'darwin' || sighting.state === 'TIME_WAIT' ? 'inherited' : 'exact';
      return [{ knowledge, pid, ...program }];
    };

  const takeSnapshot = async (
    connections: readonly RawConnection[],
    of: System,
    startedMs: number,
  ): Promise<Snapshot> => {
    const { items: rows, problems } = normalise(withoutHeading(connections, of), of);
    hasNames = rows.some((row) => row.process !== undefined);
    const listedMs = performance.now();
    await programs.refresh(namesByPid(rows));
    const ownersDoneMs = performance.now();

    lives.begin();
    // Rows with the same key are different sockets: number them.
    const counts = new Map<string, number>();
    for (const row of rows) {
      const base = keyOf(row);
      const count = (counts.get(base) ?? 0) + 1;
      counts.set(base, count);
      const key = `${base} ${count}`;
      if (lives.markSeen(key)) continue;
      lives.add(key, row.sighting);
      rowOf.set(row.sighting, row);
    }
    const sockets = lives.finish(ownersOf(of));
    return {
      sockets,
      interfaces: [],
      degradations: [
        ...lives.notices(),
        ...systemNotices(connections, of),
        ...pollNotices(rows, problems, sockets, of, isRoot && of === 'linux'),
      ],
      socketsMs: listedMs - startedMs + (performance.now() - ownersDoneMs),
      ownersMs: ownersDoneMs - listedMs,
    };
  };

  return {
    name: 'systeminformation',
    runsPrograms: true,
    async read() {
      // On any other system the promise of systeminformation never settles.
      if (system === undefined)
        throw new SourceFailed(`systeminformation cannot list connections on ${platform}`);
      const startedMs = performance.now();
      const connections = await listConnections(system);
      if (!(connections instanceof Error)) {
        last = await takeSnapshot(connections, system, startedMs);
        return last;
      }
      if (last === undefined) {
        throw new SourceFailed(`the sockets could not be read: ${connections.message}`, {
          cause: connections,
        });
      }
      const stale: Degradation = {
        code: 'stale-list',
        text: `the sockets could not be read (${connections.message}): the previous ones are shown`,
        short: 'stale list',
      };
      return {
        ...last,
        degradations: [stale, ...last.degradations],
        socketsMs: performance.now() - startedMs,
        ownersMs: 0,
      };
    },
  };
}
