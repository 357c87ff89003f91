import { Cache } from '../../model/cache.ts';
import { namespaceInode, type Target } from './descriptor-target.ts';
import { opensNamespace, parseNamespaceMounts } from './mounts.ts';
import type { NamespaceRef, NetlinkSystem } from './netlink/system.ts';
import { LIMIT, type Proc } from './proc.ts';

type HeldSocket = NonNullable<NamespaceRef['socket']>;

/** Something that keeps a network namespace alive in which no process has its main thread. */
export interface Hold extends NamespaceRef {
  /** True while it still holds this namespace. */
  isValid(): boolean;
}

/** Namespaces and sockets that the search leaves alone. */
export interface KnownInodes {
  /** A namespace that processes are in, or that is mounted here. */
  isNamespace(inode: number): boolean;
  /** A socket that a list of the kernel tells of. */
  isSocket(inode: number): boolean;
}

/** Rounds from the start of one search of all processes to that of the next. */
const PASS_ROUNDS = 10;

/** Time of a round, milliseconds. A step that takes longer is paid back: the next rounds have none. */
const BUDGET_MS = 2;

/** Maximum number of sockets remembered as asked. */
const ASKED = 100_000;

/** Descriptors whose links are read in one step. */
const BUNDLE = 64;

/** How far the last search came. */
export interface SearchResult {
  /** Processes that no search has looked into yet. */
  readonly unsearched: number;
  /** Inodes of namespaces that are mounted in another mount namespace, out of reach. */
  readonly unreachable: ReadonlySet<number>;
  /** TCP sockets that are in no list because they are bound to nothing yet; undefined before the first search is over. */
  readonly unboundTcp: number | undefined;
  /** How many searches are over. */
  readonly searches: number;
}

/**
 * Finds the network namespaces that no process has its main thread in: those of other threads, of descriptors, of
 * mounts in other mount namespaces, and of sockets that were passed out. A pass over all processes is spread over
 * rounds.
 */
export class NamespaceSearch {
  readonly #proc: Proc;
  readonly #system: Pick<NetlinkSystem, 'namespaceOfSocket'>;
  readonly #nowMs: () => number;
  readonly #holds = new Map<number, Hold>();
  /** Sockets that were asked, by inode, and whether they are of TCP; the kernel gives no inode twice for a long time. */
  readonly #asked = new Cache<number, boolean>(ASKED);
  #pass: Pass | undefined;
  #round = 0;
  #passRound = -Infinity;
  #debtMs = 0;
  #result: SearchResult = {
    unsearched: 0,
    unreachable: new Set(),
    unboundTcp: undefined,
    searches: 0,
  };

  constructor(proc: Proc, nowMs: () => number, system: Pick<NetlinkSystem, 'namespaceOfSocket'> = {}) {
    this.#proc = proc;
    this.#nowMs = nowMs;
    this.#system = system;
  }

  get result(): SearchResult {
    return this.#result;
  }

  /** Inodes of the namespaces that are held now; each hold is looked at. */
  *held(): Generator<number> {
    for (const [inode, hold] of this.#holds) {
      if (hold.isValid()) yield inode;
      else this.#holds.delete(inode);
    }
  }

  holdOf(inode: number): Hold | undefined {
    return this.#holds.get(inode);
  }

  /**
   * Goes on with the search.
   * @param pids every process of now
   * @param budgetMs time of this round
   * @returns true where a namespace was found that was not known
   */
  step(pids: () => readonly number[], known: KnownInodes, budgetMs = BUDGET_MS): boolean {
    this.#round++;
    if (this.#debtMs > 0) {
      this.#debtMs -= budgetMs;
      return false;
    }
    if (this.#pass === undefined) {
      if (this.#round - this.#passRound < PASS_ROUNDS) return false;
      this.#passRound = this.#round;
      this.#pass = new Pass(pids(), known);
    }
    const before = this.#holds.size;
    const startMs = this.#nowMs();
    const pass = this.#pass;
    pass.known = known;
    pass.steps ??= this.#walk(pass);
    for (;;) {
      if (pass.steps.next().done === true) {
        this.#end(pass);
        break;
      }
      if (this.#nowMs() - startMs >= budgetMs) break;
    }
    this.#debtMs = Math.max(0, this.#nowMs() - startMs - budgetMs);
    if (this.#result.unboundTcp === undefined) this.#result = { ...this.#result, unsearched: pass.left };
    return this.#holds.size > before;
  }

  #end({ unreachable, unboundTcp }: Pass): void {
    this.#pass = undefined;
    const searches = this.#result.searches + 1;
    this.#result = { unsearched: 0, unreachable, unboundTcp: unboundTcp.size, searches };
  }

  *#walk(pass: Pass): Generator<undefined> {
    const own = this.#proc.link('self/ns/mnt');
    if ('value' in own) pass.mountNamespaces.add(own.value);
    for (const pid of pass.pids) {
      yield* this.#searchMounts(pass, pid);
      yield* this.#searchThreads(pass, pid);
      yield* this.#searchDescriptors(pass, pid, String(pid));
      pass.left--;
    }
  }

  /** Other mount namespaces, each once: a namespace may be mounted there alone. */
  *#searchMounts(pass: Pass, pid: number): Generator<undefined> {
    const link = this.#proc.link(`${pid}/ns/mnt`);
    yield;
    if (!('value' in link) || pass.mountNamespaces.has(link.value)) return;
    pass.mountNamespaces.add(link.value);
    const text = this.#proc.text(`${pid}/mountinfo`, LIMIT.machine);
    yield;
    if (!('value' in text)) return;
    for (const mount of parseNamespaceMounts(text.value)) {
      const { inode } = mount;
      if (pass.known.isNamespace(inode) || this.#holds.has(inode)) continue;
      const path = this.#proc.pathOf(`${pid}/root${mount.path}`);
      const isValid = () => opensNamespace(path, inode);
      if (isValid()) this.#holds.set(inode, { inode, path, isValid });
      else pass.unreachable.add(inode);
      yield;
    }
  }

  /** The threads of a process that has several, or whose main thread has ended. */
  *#searchThreads(pass: Pass, pid: number): Generator<undefined> {
    const count = this.#proc.threadCount(pid);
    const main = this.#proc.link(`${pid}/ns/net`);
    yield;
    if (count <= 1 && 'value' in main) return;
    const threads = this.#proc.names(`${pid}/task`);
    for (const thread of 'value' in threads ? threads.value : []) {
      const path = `${pid}/task/${thread}/ns/net`;
      const link = this.#proc.link(path);
      if ('value' in link) this.#note(link.value, path, pass.known);
      yield;
      // A thread may have a table of descriptors of its own (unshare(2), CLONE_FILES).
      if (this.#proc.shareDescriptors(Number(thread), pid) === false)
        yield* this.#searchDescriptors(pass, Number(thread), `${pid}/task/${thread}`);
    }
  }

  /** @param folder of a process or thread, below /proc */
  *#searchDescriptors(pass: Pass, pid: number, folder: string): Generator<undefined> {
    const names = this.#proc.names(`${folder}/fd`);
    yield;
    const descriptors = 'value' in names ? names.value.map(Number) : [];
    for (let i = 0; i < descriptors.length; i += BUNDLE) {
      const bundle = descriptors.slice(i, i + BUNDLE);
      const targets = this.#proc.targets(folder, bundle);
      yield;
      for (const [at, target] of targets.entries()) {
        const descriptor = bundle[at];
        if (target === undefined || descriptor === undefined) continue;
        if (target.kind === 'net')
          this.#note(`net:[${target.inode}]`, `${folder}/fd/${descriptor}`, pass.known);
        else if (!pass.known.isSocket(target.inode)) {
          this.#askSocket(pass, { pid, descriptor }, `${folder}/fd/${descriptor}`, target);
          yield;
        }
      }
    }
  }

  /** Takes note of a link to a namespace. */
  #note(text: string, path: string, known: KnownInodes): void {
    const inode = namespaceInode(text);
    if (inode === undefined || known.isNamespace(inode) || this.#holds.has(inode)) return;
    const isValid = (): boolean => {
      const link = this.#proc.link(path);
      return 'value' in link && link.value === text;
    };
    this.#holds.set(inode, { inode, path: this.#proc.pathOf(path), isValid });
  }

  #askSocket(pass: Pass, socket: HeldSocket, path: string, { inode }: Target): void {
    const before = this.#asked.get(inode);
    if (before !== undefined) {
      if (before) pass.unboundTcp.add(inode);
      return;
    }
    const answer = this.#system.namespaceOfSocket?.(socket);
    if (answer === undefined) return;
    const { netns, isTcp } = answer;
    if (pass.known.isNamespace(netns) || this.#holds.has(netns)) {
      this.#asked.set(inode, isTcp);
      if (isTcp) pass.unboundTcp.add(inode);
      return;
    }
    const isValid = (): boolean => {
      const link = this.#proc.link(path);
      return 'value' in link && link.value === `socket:[${inode}]`;
    };
    this.#holds.set(netns, { inode: netns, path: this.#proc.pathOf(path), socket, isValid });
  }
}

/** One search of all processes. */
class Pass {
  readonly pids: readonly number[];
  /** As of this round. */
  known: KnownInodes;
  left: number;
  readonly mountNamespaces = new Set<string>();
  readonly unreachable = new Set<number>();
  /** By inode: several descriptors, of several processes, may be of one socket. */
  readonly unboundTcp = new Set<number>();
  steps: Generator<undefined> | undefined;

  constructor(pids: readonly number[], known: KnownInodes) {
    this.pids = pids;
    this.known = known;
    this.left = pids.length;
  }
}
