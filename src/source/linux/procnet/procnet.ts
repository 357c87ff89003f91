import type { Progress } from '../../../model/progress.ts';
import { isLinkLocal } from '../../../model/address.ts';
import type { Degradation, Snapshot } from '../../../model/batch.ts';
import type { Socket } from '../../../model/socket.ts';
import { counted } from '../../../model/text.ts';
import type { SocketBounds } from '../../socket-limiter.ts';
import { Lives } from '../../lives.ts';
import { type Source, SourceFailed } from '../../types.ts';
import { Attribution, isHidden } from '../owners/attribution.ts';
import { LIMIT, type Outcome, Proc } from '../proc/proc.ts';
import { parseLinkScopes, parseTable, type Table, TABLES, withScope } from './table.ts';

export interface ProcNetSourceOptions {
  /** Path of the proc file system; `/proc` by default. */
  readonly procRoot?: string;
  /** Path of the user list, relative to the proc file system; `../etc/passwd` by default. */
  readonly passwdPath?: string;
  /** Monotonic clock, milliseconds; measures the cost of a poll. */
  readonly nowMs: () => number;
  /** True if netpane runs as root, who can read nearly every process. */
  readonly isRoot: boolean;
  /** See `OtherHolders`; true by default. */
  readonly hasRingPaths?: boolean;
  /** See `SourceOptions`; no limit by default. */
  readonly ownerBudgetMs?: number;
  readonly bounds?: SocketBounds | undefined;
  /** Stores which process is being read. */
  readonly progress?: Progress | undefined;
}

/** The source `proc`: sockets of netpane's network namespace from /proc/net, their owners from /proc/PID. */
export class ProcNetSource implements Source {
  readonly name = '/proc/net';
  readonly #proc: Proc;
  readonly #nowMs: () => number;
  readonly #ownerBudgetMs: number;
  readonly #lives: Lives;
  readonly #attribution: Attribution;
  /** Socket inodes of the last poll. */
  #inodes: ReadonlySet<number> = new Set();
  /** Number of sockets in the last poll. */
  #socketCount = 0;
  #last: Snapshot | undefined;
  /** Number of sockets with a hidden owner, by user name. */
  #hiddenByUser: ReadonlyMap<string, number> = new Map();
  /** Number of sockets in the last poll, by table. */
  readonly #countByTable = new Map<Table, number>();

  constructor({
    procRoot = '/proc',
    passwdPath = '../etc/passwd',
    nowMs,
    isRoot,
    hasRingPaths,
    ownerBudgetMs = Infinity,
    bounds,
    progress,
  }: ProcNetSourceOptions) {
    this.#proc = new Proc(procRoot, progress);
    this.#nowMs = nowMs;
    this.#lives = new Lives(bounds);
    this.#ownerBudgetMs = ownerBudgetMs;
    this.#attribution = new Attribution({ proc: this.#proc, passwdPath, nowMs, isRoot, hasRingPaths });
  }

  /** Returns a snapshot. If a table cannot be read, the first call rejects, and a later call returns the previous sockets. */
  async read(): Promise<Snapshot> {
    const startMs = this.#nowMs();
    this.#attribution.beginPoll();
    const texts = TABLES.map((table) => ({
      table,
      text: this.#proc.table(`net/${table.file}`),
    }));
    const failure = texts.find(({ table, text }) => isFailure(table, text));
    if (failure && 'failed' in failure.text) {
      const { message } = failure.text;
      if (this.#last === undefined)
        throw new SourceFailed(`cannot read the sockets of this machine: ${message}`);
      return { ...this.#last, degradations: [stale(message)] };
    }
    const degradations = this.#parseTables(texts);
    degradations.unshift(...this.#lives.notices());
    const tablesMs = this.#nowMs();
    this.#refreshOwners();
    const ownersMs = this.#nowMs();
    const sockets = this.#finishPoll();
    const hidden = this.#attribution.hiddenNotice(this.#hiddenByUser);
    if (hidden) degradations.push(hidden);
    this.#last = {
      sockets,
      interfaces: [],
      degradations,
      socketsMs: tablesMs - startMs + (this.#nowMs() - ownersMs),
      ownersMs: ownersMs - tablesMs,
    };
    return this.#last;
  }

  /** Returns every socket of this poll, and counts those with a hidden owner. */
  #finishPoll(): ReadonlyMap<string, Socket> {
    let calls = 0;
    const hiddenByUser = new Map<string, number>();
    let listeners: ReturnType<Attribution['listeners']> | undefined;
    const attribution = this.#attribution;
    const sockets = this.#lives.finish((sighting, previous) => {
      const owners = attribution.ownersOf(
        sighting,
        previous?.owners,
        () => (listeners ??= attribution.listeners(this.#lives.sightings())),
      );
      calls++;
      if (isHidden(owners)) {
        const user = sighting.user ?? `user ${sighting.uid ?? '?'}`;
        hiddenByUser.set(user, (hiddenByUser.get(user) ?? 0) + 1);
      }
      return owners;
    }, attribution.owners.changed.size > 0);
    // `finish` calls back for every socket or, if nothing changed, for none: then the previous counts are valid.
    if (calls > 0 || sockets.size === 0) this.#hiddenByUser = hiddenByUser;
    return sockets;
  }

  /** Updates the owners with the new and the removed socket inodes. */
  #refreshOwners(): void {
    const before = this.#inodes;
    const counts = this.#lives.counts;
    const isSame = counts.added === 0 && counts.unchanged === this.#socketCount;
    this.#socketCount = counts.unchanged + counts.added;
    if (!isSame) {
      const inodes = new Set<number>();
      for (const { inode } of this.#lives.sightings()) if (inode !== undefined) inodes.add(inode);
      this.#inodes = inodes;
    }
    const now = this.#inodes;
    const added = now === before ? [] : [...now].filter((inode) => !before.has(inode));
    const removed = now === before ? [] : [...before].filter((inode) => !now.has(inode));
    this.#attribution.owners.refresh(added, removed, this.#ownerBudgetMs);
  }

  /**
   * Parses all tables into `lives`. For each read(2) of a UDP table the kernel counts from the start to find its
   * position, so a socket that closes meanwhile hides another one. A UDP table that lacks a socket of the last poll is
   * read once more: the socket may be closed or only hidden.
   */
  #parseTables(texts: readonly { table: Table; text: Outcome<string> }[]): Degradation[] {
    const degradations: Degradation[] = [];
    let scopes: Map<string, string> | undefined;
    const lives = this.#lives;
    /** Adds the new sockets of a table. @returns the number of malformed lines */
    const addTable = (table: Table, text: string): number => {
      const { items, problems } = parseTable(text, table, (key) => lives.markSeen(key));
      for (const { key, sighting } of items) {
        const { uid, local } = sighting;
        if (isLinkLocal(local.address)) scopes ??= this.#linkScopes();
        const user = uid === undefined ? undefined : this.#attribution.userOf(uid);
        lives.add(key, { ...(scopes ? withScope(sighting, scopes) : sighting), user });
      }
      return problems;
    };
    lives.begin();
    for (const { table, text } of texts) {
      if (!('value' in text)) continue;
      if (text.isCut) degradations.push(truncatedTable(table.file));
      const before = lives.counts;
      let problems = addTable(table, text.value);
      const unchanged = lives.counts.unchanged - before.unchanged;
      if (table.protocol === 'udp' && unchanged < (this.#countByTable.get(table) ?? 0)) {
        const again = this.#proc.table(`net/${table.file}`);
        if ('value' in again) problems = addTable(table, again.value);
      }
      if (problems > 0) degradations.push(unreadableLines(table.file, problems));
      const { unchanged: all, added } = lives.counts;
      this.#countByTable.set(table, all - before.unchanged + added - before.added);
    }
    return degradations;
  }

  #linkScopes(): Map<string, string> {
    const text = this.#proc.latin1('net/if_inet6', LIMIT.machine);
    return 'value' in text ? parseLinkScopes(text.value) : new Map<string, string>();
  }
}

/** Returns true if a table could not be read. A kernel without IPv6 or UDP has no such table; only TCP is required. */
const isFailure = (table: Table, text: Outcome<string>): boolean =>
  'failed' in text && (text.failed !== 'gone' || table.file === 'tcp');

const stale = (message: string): Degradation => ({
  code: 'stale',
  text: `the sockets could not be read, the previous ones are shown: ${message}`,
  short: 'stale: cannot read /proc/net',
});

const truncatedTable = (file: string): Degradation => ({
  code: `cut-table ${file}`,
  text: `/proc/net/${file} is longer than ${LIMIT.table / 2 ** 20} MB: the sockets beyond that are not shown`,
  short: `/proc/net/${file} is too long`,
});

const unreadableLines = (file: string, count: number): Degradation => ({
  code: `unreadable-lines ${file}`,
  text: `${counted(count, 'line')} of /proc/net/${file} could not be read`,
  short: `${counted(count, 'line')} unreadable`,
});
