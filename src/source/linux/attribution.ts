import type { Degradation } from '../../model/batch.ts';
import { isAnyAddress } from '../../model/address.ts';
import type { Endpoint, Owner, Protocol, SocketState } from '../../model/socket.ts';
import { hiddenNotice, usersUnread } from './hidden-notice.ts';
import { Owners } from './owners.ts';
import { LIMIT, type Proc } from './proc.ts';
import { parseBootTimeMs, parsePasswd } from './process.ts';
import { type Privileges, readPrivileges } from './privileges.ts';

const HIDDEN: readonly Owner[] = [{ knowledge: 'hidden' }];
const KERNEL: readonly Owner[] = [{ knowledge: 'kernel' }];
const GONE: readonly Owner[] = [{ knowledge: 'gone' }];
const NOT_ACCEPTED: readonly Owner[] = [
  {
    knowledge: 'unknown',
    tried: 'no program has accepted it yet, and no listener of it was found',
  },
];
const PENDING: readonly Owner[] = [{ knowledge: 'pending' }];

/** States of a connection that waits to be accepted: without an inode, in any other a program has closed it. */
const UNACCEPTED: ReadonlySet<SocketState | undefined> = new Set<SocketState>([
  'SYN_RECV',
  'NEW_SYN_RECV',
  'ESTABLISHED',
  'CLOSE_WAIT',
]);

/** Protocols whose connections wait to be accepted. */
const ACCEPTED: ReadonlySet<Protocol> = new Set<Protocol>(['tcp', 'mptcp', 'sctp', 'unix', 'vsock']);

/** The list of users is read again at most so often, milliseconds. */
const PASSWD_MS = 60_000;

/** What the owners of a socket depend on. */
export interface OwnedSocket {
  readonly protocol: Protocol;
  readonly local: Endpoint;
  readonly state?: SocketState | undefined;
  readonly inode?: number | undefined;
  readonly uid?: number | undefined;
  /** Inode of its network namespace, where there are several. */
  readonly netns?: number | undefined;
}

export interface AttributionOptions {
  readonly proc: Proc;
  /** User names by uid, below the proc file system: `../etc/passwd`. */
  readonly passwdPath: string;
  readonly nowMs: () => number;
  readonly isRoot: boolean;
  /** See `OtherHolders`; true by default. */
  readonly hasRingPaths?: boolean | undefined;
  /** True for a UDP port that the kernel itself holds in a network namespace. */
  readonly isKernelPort?: (netns: number | undefined, port: number) => boolean;
}

/** Says of every socket which program is behind it, and how that is known. */
export class Attribution {
  readonly #options: AttributionOptions;
  readonly owners: Owners;
  #privileges: Privileges;
  #users: ReadonlyMap<number, string> = new Map();
  #passwdReadMs = -Infinity;
  #usersFailure: string | undefined;
  /** The owners of a socket nobody holds any more, by the owners it had. */
  readonly #inherited = new WeakMap<readonly Owner[], readonly Owner[]>();
  readonly #asListener = new WeakMap<readonly Owner[], readonly Owner[]>();
  /** The owner `unknown` by what was tried: the same array while nothing changes. */
  #unknown = new Map<string, readonly Owner[]>();

  constructor(options: AttributionOptions) {
    this.#options = options;
    const { proc, nowMs } = options;
    const stat = proc.latin1('stat', LIMIT.machine);
    this.owners = new Owners({
      proc,
      userOf: (uid) => this.userOf(uid),
      bootTimeMs: 'value' in stat ? parseBootTimeMs(stat.value) : undefined,
      nowMs,
      hasRingPaths: options.hasRingPaths,
    });
    this.#privileges = readPrivileges(proc, options.isRoot);
  }

  /** Returns the rights of this program now: /proc may come and go. */
  get privileges(): Privileges {
    const { proc, isRoot } = this.#options;
    const self = proc.stat('self');
    const isRead = this.#privileges.procFailure === undefined;
    if (isRead !== 'value' in self) this.#privileges = readPrivileges(proc, isRoot);
    return this.#privileges;
  }

  /** Name of a user; a uid that is not known may be of a user made since the list was read. */
  userOf(uid: number): string | undefined {
    const { proc, passwdPath, nowMs } = this.#options;
    if (!this.#users.has(uid) && nowMs() - this.#passwdReadMs > PASSWD_MS) {
      this.#passwdReadMs = nowMs();
      const passwd = proc.text(passwdPath, LIMIT.machine);
      if ('value' in passwd) this.#users = parsePasswd(passwd.value);
      // A system without this file has no names.
      this.#usersFailure = 'failed' in passwd && passwd.failed !== 'gone' ? passwd.message : undefined;
    }
    return this.#users.get(uid);
  }

  /**
   * The owners of a socket now; the same array while nothing changes.
   * @param lastKnown those that it had at the last reading
   * @param listeners owners of TCP listeners; asked for only where they are needed
   */
  ownersOf(
    socket: OwnedSocket,
    lastKnown: readonly Owner[] | undefined,
    listeners: () => Listeners,
  ): readonly Owner[] {
    const { inode } = socket;
    const exact = inode === undefined ? undefined : this.owners.of(inode);
    if (exact) return exact;
    if (lastKnown?.[0]?.pid !== undefined) return cached(this.#inherited, lastKnown, 'inherited');
    if (inode === undefined) {
      const owners = socket.protocol === 'tcp' ? listeners().of(socket) : undefined;
      if (owners === undefined) return this.#unlistened(socket);
      return owners[0]?.pid === undefined ? owners : cached(this.#asListener, owners, 'listener');
    }
    if (socket.protocol === 'udp' && this.#options.isKernelPort?.(socket.netns, socket.local.port))
      return KERNEL;
    return this.#unheld(inode);
  }

  /** Says why a socket without an inode has no owner where no listener of it is known. */
  #unlistened({ protocol, state }: OwnedSocket): readonly Owner[] {
    return ACCEPTED.has(protocol) && UNACCEPTED.has(state) ? NOT_ACCEPTED : GONE;
  }

  /** Says why no process is known to hold a socket. */
  #unheld(inode: number): readonly Owner[] {
    if (this.owners.isPending(inode)) return PENDING;
    if (this.owners.hasUnseenProcesses || this.#privileges.isInPidNamespace) return HIDDEN;
    const tried = this.owners.triedFor(inode);
    // It was found, and its process ended before it could be asked who it is.
    return tried === undefined ? GONE : this.#unknownOf(tried);
  }

  #unknownOf(tried: string): readonly Owner[] {
    let owners = this.#unknown.get(tried);
    if (owners === undefined) {
      if (this.#unknown.size >= MOST_TEXTS) this.#unknown = new Map();
      owners = [{ knowledge: 'unknown', tried }];
      this.#unknown.set(tried, owners);
    }
    return owners;
  }

  /** Owners of the listeners among `sockets`. */
  listeners(sockets: Iterable<OwnedSocket>): Listeners {
    const listeners = new Listeners();
    for (const socket of sockets) {
      if (socket.state !== 'LISTEN' || socket.inode === undefined) continue;
      const owners = this.owners.of(socket.inode) ?? this.#unheld(socket.inode);
      if (owners !== PENDING) listeners.add(socket, owners);
    }
    return listeners;
  }

  /** What is missing, in words. @param counts sockets whose owners are hidden, by the name of their user */
  hiddenNotice(counts: ReadonlyMap<string, number>): Degradation | undefined {
    return hiddenNotice(counts, this.privileges);
  }

  /** The notice of a list of users that is there and cannot be read. */
  usersNotice(): Degradation | undefined {
    return this.#usersFailure === undefined ? undefined : usersUnread(this.#usersFailure);
  }
}

/** Texts of what was tried that are kept at most. */
const MOST_TEXTS = 1000;

/** True when `owners` say that some process holds the socket, but not which. */
export const isHidden = (owners: readonly Owner[]): boolean => owners === HIDDEN;

/** Owners and users of TCP listeners by local address and port; of one on any address by its port alone. */
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

/** The same owners with another knowledge; the same array for the same owners. */
function cached(
  cache: WeakMap<readonly Owner[], readonly Owner[]>,
  owners: readonly Owner[],
  knowledge: Owner['knowledge'],
): readonly Owner[] {
  // What was last known stays last known; a listener's connection keeps saying so.
  if (owners[0]?.knowledge !== 'exact') return owners;
  const known = cache.get(owners);
  if (known) return known;
  const made = owners.map((owner) => ({ ...owner, knowledge }));
  cache.set(owners, made);
  return made;
}
