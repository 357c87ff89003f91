import type { Degradation } from '../../../model/batch.ts';
import { isAnyAddress } from '../../../model/address.ts';
import type { Endpoint, Owner, Protocol, Socket, SocketState } from '../../../model/socket.ts';
import { hiddenNotice, usersUnread } from './hidden-notice.ts';
import { Owners } from './owners.ts';
import { BootTime } from '../proc/boot-time.ts';
import { LIMIT, type Proc } from '../proc/proc.ts';
import { parsePasswd } from '../proc/process.ts';
import { type Privileges, readPrivileges } from '../proc/privileges.ts';

const HIDDEN: readonly Owner[] = [{ knowledge: 'hidden' }];
const KERNEL: readonly Owner[] = [{ knowledge: 'kernel' }];
const GONE: readonly Owner[] = [{ knowledge: 'gone' }];
const NOT_ACCEPTED: readonly Owner[] = [
  {
    knowledge: 'unknown',
    tried: 'not accepted yet, and no listener found',
  },
];
const PENDING: readonly Owner[] = [{ knowledge: 'pending' }];

/** States of a connection that waits for accept(2). In any other state, no inode means that a program closed it. */
const UNACCEPTED_STATES: ReadonlySet<SocketState | undefined> = new Set<SocketState>([
  'SYN_RECV',
  'NEW_SYN_RECV',
  'ESTABLISHED',
  'CLOSE_WAIT',
]);

/** Protocols whose connections wait for accept(2). */
const ACCEPTING_PROTOCOLS: ReadonlySet<Protocol> = new Set<Protocol>([
  'tcp',
  'mptcp',
  'sctp',
  'unix',
  'vsock',
]);

/** Minimum time between two reads of the list of users, milliseconds. */
const PASSWD_MS = 60_000;

/** The fields of a socket that determine its owners. */
export interface OwnedSocket {
  readonly protocol: Protocol;
  readonly local: Endpoint;
  readonly state?: SocketState | undefined;
  readonly inode?: number | undefined;
  readonly uid?: number | undefined;
  /** Inode of its network namespace; undefined if only one is read. */
  readonly netns?: number | undefined;
  /** The process that made it, until a holder is found; undefined when unknown. */
  readonly creators?: readonly Owner[] | undefined;
  /** True if it is known that a listener accepted it. */
  readonly isAccepted?: boolean | undefined;
}

export interface AttributionOptions {
  readonly proc: Proc;
  /** Path of passwd(5) relative to the proc file system, such as `../etc/passwd`. */
  readonly passwdPath: string;
  /** Returns milliseconds on a monotonic clock. */
  readonly nowMs: () => number;
  /** Returns wall-clock time, milliseconds since 1970. @default Date.now */
  readonly wallMs?: () => number;
  readonly isRoot: boolean;
  /** See `OtherHolders`; true by default. */
  readonly hasRingPaths?: boolean | undefined;
  /** Returns true for a UDP port that the kernel itself uses in a network namespace. */
  readonly isKernelPort?: (netns: number | undefined, port: number) => boolean;
}

/** Finds the owners of each socket, and how they are known. */
export class Attribution {
  readonly #options: AttributionOptions;
  readonly #bootTime: BootTime;
  readonly owners: Owners;
  #privileges: Privileges;
  #users: ReadonlyMap<number, string> = new Map();
  #passwdReadMs = -Infinity;
  #usersFailure: string | undefined;
  /** Owners of a socket without a holder, by the owners that it had before. */
  readonly #inherited = new WeakMap<readonly Owner[], readonly Owner[]>();
  /** Owners of a connection without inode, by the owners of its listener. */
  readonly #asListener = new WeakMap<readonly Owner[], readonly Owner[]>();
  /** Owners of knowledge `unknown`, by the text that names the searched places: the same array while nothing changes. */
  #unknown = new Map<string, readonly Owner[]>();

  constructor(options: AttributionOptions) {
    this.#options = options;
    const { proc, nowMs, wallMs = Date.now } = options;
    this.#bootTime = new BootTime(proc, { wallMs, nowMs });
    this.owners = new Owners({
      proc,
      userOf: (uid) => this.userOf(uid),
      bootTimeMs: () => this.#bootTime.ms,
      nowMs,
      hasRingPaths: options.hasRingPaths,
    });
    this.#privileges = readPrivileges(proc, options.isRoot);
  }

  /** The privileges of netpane, as of this poll. */
  get privileges(): Privileges {
    return this.#privileges;
  }

  /** Begins a poll: reads the boot time again if the wall clock was set, and the privileges if /proc was mounted or unmounted. */
  beginPoll(): void {
    this.#bootTime.check();
    const { proc, isRoot } = this.#options;
    const self = proc.stat('self');
    const isRead = this.#privileges.procFailure === undefined;
    if (isRead !== 'value' in self) this.#privileges = readPrivileges(proc, isRoot);
  }

  /** Returns the name of a user; undefined if unknown. Reads the list again for a new uid: the user may be new. */
  userOf(uid: number): string | undefined {
    const { proc, passwdPath, nowMs } = this.#options;
    if (!this.#users.has(uid) && nowMs() - this.#passwdReadMs > PASSWD_MS) {
      this.#passwdReadMs = nowMs();
      const passwd = proc.text(passwdPath, LIMIT.machine);
      if ('value' in passwd) this.#users = parsePasswd(passwd.value);
      // A missing file is no failure: the system has no names.
      this.#usersFailure = 'failed' in passwd && passwd.failed !== 'gone' ? passwd.message : undefined;
    }
    return this.#users.get(uid);
  }

  /**
   * Returns the current owners of a socket; the same array while nothing changes.
   * @param lastKnown its owners at the previous poll
   * @param listeners returns the TCP listeners; called only if needed
   */
  ownersOf(
    socket: OwnedSocket,
    lastKnown: readonly Owner[] | undefined,
    listeners: () => Listeners,
  ): readonly Owner[] {
    const { inode } = socket;
    const exact = inode === undefined ? undefined : this.owners.of(inode);
    if (exact) return exact;
    if (lastKnown?.[0]?.pid !== undefined) return withKnowledge(this.#inherited, lastKnown, 'inherited');
    if (socket.creators) return socket.creators;
    if (inode === undefined) {
      const owners = socket.protocol === 'tcp' ? listeners().of(socket) : undefined;
      if (owners === undefined) return this.#ownersWithoutInode(socket);
      return owners[0]?.pid === undefined ? owners : withKnowledge(this.#asListener, owners, 'listener');
    }
    if (socket.isAccepted && this.owners.isPending(inode)) {
      const owners = listeners().of(socket);
      if (owners?.[0]?.pid !== undefined) return withKnowledge(this.#asListener, owners, 'listener');
    }
    if (socket.protocol === 'udp' && this.#options.isKernelPort?.(socket.netns, socket.local.port))
      return KERNEL;
    return this.#ownersWithoutHolder(inode);
  }

  /** Returns the owners of a socket without inode and without a known listener. */
  #ownersWithoutInode({ protocol, state }: OwnedSocket): readonly Owner[] {
    return ACCEPTING_PROTOCOLS.has(protocol) && UNACCEPTED_STATES.has(state) ? NOT_ACCEPTED : GONE;
  }

  /** Returns the owners of a socket without a known holder. */
  #ownersWithoutHolder(inode: number): readonly Owner[] {
    if (this.owners.isPending(inode)) return PENDING;
    if (this.owners.hasUnseenProcesses || this.#privileges.isInPidNamespace) return HIDDEN;
    const tried = this.owners.triedFor(inode);
    // No search was made, because a holder is known: it ended before it was identified.
    return tried === undefined ? GONE : this.#unknownOf(tried);
  }

  #unknownOf(tried: string): readonly Owner[] {
    let owners = this.#unknown.get(tried);
    if (owners === undefined) {
      if (this.#unknown.size >= MAX_TEXTS) this.#unknown = new Map();
      owners = [{ knowledge: 'unknown', tried }];
      this.#unknown.set(tried, owners);
    }
    return owners;
  }

  /** Returns the listeners among `sockets` with their owners. */
  listeners(sockets: Iterable<OwnedSocket>): Listeners {
    const listeners = new Listeners();
    for (const socket of sockets) {
      if (socket.state !== 'LISTEN' || socket.inode === undefined) continue;
      const owners = this.owners.of(socket.inode) ?? this.#ownersWithoutHolder(socket.inode);
      if (owners !== PENDING) listeners.add(socket, owners);
    }
    return listeners;
  }

  /** Returns the notice about hidden owners, if any. @param counts sockets with a hidden owner, by user name */
  hiddenNotice(counts: ReadonlyMap<string, number>): Degradation | undefined {
    return hiddenNotice(counts, this.privileges);
  }

  /** Returns the notice about an unreadable list of users, if any. */
  usersNotice(): Degradation | undefined {
    return this.#usersFailure === undefined ? undefined : usersUnread(this.#usersFailure);
  }
}

/** Maximum number of `unknown` owners kept. */
const MAX_TEXTS = 1000;

/** Returns true if the owners are hidden: this user may not see the process that holds the socket. */
export const isHidden = (owners: readonly Owner[]): boolean => owners === HIDDEN;

/** Returns the number of sockets with a hidden owner, by user. */
export function countHidden(sockets: ReadonlyMap<string, Socket>): ReadonlyMap<string, number> {
  const hidden = new Map<string, number>();
  for (const { owners, user, uid } of sockets.values()) {
    if (!isHidden(owners)) continue;
    const name = user ?? `user ${uid ?? '?'}`;
    hidden.set(name, (hidden.get(name) ?? 0) + 1);
  }
  return hidden;
}

/** Owners and users of TCP listeners, by local address and port; listeners on any address by port alone. */
export class Listeners {
  readonly #listeners = new Map<string, { readonly owners: readonly Owner[]; readonly uid?: number }>();

  add({ local, netns, uid }: OwnedSocket, owners: readonly Owner[]): void {
    const address = isAnyAddress(local.address) ? '*' : local.address;
    this.#listeners.set(`${netns} ${address} ${local.port}`, { owners, ...(uid !== undefined && { uid }) });
  }

  of(socket: OwnedSocket): readonly Owner[] | undefined {
    return this.#find(socket)?.owners;
  }

  uidOf(socket: OwnedSocket): number | undefined {
    return this.#find(socket)?.uid;
  }

  #find({ local, netns }: OwnedSocket) {
    return (
      this.#listeners.get(`${netns} ${local.address} ${local.port}`) ??
      this.#listeners.get(`${netns} * ${local.port}`)
    );
  }
}

/** Returns exact owners with another `knowledge`, any others unchanged; the same array for the same owners. */
function withKnowledge(
  cache: WeakMap<readonly Owner[], readonly Owner[]>,
  owners: readonly Owner[],
  knowledge: Owner['knowledge'],
): readonly Owner[] {
  // Owners that were inherited or taken from a listener keep that knowledge.
  if (owners[0]?.knowledge !== 'exact') return owners;
  const known = cache.get(owners);
  if (known) return known;
  const made = owners.map((owner) => ({ ...owner, knowledge }));
  cache.set(owners, made);
  return made;
}
