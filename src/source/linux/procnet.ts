import type { Progress } from '../../model/progress.ts';
import type { Degradation, Snapshot } from '../../model/batch.ts';
import type { Socket } from '../../model/socket.ts';
import type { SocketBounds } from '../socket-limiter.ts';
import { Lives } from '../lives.ts';
import type { Source } from '../types.ts';
import { Attribution, isHidden } from './attribution.ts';
import { LIMIT, type Outcome, Proc } from './proc.ts';
import { isLinkLocal, parseLinkScopes, parseTable, type Table, TABLES, withScope } from './table.ts';

export interface ProcNetSourceOptions {
  /** Where the proc file system is; `/proc` by default. */
  readonly procRoot?: string;
  /** User names by uid, below the proc file system; `../etc/passwd` by default. */
  readonly passwdPath?: string;
  /** Milliseconds on a clock that never runs backwards, for the cost of a reading. */
  readonly nowMs: () => number;
  /** True when the reader is root, who can see every process. */
  readonly isRoot: boolean;
  readonly hasRingPaths?: boolean;
  /** See `SourceOptions`; without a bound by default. */
  readonly ownerBudgetMs?: number;
  readonly bounds?: SocketBounds | undefined;
  /** Notes which process is read. */
  readonly progress?: Progress | undefined;
}

/** Sockets of this network namespace from /proc/net, programs behind them from /proc/PID. */
export class ProcNetSource implements Source {
  readonly name = '/proc/net';
  readonly #proc: Proc;
  readonly #nowMs: () => number;
  readonly #ownerBudgetMs: number;
  readonly #lives: Lives;
  readonly #attribution: Attribution;
  #inodes: ReadonlySet<number> = new Set();
  #lines = 0;
  #last: Snapshot | undefined;
  #hidden: ReadonlyMap<string, number> = new Map();
  readonly #lineCounts = new Map<Table, number>();

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

  /** Rejects when the tables cannot be read the first time; later the last sockets stay, with a notice. */
  async read(): Promise<Snapshot> {
    const startMs = this.#nowMs();
    const texts = TABLES.map((table) => ({
      table,
      text: this.#proc.latin1(`net/${table.file}`, LIMIT.table),
    }));
    const lost = texts.find(({ table, text }) => isLost(table, text));
    if (lost && 'failed' in lost.text) {
      const { message } = lost.text;
      if (this.#last === undefined) throw new Error(`cannot read the sockets of this machine: ${message}`);
      return { ...this.#last, degradations: [stale(message)] };
    }
    const degradations = this.#takeIn(texts);
    degradations.unshift(...this.#lives.notices());
    const tablesMs = this.#nowMs();
    this.#refreshOwners();
    const ownersMs = this.#nowMs();
    const sockets = this.#settle();
    const hidden = this.#attribution.hiddenNotice(this.#hidden);
    if (hidden) degradations.push(hidden);
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
    const hidden = new Map<string, number>();
    let listeners: ReturnType<Attribution['listeners']> | undefined;
    const attribution = this.#attribution;
    const sockets = this.#lives.finish((sighting, previous) => {
      const owners = attribution.ownersOf(
        sighting,
        previous?.owners,
        () => (listeners ??= attribution.listeners(this.#lives.sightings())),
      );
      asked++;
      if (isHidden(owners)) {
        const user = sighting.user ?? `user ${sighting.uid ?? '?'}`;
        hidden.set(user, (hidden.get(user) ?? 0) + 1);
      }
      return owners;
    }, attribution.owners.changed.size > 0);
    // It asks about every socket or, when nothing changed, about none: then there are as many as before.
    if (asked > 0 || sockets.size === 0) this.#hidden = hidden;
    return sockets;
  }

  /** Tells the owners which sockets have come and which have gone. */
  #refreshOwners(): void {
    const before = this.#inodes;
    const { unchanged, added } = this.#lives.counts;
    const isSame = added === 0 && unchanged === this.#lines;
    this.#lines = unchanged + added;
    if (!isSame) {
      const inodes = new Set<number>();
      for (const { inode } of this.#lives.sightings()) if (inode !== undefined) inodes.add(inode);
      this.#inodes = inodes;
    }
    const now = this.#inodes;
    const come = now === before ? [] : [...now].filter((inode) => !before.has(inode));
    const gone = now === before ? [] : [...before].filter((inode) => !now.has(inode));
    this.#attribution.owners.refresh(come, gone, this.#ownerBudgetMs);
  }

  /**
   * Notes every line of the tables. The kernel finds its place in a UDP table by counting from the start, piece after
   * piece: a socket that closes meanwhile hides another one. Where a line is missing, the table is read once more.
   */
  #takeIn(texts: readonly { table: Table; text: Outcome<string> }[]): Degradation[] {
    const degradations: Degradation[] = [];
    let scopes: Map<string, string> | undefined;
    const lives = this.#lives;
    const takeTable = (table: Table, text: string): void => {
      const { items, problems } = parseTable(text, table, (key) => lives.markSeen(key));
      for (const { key, sighting } of items) {
        const { uid, local } = sighting;
        if (isLinkLocal(local.address)) scopes ??= this.#linkScopes();
        const user = uid === undefined ? undefined : this.#attribution.userOf(uid);
        lives.add(key, { ...(scopes ? withScope(sighting, scopes) : sighting), user });
      }
      if (problems > 0) degradations.push(unreadableLines(table.file, problems));
    };
    lives.begin();
    for (const { table, text } of texts) {
      if (!('value' in text)) continue;
      if (text.isCut) degradations.push(cutTable(table.file));
      const before = lives.counts;
      takeTable(table, text.value);
      const unchanged = lives.counts.unchanged - before.unchanged;
      if (table.protocol === 'udp' && unchanged < (this.#lineCounts.get(table) ?? 0)) {
        const again = this.#proc.latin1(`net/${table.file}`, LIMIT.table);
        if ('value' in again) takeTable(table, again.value);
      }
      const { unchanged: all, added } = lives.counts;
      this.#lineCounts.set(table, all - before.unchanged + added - before.added);
    }
    return degradations;
  }

  #linkScopes(): Map<string, string> {
    const text = this.#proc.latin1('net/if_inet6', LIMIT.machine);
    return 'value' in text ? parseLinkScopes(text.value) : new Map<string, string>();
  }
}

/** A kernel without IPv6 or without UDP has no such table, and nothing is missed then; TCP is always there. */
const isLost = (table: Table, text: Outcome<string>): boolean =>
  'failed' in text && (text.failed !== 'gone' || table.file === 'tcp');

const stale = (message: string): Degradation => ({
  code: 'stale',
  text: `these are the sockets of a while ago: ${message}`,
  short: 'stale: cannot read /proc/net',
});

const cutTable = (file: string): Degradation => ({
  code: `cut-table ${file}`,
  text: `/proc/net/${file} is longer than ${LIMIT.table / 2 ** 20} MB: the sockets behind that are not shown`,
  short: `/proc/net/${file} is too long`,
});

const unreadableLines = (file: string, count: number): Degradation => ({
  code: `unreadable-lines ${file}`,
  text: `${count} ${count === 1 ? 'line' : 'lines'} of /proc/net/${file} could not be read`,
  short: `${count} lines unreadable`,
});
