import type { Proc } from '../proc/proc.ts';
import type { Descriptors } from './descriptors.ts';
import { type Holder, newHolder, pseudoDescriptor } from './holder.ts';
import type { Holdings } from './holdings.ts';
import type { FoundHolder, OtherHolders } from './other-holders.ts';
import type { OwnerPoll } from './owner-poll.ts';

/** Maximum time per poll for the search of all processes, milliseconds. */
const SEARCH_MS = 10;

/**
 * Pause after a search, in multiples of the polls that it took. Sockets without a holder may appear all the time, and a
 * process may have a million descriptors; with 200,000 the searches take 3 % of a core.
 */
const REST_FACTOR = 4;

/** A search of all processes for some sockets, continued from poll to poll. */
interface FullSearch {
  /** Processes whose descriptors are not yet read. */
  readonly remaining: Holder[];
  /** Inodes of the sockets that it started with. */
  readonly inodes: readonly number[];
  readonly startPoll: number;
  /** Search of other places than descriptor tables; starts when no process remains. */
  others: Iterator<FoundHolder | undefined, string> | undefined;
}

/**
 * Searches all processes for the sockets without a known holder, and continues from poll to poll.
 *
 *     rest ──▶ descriptors of all processes ──▶ other places (`OtherHolders`) ──▶ rest
 */
export class HolderSearch {
  readonly #proc: Proc;
  readonly #holdings: Holdings;
  readonly #descriptors: Descriptors;
  readonly #otherHolders: OtherHolders;
  readonly #poll: OwnerPoll;
  #search: FullSearch | undefined;
  /** No search starts before this poll. */
  #restUntilPoll = 0;

  constructor(
    proc: Proc,
    holdings: Holdings,
    descriptors: Descriptors,
    otherHolders: OtherHolders,
    poll: OwnerPoll,
  ) {
    this.#proc = proc;
    this.#holdings = holdings;
    this.#descriptors = descriptors;
    this.#otherHolders = otherHolders;
    this.#poll = poll;
  }

  /** Starts or continues a search, within the budget. */
  step(): void {
    if (this.#poll.number > 1) this.#poll.limitTo(SEARCH_MS);
    if (this.#search === undefined && this.#poll.number < this.#restUntilPoll) return;
    this.#search ??= {
      remaining: this.#searchable(),
      inodes: [...this.#holdings.wanted],
      startPoll: this.#poll.number,
      others: undefined,
    };
    const search = this.#search;
    const { remaining, inodes, startPoll } = search;
    while (remaining.length > 0 && this.#holdings.wanted.size > 0) {
      const holder = remaining.at(-1);
      if (this.#poll.isOverBudget) return;
      if (holder && this.#holdings.holders.get(holder.key) === holder) {
        // A process is listed only once per search: listing may take longer than the time limit of a poll.
        if (holder.listedPoll < startPoll) {
          this.#descriptors.list(holder);
          holder.isInSearch = true;
        }
        this.#descriptors.readUnread(holder);
        if (holder.unread.length > 0) return;
      }
      remaining.pop();
    }
    const tried = this.#searchOtherPlaces(search);
    if (tried === undefined) return;
    this.#search = undefined;
    this.#restUntilPoll = this.#poll.number + (this.#poll.number - startPoll) * REST_FACTOR;
    this.#holdings.endSearch(inodes, tried);
  }

  #searchable(): Holder[] {
    return [...this.#holdings.holders.values()].filter((holder) => holder.readable && !holder.isKernelThread);
  }

  /** Searches other places than descriptor tables. @returns where it searched; undefined until it has finished */
  #searchOtherPlaces(search: FullSearch): string | undefined {
    search.others ??= this.#otherHolders.search(this.#searchable(), this.#holdings.wanted, (inode) =>
      this.#holdings.sockets.has(inode),
    );
    while (!this.#poll.isOverBudget) {
      const { value, done } = search.others.next();
      if (done) return value;
      if (value) this.#addFound(value);
    }
    return undefined;
  }

  /** Adds a holder that was found in another place than a descriptor table of a process. */
  #addFound(found: FoundHolder): void {
    if (found.kind === 'hold') {
      if (this.#holdings.holders.get(found.holder.key) === found.holder)
        this.#holdings.addDescriptor(found.holder, pseudoDescriptor(found.inode), found.inode);
      return;
    }
    const { pid, tid, folder } = found;
    const directory = this.#proc.stat(`${folder}/fd`);
    if (!('value' in directory) || this.#holdings.holders.has(tid)) return;
    const holder = newHolder(tid, pid, folder, directory.value.ino, this.#poll.number);
    holder.descriptorCount = directory.value.size;
    this.#holdings.holders.set(tid, holder);
    this.#descriptors.list(holder);
    this.#descriptors.readUnread(holder);
  }
}
