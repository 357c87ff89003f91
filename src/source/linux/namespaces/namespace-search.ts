import { Cache } from '../../../model/cache.ts';
import { type DescriptorsRead, parseTarget, type SocketsRead } from '../proc/descriptor-target.ts';
import { opensNamespace, parseNamespaceMounts } from '../proc/mounts.ts';
import type { NamespaceRef, NetlinkSystem } from '../netlink/system.ts';
import { LIMIT, type Proc } from '../proc/proc.ts';
import { QuietProcesses } from './quiet-processes.ts';
import { type Found, linkOf, MAX_KEPT, type Reference, threadsOf } from './references.ts';

type HeldSocket = NonNullable<NamespaceRef['socket']>;

/** A thread, descriptor, mount or socket that keeps alive a network namespace that no main thread is in. */
export interface Hold extends NamespaceRef {
  /** Returns true while the hold still refers to this namespace. */
  isValid(): boolean;
}

/** Namespaces and sockets that are known without a search. */
export interface KnownInodes {
  /** Returns true for a namespace that has processes, or a mount in netpane's mount namespace. */
  isNamespace(inode: number): boolean;
  /** Returns true for a socket that a dump of the kernel contains. */
  isSocket(inode: number): boolean;
}

/** Number of polls from the start of one pass over all processes to the next. */
const PASS_POLLS = 10;

/** Search time per poll, milliseconds. After a step that takes longer, polls skip the search to make up for it. */
const BUDGET_MS = 2;

/** Maximum number of cached results of socket probes. */
const MAX_PROBED = 100_000;

/** Number of descriptors whose links are read in one step. */
const DESCRIPTORS_PER_STEP = 64;

/** Result of the last finished pass, and the progress of the first one. */
export interface SearchResult {
  /** Number of processes that the first pass has not searched yet; 0 after it. */
  readonly unsearched: number;
  /** Inodes of namespaces that have a mount in another mount namespace, and can be opened neither there nor elsewhere. */
  readonly unreachable: ReadonlySet<number>;
  /** Number of TCP sockets that no dump contains because they are not bound yet; undefined during the first pass. */
  readonly unboundTcp: number | undefined;
  /** Number of finished passes. */
  readonly passes: number;
}

/**
 * Finds the network namespaces that no process's main thread is in. Other threads, descriptors, mounts in other
 * mount namespaces, or sockets passed to other processes keep them alive. A pass over all processes is spread over
 * several polls.
 */
export class NamespaceSearch {
  readonly #proc: Proc;
  readonly #system: Pick<NetlinkSystem, 'namespaceOfSocket'>;
  readonly #nowMs: () => number;
  readonly #holds = new Map<number, Hold>();
  readonly #quiet: QuietProcesses<Found>;
  /** Probed sockets: by inode, true for TCP. The kernel does not reuse a socket inode for a long time. */
  readonly #probed = new Cache<number, boolean>(MAX_PROBED);
  /** The running pass. */
  #pass: Pass | undefined;
  #pollCount = 0;
  /** Number of the poll in which the last pass started. */
  #startPoll = -Infinity;
  /** Time beyond the budget that the next polls make up for, milliseconds. */
  #debtMs = 0;
  /** See `takeSockets`. */
  #sockets = new Map<string, DescriptorsRead>();
  #result: SearchResult = {
    unsearched: 0,
    unreachable: new Set(),
    unboundTcp: undefined,
    passes: 0,
  };

  constructor(proc: Proc, nowMs: () => number, system: Pick<NetlinkSystem, 'namespaceOfSocket'> = {}) {
    this.#proc = proc;
    this.#quiet = new QuietProcesses(proc);
    this.#nowMs = nowMs;
    this.#system = system;
  }

  get result(): SearchResult {
    return this.#result;
  }

  /**
   * Returns the sockets that the first step has read, and drops them. The owners of the first poll need them too: a second
   * read of 10,000 takes 60 ms.
   */
  takeSockets(): SocketsRead {
    const sockets = this.#sockets;
    this.#sockets = new Map();
    return sockets;
  }

  /** Yields the inodes of the found namespaces that still exist. Deletes each hold that is no longer valid. */
  *held(): Generator<number> {
    for (const [inode, hold] of this.#holds) {
      if (hold.isValid()) yield inode;
      else this.#holds.delete(inode);
    }
  }

  /** Returns the hold of a found namespace, valid when it was last checked. */
  holdOf(inode: number): Hold | undefined {
    return this.#holds.get(inode);
  }

  /**
   * Continues the running pass or starts the next one, for the time of one poll.
   * @param pids Returns the pids of all current processes.
   * @param budgetMs Time for this poll, milliseconds.
   * @returns True if a new namespace was found.
   */
  step(pids: () => readonly number[], known: KnownInodes, budgetMs = BUDGET_MS): boolean {
    this.#pollCount++;
    if (this.#debtMs > 0) {
      this.#debtMs -= budgetMs;
      return false;
    }
    if (this.#pass === undefined) {
      if (this.#pollCount - this.#startPoll < PASS_POLLS) return false;
      this.#startPoll = this.#pollCount;
      this.#pass = new Pass(pids(), known);
    }
    const holdsBefore = this.#holds.size;
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
    if (this.#result.passes === 0) this.#result = { ...this.#result, unsearched: pass.left };
    return this.#holds.size > holdsBefore;
  }

  #finishPass({ pids, known, unopened, unboundTcp }: Pass): void {
    this.#pass = undefined;
    this.#quiet.endPass(pids);
    // Another way into the namespace may have been found later in the pass.
    const isUnreachable = (inode: number) => !known.isNamespace(inode) && !this.#holds.has(inode);
    const unreachable = new Set([...unopened].filter(isUnreachable));
    const passes = this.#result.passes + 1;
    this.#result = { unsearched: 0, unreachable, unboundTcp: unboundTcp.size, passes };
  }

  /** Searches all processes of a pass. Each `yield` ends a step, after which the time is checked. */
  *#walk(pass: Pass): Generator<undefined> {
    const ownMounts = this.#proc.link('self/ns/mnt');
    if ('value' in ownMounts) pass.mountNamespaces.add(ownMounts.value);
    for (const pid of pass.pids) {
      const known = this.#quiet.find(pid);
      if (known) yield* this.#searchAgain(pass, pid, known);
      else yield* this.#searchProcess(pass, pid);
      pass.left--;
    }
  }

  /** Reads a process. */
  *#searchProcess(pass: Pass, pid: number): Generator<undefined> {
    const found: Reference[] = [];
    const cpuNs = this.#proc.cpuNsOf(pid);
    const link = this.#proc.link(`${pid}/ns/mnt`);
    const mountNamespace = 'value' in link ? link.value : undefined;
    yield;
    yield* this.#searchMounts(pass, pid, mountNamespace);
    const threads = threadsOf(this.#proc, pid);
    yield;
    if (threads) yield* this.#searchThreads(pass, pid, threads, found);
    const isRead = yield* this.#searchDescriptors(pass, pid, String(pid), found);
    const keptNs = isRead && threads?.length !== 0 && found.length <= MAX_KEPT ? cpuNs : undefined;
    this.#quiet.keep(pid, keptNs, { mountNamespace, references: found }, found.length);
  }

  /** Searches a process that has not run since it was read. */
  *#searchAgain(pass: Pass, pid: number, { mountNamespace, references }: Found): Generator<undefined> {
    yield;
    yield* this.#searchMounts(pass, pid, mountNamespace);
    for (const [i, reference] of references.entries())
      if (this.#follow(pass, reference) || i % DESCRIPTORS_PER_STEP === DESCRIPTORS_PER_STEP - 1) yield;
  }

  /** Searches the mounts of the process, once per mount namespace: a network namespace may be mounted only there. */
  *#searchMounts(pass: Pass, pid: number, mountNamespace: string | undefined): Generator<undefined> {
    if (mountNamespace === undefined || pass.mountNamespaces.has(mountNamespace)) return;
    pass.mountNamespaces.add(mountNamespace);
    const text = this.#proc.text(`${pid}/mountinfo`, LIMIT.machine);
    yield;
    if (!('value' in text)) return;
    for (const mount of parseNamespaceMounts(text.value)) {
      const { inode } = mount;
      if (pass.known.isNamespace(inode) || this.#holds.has(inode)) continue;
      const path = this.#proc.pathOf(`${pid}/root${mount.path}`);
      const isValid = () => opensNamespace(path, inode);
      if (isValid()) this.#holds.set(inode, { inode, path, isValid });
      else pass.unopened.add(inode);
      yield;
    }
  }

  /** Searches several threads. @param found gets their references; of those to the same namespace only one */
  *#searchThreads(
    pass: Pass,
    pid: number,
    threads: readonly string[],
    found: Reference[],
  ): Generator<undefined> {
    const links = new Set<string>();
    for (const thread of threads) {
      const folder = `${pid}/task/${thread}`;
      const link = this.#proc.link(`${folder}/ns/net`);
      const target = 'value' in link && !links.has(link.value) ? parseTarget(link.value) : undefined;
      if ('value' in link) links.add(link.value);
      if (target) this.#add(pass, { pid, folder, descriptor: undefined, target }, found);
      yield;
      // A thread may have its own descriptor table (unshare(2), CLONE_FILES).
      if (this.#proc.shareDescriptors(Number(thread), pid) === false)
        yield* this.#searchDescriptors(pass, Number(thread), folder, found);
    }
  }

  /**
   * Searches the descriptors of a process or thread.
   * @param folder its folder below /proc
   * @returns false if they could not be listed, as when netpane has no descriptor left: the next pass may succeed
   */
  *#searchDescriptors(
    pass: Pass,
    pid: number,
    folder: string,
    found: Reference[],
  ): Generator<undefined, boolean> {
    const cpuNs = this.#pollCount === 1 ? this.#proc.cpuNsOf(pid) : undefined;
    const inodes: number[] = [];
    if (cpuNs !== undefined) this.#sockets.set(folder, { cpuNs, inodes });
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
        if (cpuNs !== undefined && target.kind === 'socket') inodes[descriptor] = target.inode;
        if (this.#add(pass, { pid, folder, descriptor, target }, found)) yield;
      }
    }
    return 'value' in names || names.failed === 'forbidden';
  }

  /** Follows a reference, and adds it to those found. @returns true if it took long */
  #add(pass: Pass, reference: Reference, found: Reference[]): boolean {
    if (found.length <= MAX_KEPT) found.push(reference);
    return this.#follow(pass, reference);
  }

  /** Adds a hold for the namespace that a reference leads to, unless it is known. @returns true if it took long */
  #follow(pass: Pass, reference: Reference): boolean {
    const { pid, descriptor, target } = reference;
    const { kind, inode } = target;
    if (kind === 'net') {
      if (!pass.known.isNamespace(inode) && !this.#holds.has(inode))
        this.#holds.set(inode, { inode, ...linkOf(this.#proc, reference) });
      return false;
    }
    if (descriptor === undefined || pass.known.isSocket(inode)) return false;
    this.#probeSocket(pass, { pid, descriptor }, reference);
    return true;
  }

  /**
   * Looks up the namespace of a socket that no dump contains, through a copy of its descriptor. Adds a hold if the
   * namespace is unknown. The dump of a known namespace lists all bound TCP sockets: a TCP socket counts as unbound then.
   */
  #probeSocket(pass: Pass, socket: HeldSocket, reference: Reference): void {
    const { inode } = reference.target;
    const cachedIsTcp = this.#probed.get(inode);
    if (cachedIsTcp !== undefined) {
      if (cachedIsTcp) pass.unboundTcp.add(inode);
      return;
    }
    const found = this.#proc.hasOwnPids ? this.#system.namespaceOfSocket?.(socket) : undefined;
    if (found === undefined) return;
    const { netns, isTcp } = found;
    if (pass.known.isNamespace(netns) || this.#holds.has(netns)) {
      this.#probed.set(inode, isTcp);
      if (isTcp) pass.unboundTcp.add(inode);
      return;
    }
    this.#holds.set(netns, { inode: netns, socket, ...linkOf(this.#proc, reference) });
  }
}

/** State of one pass over all processes. */
class Pass {
  readonly pids: readonly number[];
  /** Known inodes as of the current poll. */
  known: KnownInodes;
  /** Number of processes that this pass has not searched yet. */
  left: number;
  /** Mount namespaces that need no search: netpane's own, and those already searched. */
  readonly mountNamespaces = new Set<string>();
  /** Namespaces with a mount whose path does not open them. */
  readonly unopened = new Set<number>();
  /** Inodes of unbound TCP sockets. A set, because several descriptors may refer to one socket. */
  readonly unboundTcp = new Set<number>();
  /** The steps of this pass, from where the last poll left it. */
  steps: Generator<undefined> | undefined;

  constructor(pids: readonly number[], known: KnownInodes) {
    this.pids = pids;
    this.known = known;
    this.left = pids.length;
  }
}
