import type { Degradation, Snapshot } from '../../model/batch.ts';
import { isAnyAddress } from '../../model/address.ts';
import type { Owner, Socket } from '../../model/socket.ts';
import { Lives, type Sighting } from '../lives.ts';
import type { Source } from '../types.ts';
import { Owners } from './owners.ts';
import { type Outcome, Proc } from './proc.ts';
import { parseBootTimeMs, parsePasswd } from './process.ts';
import { isLinkLocal, parseLinkScopes, parseTable, type Table, TABLES, withScope } from './table.ts';

const HIDDEN: readonly Owner[] = [{ knowledge: 'hidden' }];
const KERNEL: readonly Owner[] = [{ knowledge: 'kernel' }];
const GONE: readonly Owner[] = [{ knowledge: 'gone' }];

/** The list of users is read again at most so often, milliseconds. */
const PASSWD_MS = 60_000;

/** Inode of the machine's first pid namespace: PROC_PID_INIT_INO, include/linux/proc_ns.h. */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';

export interface LinuxSourceOptions {
  /** Where the proc file system is; `/proc` by default. */
  readonly procRoot?: string;
  /** User names by uid; `/etc/passwd` below here by default (`/`). */
  readonly passwdPath?: string;
  /** Milliseconds on a clock that never runs backwards, for the cost of a reading. */
  readonly nowMs: () => number;
  /** True when the reader is root, who can see every process. */
  readonly isRoot: boolean;
}

/** Sockets of this network namespace from /proc/net, programs behind them from /proc/PID. */
export class LinuxSource implements Source {
  readonly name = '/proc/net';
  readonly #proc: Proc;
  readonly #nowMs: () => number;
  readonly #isRoot: boolean;
  readonly #lives = new Lives();
  readonly #owners: Owners;
  #users: ReadonlyMap<number, string> = new Map();
  readonly #passwdPath: string;
  #passwdReadMs = -Infinity;
  #last: Snapshot | undefined;
  #hidden = 0;
  readonly #lineCounts = new Map<Table, number>();
  /** The owners of a socket nobody holds any more, by the owners it had. */
  readonly #inherited = new WeakMap<readonly Owner[], readonly Owner[]>();
  readonly #asListener = new WeakMap<readonly Owner[], readonly Owner[]>();
  readonly #inOtherContainer: boolean;

  constructor({ procRoot = '/proc', passwdPath = '../etc/passwd', nowMs, isRoot }: LinuxSourceOptions) {
    this.#proc = new Proc(procRoot);
    this.#nowMs = nowMs;
    this.#isRoot = isRoot;
    this.#passwdPath = passwdPath;
    const stat = this.#proc.latin1('stat');
    this.#owners = new Owners({
      proc: this.#proc,
      userOf: (uid) => this.#userOf(uid),
      bootTimeMs: 'value' in stat ? parseBootTimeMs(stat.value) : undefined,
    });
    const namespace = this.#proc.link('self/ns/pid');
    this.#inOtherContainer = 'value' in namespace && namespace.value !== FIRST_PID_NAMESPACE;
  }

  /** Rejects when the tables cannot be read the first time; later the last sockets stay, with a notice. */
  async read(): Promise<Snapshot> {
    const startMs = this.#nowMs();
    const texts = TABLES.map((table) => ({ table, text: this.#proc.latin1(`net/${table.file}`) }));
    const lost = texts.find(({ table, text }) => isLost(table, text));
    if (lost && 'failed' in lost.text) {
      const { message } = lost.text;
      if (this.#last === undefined) throw new Error(`cannot read the sockets of this machine: ${message}`);
      return { ...this.#last, degradations: [stale(message)] };
    }
    const { newInodes, degradations } = this.#takeIn(texts);
    const tablesMs = this.#nowMs();
    let presentInodes: Set<number> | undefined;
    this.#owners.refresh(newInodes, () => (presentInodes ??= this.#inodes()));
    const ownersMs = this.#nowMs();
    const sockets = this.#settle();
    if (this.#hidden > 0) degradations.push(this.#hiddenOwners(this.#hidden));
    this.#last = {
      sockets,
      interfaces: [],
      degradations,
      sampleMs: tablesMs - startMs + (this.#nowMs() - ownersMs),
      ownersMs: ownersMs - tablesMs,
    };
    return this.#last;
  }

  /** Every socket of this reading, and in passing how many of them hide their owners. */
  #settle(): ReadonlyMap<string, Socket> {
    let asked = 0;
    let hidden = 0;
    let listeners: Map<string, readonly Owner[]> | undefined;
    const sockets = this.#lives.settle((sighting, previous) => {
      const owners = this.#ownersOf(sighting, previous, () => (listeners ??= this.#listeners()));
      asked++;
      if (owners === HIDDEN) hidden++;
      return owners;
    }, this.#owners.changed);
    // It asks about every socket or, when nothing changed, about none: then there are as many as before.
    if (asked > 0 || sockets.size === 0) this.#hidden = hidden;
    return sockets;
  }

  /**
   * Notes every line of the tables. The kernel finds its place in a UDP table by counting from the start, piece after
   * piece: a socket that closes meanwhile hides another one. Where a line is missing, the table is read once more.
   */
  #takeIn(texts: readonly { table: Table; text: Outcome<string> }[]): {
    newInodes: number[];
    degradations: Degradation[];
  } {
    const degradations: Degradation[] = [];
    const newInodes: number[] = [];
    let scopes: Map<string, string> | undefined;
    const lives = this.#lives;
    const takeTable = (table: Table, text: string): void => {
      const { items, problems } = parseTable(text, table, (key) => lives.recall(key));
      for (const { key, sighting } of items) {
        const { inode, uid, local } = sighting;
        if (inode !== undefined) newInodes.push(inode);
        if (isLinkLocal(local.address)) scopes ??= this.#linkScopes();
        const user = uid === undefined ? undefined : this.#userOf(uid);
        lives.add(key, { ...(scopes ? withScope(sighting, scopes) : sighting), user });
      }
      if (problems > 0) degradations.push(unreadableLines(table.file, problems));
    };
    lives.begin();
    for (const { table, text } of texts) {
      if (!('value' in text)) continue;
      const before = lives.counts;
      takeTable(table, text.value);
      const recalled = lives.counts.recalled - before.recalled;
      if (table.protocol === 'udp' && recalled < (this.#lineCounts.get(table) ?? 0)) {
        const again = this.#proc.latin1(`net/${table.file}`);
        if ('value' in again) takeTable(table, again.value);
      }
      const { recalled: all, added } = lives.counts;
      this.#lineCounts.set(table, all - before.recalled + added - before.added);
    }
    return { newInodes, degradations };
  }

  /** Name of a user; a uid that is not known may be of a user made since the list was read. */
  #userOf(uid: number): string | undefined {
    if (!this.#users.has(uid) && this.#nowMs() - this.#passwdReadMs > PASSWD_MS) {
      this.#passwdReadMs = this.#nowMs();
      const passwd = this.#proc.text(this.#passwdPath);
      if ('value' in passwd) this.#users = parsePasswd(passwd.value);
    }
    return this.#users.get(uid);
  }

  #linkScopes(): Map<string, string> {
    const text = this.#proc.latin1('net/if_inet6');
    return 'value' in text ? parseLinkScopes(text.value) : new Map<string, string>();
  }

  #inodes(): Set<number> {
    const inodes = new Set<number>();
    for (const { inode } of this.#lives.sightings()) if (inode !== undefined) inodes.add(inode);
    return inodes;
  }

  #ownersOf(
    { inode, protocol, local }: Sighting,
    previous: Socket | undefined,
    listeners: () => ReadonlyMap<string, readonly Owner[]>,
  ): readonly Owner[] {
    const exact = inode === undefined ? undefined : this.#owners.of(inode);
    if (exact) return exact;
    const lastKnown = previous?.owners;
    if (lastKnown?.[0]?.pid !== undefined) return cached(this.#inherited, lastKnown, 'inherited');
    if (inode === undefined) {
      if (protocol !== 'tcp') return GONE;
      const byListener = listeners();
      const owners = byListener.get(`${local.address} ${local.port}`) ?? byListener.get(`* ${local.port}`);
      return owners?.[0]?.pid === undefined ? (owners ?? GONE) : cached(this.#asListener, owners, 'listener');
    }
    if (this.#owners.unseenProcesses || this.#inOtherContainer) return HIDDEN;
    return this.#owners.isHeldByNobody(inode) ? KERNEL : GONE;
  }

  /** Owners of TCP listeners by local address and port; one on any address by its port alone. */
  #listeners(): Map<string, readonly Owner[]> {
    const listeners = new Map<string, readonly Owner[]>();
    for (const { state, local, inode } of this.#lives.sightings()) {
      if (state !== 'LISTEN' || inode === undefined) continue;
      const address = isAnyAddress(local.address) ? '*' : local.address;
      const owners = this.#owners.of(inode) ?? (this.#owners.unseenProcesses ? HIDDEN : undefined);
      if (owners) listeners.set(`${address} ${local.port}`, owners);
    }
    return listeners;
  }

  #hiddenOwners(count: number): Degradation {
    const one = count === 1;
    const remedy = this.#inOtherContainer
      ? 'the programs run outside this container'
      : this.#isRoot
        ? 'even root may not look into the programs here'
        : `run with sudo to see ${one ? 'it' : 'them'}`;
    return {
      code: 'owners-hidden',
      text: `${one ? 'the owner of 1 socket is' : `owners of ${count} sockets are`} hidden: ${remedy}`,
      short: `${count} owner${one ? '' : 's'} hidden${this.#isRoot ? '' : ': sudo'}`,
    };
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

/** A kernel without IPv6 or without UDP has no such table, and nothing is missed then; TCP is always there. */
const isLost = (table: Table, text: Outcome<string>): boolean =>
  'failed' in text && (text.failed !== 'gone' || table.file === 'tcp');

const stale = (message: string): Degradation => ({
  code: 'stale',
  text: `these are the sockets of a while ago: ${message}`,
  short: 'stale: cannot read /proc/net',
});

const unreadableLines = (file: string, count: number): Degradation => ({
  code: `unreadable-lines ${file}`,
  text: `${count} ${count === 1 ? 'line' : 'lines'} of /proc/net/${file} could not be read`,
  short: `${count} lines unreadable`,
});
