import { Cache } from '../../../model/cache.ts';
import { namespaceInode, type Target } from '../proc/descriptor-target.ts';
import { opensNamespace, parseNamespaceMounts } from '../proc/mounts.ts';
import type { NamespaceRef, NetlinkSystem } from '../netlink/system.ts';
import { LIMIT, type Proc } from '../proc/proc.ts';

type HeldSocket = NonNullable<NamespaceRef['socket']>;

/**
 * A thread, descriptor, mount or socket that keeps alive a network namespace without the main thread of any process.
 */
export interface Hold extends NamespaceRef {
  /** Returns true while it still keeps this namespace alive. */
  isValid(): boolean;
}

/** Namespaces and sockets that are known without a search. */
export interface KnownInodes {
  /** Returns true for a namespace that has processes or a mount here. */
  isNamespace(inode: number): boolean;
  /** Returns true for a socket that a dump of the kernel contains. */
  isSocket(inode: number): boolean;
}

/** Number of polls from the start of one pass over all processes to the next. */
const PASS_POLLS = 10;

/** Time per poll, milliseconds. If a step takes longer, the next polls do no search until the excess is made up for. */
const BUDGET_MS = 2;

/** Maximum number of cached results of socket probes. */
const MAX_PROBED = 100_000;

/** Number of descriptors whose links are read in one step. */
const DESCRIPTORS_PER_STEP = 64;

/** Result and progress of the passes. */
export interface SearchResult {
  /** Number of processes not searched yet; 0 after the first pass. */
  readonly unsearched: number;
  /** Inodes of namespaces that are mounted in another mount namespace and cannot be opened there. */
  readonly unreachable: ReadonlySet<number>;
  /** Number of TCP sockets that no dump contains because they are not bound yet; undefined before the end of a pass. */
  readonly unboundTcp: number | undefined;
  /** Number of finished passes. */
  readonly searches: number;
}

/**
 * Finds network namespaces without the main thread of any process: those of other threads, of descriptors, of mounts in
 * other mount namespaces, and of sockets that were passed to other processes. A pass over all processes is spread over
 * several polls.
 */
export class NamespaceSearch {
  readonly #proc: Proc;
  readonly #system: Pick<NetlinkSystem, 'namespaceOfSocket'>;
  readonly #nowMs: () => number;
  readonly #holds = new Map<number, Hold>();
  /** Probed sockets: by inode, true for TCP. The kernel does not reuse a socket inode for a long time. */
  readonly #probed = new Cache<number, boolean>(MAX_PROBED);
  #pass: Pass | undefined;
  #poll = 0;
  #passPoll = -Infinity;
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

  /** Yields the inodes of the found namespaces that still exist; checks each hold. */
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
   * Continues the search.
   * @param pids Returns the pids of all current processes.
   * @param budgetMs Time for this poll, milliseconds.
   * @returns True if a new namespace was found.
   */
  step(pids: () => readonly number[], known: KnownInodes, budgetMs = BUDGET_MS): boolean {
    this.#poll++;
    if (this.#debtMs > 0) {
      this.#debtMs -= budgetMs;
      return false;
    }
    if (this.#pass === undefined) {
      if (this.#poll - this.#passPoll < PASS_POLLS) return false;
      this.#passPoll = this.#poll;
      this.#pass = new Pass(pids(), known);
    }
    const before = this.#holds.size;
    const startMs = this.#nowMs();
    const pass = this.#pass;
    pass.known = known;
    pass.steps ??= this.#walk(pass);
    for (;;) {
      if (pass.steps.next().done === true) {
        this.#finishPass(pass);
        break;
      }
      if (this.#nowMs() - startMs >= budgetMs) break;
    }
    this.#debtMs = Math.max(0, this.#nowMs() - startMs - budgetMs);
    if (this.#result.unboundTcp === undefined) this.#result = { ...this.#result, unsearched: pass.left };
    return this.#holds.size > before;
  }

  #finishPass({ unreachable, unboundTcp }: Pass): void {
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

  /** Searches the mounts of the process, once per mount namespace: a network namespace may be mounted only there. */
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

  /** Searches the threads of a process that has several, or whose main thread has ended. */
  *#searchThreads(pass: Pass, pid: number): Generator<undefined> {
    const count = this.#proc.threadCount(pid);
    const main = this.#proc.link(`${pid}/ns/net`);
    yield;
    if (count <= 1 && 'value' in main) return;
    const threads = this.#proc.names(`${pid}/task`);
    for (const thread of 'value' in threads ? threads.value : []) {
      const path = `${pid}/task/${thread}/ns/net`;
      const link = this.#proc.link(path);
      if ('value' in link) this.#addHold(link.value, path, pass.known);
      yield;
      // A thread may have its own descriptor table (unshare(2), CLONE_FILES).
      if (this.#proc.shareDescriptors(Number(thread), pid) === false)
        yield* this.#searchDescriptors(pass, Number(thread), `${pid}/task/${thread}`);
    }
  }

  /** Searches the descriptors of a process or thread. @param folder its folder below /proc */
  *#searchDescriptors(pass: Pass, pid: number, folder: string): Generator<undefined> {
    const names = this.#proc.names(`${folder}/fd`);
    yield;
    const all = 'value' in names ? names.value.map(Number) : [];
    for (let i = 0; i < all.length; i += DESCRIPTORS_PER_STEP) {
      const descriptors = all.slice(i, i + DESCRIPTORS_PER_STEP);
      const targets = this.#proc.targets(folder, descriptors);
      yield;
      for (const [index, target] of targets.entries()) {
        const descriptor = descriptors[index];
        if (target === undefined || descriptor === undefined) continue;
        if (target.kind === 'net')
          this.#addHold(`net:[${target.inode}]`, `${folder}/fd/${descriptor}`, pass.known);
        else if (!pass.known.isSocket(target.inode)) {
          this.#probeSocket(pass, { pid, descriptor }, `${folder}/fd/${descriptor}`, target);
          yield;
        }
      }
    }
  }

  /** Adds a hold for a link to a namespace, unless the namespace is known. */
  #addHold(text: string, path: string, known: KnownInodes): void {
    const inode = namespaceInode(text);
    if (inode === undefined || known.isNamespace(inode) || this.#holds.has(inode)) return;
    const isValid = (): boolean => {
      const link = this.#proc.link(path);
      return 'value' in link && link.value === text;
    };
    this.#holds.set(inode, { inode, path: this.#proc.pathOf(path), isValid });
  }

  /** Reads the namespace of a socket, and whether it is a TCP socket, through a copy of its descriptor. */
  #probeSocket(pass: Pass, socket: HeldSocket, path: string, { inode }: Target): void {
    const wasTcp = this.#probed.get(inode);
    if (wasTcp !== undefined) {
      if (wasTcp) pass.unboundTcp.add(inode);
      return;
    }
    const answer = this.#system.namespaceOfSocket?.(socket);
    if (answer === undefined) return;
    const { netns, isTcp } = answer;
    if (pass.known.isNamespace(netns) || this.#holds.has(netns)) {
      this.#probed.set(inode, isTcp);
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

/** State of one pass over all processes. */
class Pass {
  readonly pids: readonly number[];
  /** As of the current poll. */
  known: KnownInodes;
  /** Number of processes that this pass has not searched yet. */
  left: number;
  readonly mountNamespaces = new Set<string>();
  readonly unreachable = new Set<number>();
  /** Socket inodes: several descriptors, also of several processes, may refer to one socket. */
  readonly unboundTcp = new Set<number>();
  steps: Generator<undefined> | undefined;

  constructor(pids: readonly number[], known: KnownInodes) {
    this.pids = pids;
    this.known = known;
    this.left = pids.length;
  }
}
