import { existsSync } from 'node:fs';
import type { Degradation, Snapshot } from '../../model/batch.ts';
import type { Owner, Socket } from '../../model/socket.ts';
import { counted } from '../../model/text.ts';
import type { SocketBounds } from '../socket-limiter.ts';
import { Lives, type Sighting } from '../lives.ts';
import type { Source } from '../types.ts';
import { type Item, normalise, type RawConnection, type System, withoutHeading } from './normalise.ts';
import { type Exists, Programs, type RawProcess } from './programs.ts';

/** The part of the package systeminformation that is used, with the answers its typings do not admit. */
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

const BSD_NOTICE: Degradation = {
  code: 'bsd-incomplete',
  // It asks for seven columns where netstat -na prints six, and for UDP only with a state.
  text: 'most established connections, UDP and all owners are missing: systeminformation cannot read them on BSD',
  short: 'list incomplete',
};
const LINUX_NOTICE: Degradation = {
  code: 'udp-missing',
  text: 'unconnected UDP sockets are not shown: systeminformation leaves them out on Linux',
  short: 'UDP incomplete',
};
const SS_NOTICE: Degradation = {
  code: 'half-closed-missing',
  // It filters the output of ss for FIN-WAIT1 and FIN-WAIT2, where ss prints FIN-WAIT-1 and FIN-WAIT-2.
  text: 'sockets in FIN_WAIT1 and FIN_WAIT2 are not shown: netstat is missing (install net-tools)',
  short: 'FIN_WAIT missing',
};
const EMPTY_NOTICE: Degradation = {
  code: 'empty-list',
  // systeminformation gives an empty list also when its commands fail.
  text: 'the connection list is empty: if that cannot be, netstat and ss are missing or refuse to run',
  short: 'empty list',
};

const OWNERS_REMEDY: Readonly<Record<System, string>> = {
  linux: 'are hidden: run with sudo to see them',
  win32: 'are hidden: run as administrator to see them',
  // netstat shows every pid to everyone there: what is missing is a pid that names no process.
  darwin: 'could not be told from the output of netstat',
  bsd: 'are not read by systeminformation',
};

/** On Linux, where root has got all the rights there are. */
const ROOT_REMEDY = 'are hidden: even root may not look into the programs here';

/** States in which the process may have closed its socket, so that no one holds it. */
const LET_GO: ReadonlySet<string | undefined> = new Set([
  'TIME_WAIT',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'CLOSING',
  'LAST_ACK',
]);

/** Who owns a socket that the list names no process for. */
function ownersUnseen(sighting: Sighting, previous: Socket | undefined): readonly Owner[] {
  if (previous?.owners.some((owner) => owner.pid !== undefined)) {
    return previous.owners.map((owner) => ({ ...owner, knowledge: 'inherited' }));
  }
  // A connection is handed to a process only once its handshake is done.
  if (sighting.state === 'SYN_RECV') return [{ knowledge: 'kernel' }];
  return [{ knowledge: LET_GO.has(sighting.state) ? 'gone' : 'hidden' }];
}

function keyOf({ sighting, pid, process }: Item): string {
  const { protocol, family, local, remote, state } = sighting;
  // The pid tells rows of one tuple (SO_REUSEPORT) apart; a life goes on without it, by its tuple.
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

/** The pids of a list, each with what the list calls it. 0 is no process one can look up on any system. */
const pidsOf = (items: readonly Item[]): ReadonlyMap<number, string | undefined> =>
  new Map(items.flatMap(({ pid, process }) => (pid ? [[pid, process]] : [])));

/**
 * Reads sockets through the npm package systeminformation, which runs the system's own `netstat` and parses it: for
 * macOS, Windows and the BSDs, and for Linux where nothing better works. What the package gets wrong is mended where
 * it can be, and said in the degradations where it cannot. The package is loaded at the first reading.
 *
 * `read` rejects when the system is one systeminformation cannot list connections of, and when the first reading gives
 * nothing; a later one that fails gives the last sockets again, with a degradation `stale-list`.
 * @param options.si stands in for the package in tests
 * @param options.exists whether there is a file; the file system's answer by default
 * @param options.platform of which system the answers are; this one's by default
 * @param options.isRoot nothing is to be had by more rights; found out by default
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
  const itemOf = new WeakMap<Sighting, Item>();
  let last: Snapshot | undefined;
  /** Whether the list names programs at all. */
  let isNaming = false;

  const listProcesses = async () => (await (await load()).processes())?.list ?? [];
  const programs = new Programs(listProcesses, system ?? 'linux', exists);

  /** The rows, or an error that says why there are none. */
  const listConnections = async (of: System): Promise<readonly RawConnection[] | Error> => {
    try {
      const rows = await (await load()).networkConnections();
      // A macOS or Windows without one socket does not exist: netstat failed, which systeminformation keeps silent.
      const failed = !rows || (rows.length === 0 && (of === 'darwin' || of === 'win32'));
      return failed ? new Error('netstat gave nothing') : rows;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  };

  const ownersOf =
    (of: System) =>
    (sighting: Sighting, previous: Socket | undefined): readonly Owner[] => {
      const item = itemOf.get(sighting);
      const { pid, process: called } = item ?? {};
      // On macOS pid 0 is kernel_task, which mounts network disks; on Windows it stands for no process at all.
      if (pid === 0 && of === 'darwin') return [{ knowledge: 'kernel' }];
      const program = pid ? programs.of(pid, called) : undefined;
      // On macOS systeminformation asks `ps` at once, and may read the pid from a wrong column of netstat: one that no
      // process has is none, or its process has ended.
      const isFalse = of === 'darwin' && isNaming && program === undefined;
      if (!pid || isFalse) return ownersUnseen(sighting, previous);
      // macOS shows the last process of a connection even when it has long let go.
      const knowledge = sighting.state === 'TIME_WAIT' ? 'inherited' : 'exact';
      return [{ knowledge, pid, ...program }];
    };

  const observe = async (
    rows: readonly RawConnection[],
    of: System,
    startedMs: number,
  ): Promise<Snapshot> => {
    const { items, problems } = normalise(withoutHeading(rows, of), of);
    isNaming = items.some((item) => item.process !== undefined);
    const listedMs = performance.now();
    await programs.learn(pidsOf(items));
    const learnedMs = performance.now();

    lives.begin();
    const seen = new Map<string, number>();
    for (const item of items) {
      const base = keyOf(item);
      const nth = (seen.get(base) ?? 0) + 1;
      seen.set(base, nth);
      const key = `${base} ${nth}`;
      if (lives.markSeen(key)) continue;
      lives.add(key, item.sighting);
      itemOf.set(item.sighting, item);
    }
    const sockets = lives.finish(ownersOf(of));
    return {
      sockets,
      interfaces: [],
      degradations: [
        ...lives.notices(),
        ...notices(rows, of),
        ...shortfalls(items, problems, sockets, of, isRoot && of === 'linux'),
      ],
      sampleMs: listedMs - startedMs + (performance.now() - learnedMs),
      ownersMs: learnedMs - listedMs,
    };
  };

  return {
    name: 'systeminformation',
    async read() {
      // On any other system its promise never settles.
      if (system === undefined) throw new Error(`systeminformation cannot list connections on ${platform}`);
      const startedMs = performance.now();
      const rows = await listConnections(system);
      if (!(rows instanceof Error)) {
        last = await observe(rows, system, startedMs);
        return last;
      }
      if (last === undefined) {
        throw new Error(`the connection list could not be read: ${rows.message}`, { cause: rows });
      }
      const stale: Degradation = {
        code: 'stale-list',
        text: `the connection list could not be read (${rows.message}): this is the last one`,
        short: 'stale list',
      };
      return {
        ...last,
        degradations: [stale, ...last.degradations],
        sampleMs: performance.now() - startedMs,
        ownersMs: 0,
      };
    },
  };
}

/** What systeminformation cannot see on a system, however well it runs. */
function notices(rows: readonly RawConnection[], system: System): readonly Degradation[] {
  if (system === 'bsd') return [BSD_NOTICE];
  if (system !== 'linux') return [];
  // Only ss writes brackets and a bare asterisk; it is asked when netstat fails.
  const isFromSs = rows.some((row) => row.localAddress.startsWith('[') || row.localAddress === '*');
  return [LINUX_NOTICE, ...(isFromSs ? [SS_NOTICE] : []), ...(rows.length === 0 ? [EMPTY_NOTICE] : [])];
}

/** What this reading missed. */
function shortfalls(
  items: readonly Item[],
  problems: number,
  sockets: ReadonlyMap<string, Socket>,
  system: System,
  isRoot: boolean,
): readonly Degradation[] {
  const owners = [...sockets.values()].flatMap((socket) => socket.owners);
  const hidden = owners.filter((owner) => owner.knowledge === 'hidden').length;
  const nameless = new Set(owners.filter((it) => it.pid !== undefined && !it.process).map((it) => it.pid))
    .size;
  const unread = items.filter((item) => item.stateUnread).length;
  const cut = items.filter((item) => item.cut).length;
  const found: Degradation[] = [];
  if (hidden > 0 && system !== 'bsd') {
    found.push({
      code: 'owners-hidden',
      text: `the owners of ${counted(hidden, 'socket', 'sockets')} ${isRoot ? ROOT_REMEDY : OWNERS_REMEDY[system]}`,
      short: counted(hidden, 'owner hidden', 'owners hidden'),
    });
  }
  if (nameless > 0) {
    found.push({
      code: 'names-missing',
      text: `${counted(nameless, 'program is', 'programs are')} known by pid only: the list of processes lacks them`,
      short: counted(nameless, 'name missing', 'names missing'),
    });
  }
  if (cut > 0) {
    found.push({
      code: 'cut-addresses',
      text: `netstat cuts long IPv6 addresses: ${counted(cut, 'socket shows', 'sockets show')} one ending in …`,
      short: counted(cut, 'address cut', 'addresses cut'),
    });
  }
  if (unread > 0) {
    found.push({
      code: 'unreadable-states',
      text: `the state of ${counted(unread, 'connection is', 'connections is')} in a word netpane does not know`,
      short: counted(unread, 'state unknown', 'states unknown'),
    });
  }
  if (problems > 0) {
    found.push({
      code: 'unreadable-lines',
      text: `${counted(problems, 'line', 'lines')} of the connection list could not be read`,
      short: counted(problems, 'line unreadable', 'lines unreadable'),
    });
  }
  return found;
}
