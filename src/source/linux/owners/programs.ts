import { sameOwner } from '../../../model/fields.ts';
import type { Holder } from './holder.ts';
import type { Holdings } from './holdings.ts';
import type { Identities } from './identity.ts';
import type { OwnerPoll } from './owner-poll.ts';

/** Maximum number of processes per poll that are checked for a new name or program, in turn. */
const MAX_NAME_CHECKS = 48;

/** Keeps the programs of the holders up to date. */
export class Programs {
  readonly #holdings: Holdings;
  readonly #identities: Identities;
  readonly #poll: OwnerPoll;
  #iterator: Iterator<Holder, undefined> | undefined;

  constructor(holdings: Holdings, identities: Identities, poll: OwnerPoll) {
    this.#holdings = holdings;
    this.#identities = identities;
    this.#poll = poll;
  }

  /** Identifies some processes with sockets again if their name or program (execve(2)) has changed. */
  checkNames(): void {
    for (let count = 0; count < MAX_NAME_CHECKS;) {
      this.#iterator ??= this.#holdings.holders.values();
      const next = this.#iterator.next();
      if (next.done) {
        this.#iterator = undefined;
        return;
      }
      const holder = next.value;
      if (!holder.hasSockets || holder.identifiedPoll === this.#poll.number || holder.owner === undefined)
        continue;
      count++;
      // Only a thread of the process itself can change its name (comm_write in fs/proc/base.c) or program.
      if (holder.runs.named.hasSlept(this.#identities.cpuNsOf(holder.pid))) continue;
      const signature = this.#identities.signatureOf(holder.pid);
      if (signature !== undefined && signature !== holder.signature) this.identify(holder);
    }
  }

  /** Reads the program of a process; if it differs, all its sockets are marked as changed. */
  identify(holder: Holder): void {
    holder.identifiedPoll = this.#poll.number;
    // Read before the program: a change between the two reads is found at the next check.
    holder.signature = this.#identities.signatureOf(holder.pid);
    const owner = this.#identities.of(holder.pid, holder.key === holder.pid ? holder.folder : undefined);
    if (owner === undefined || sameOwner(owner, holder.owner)) return;
    holder.owner = owner;
    holder.ownerList = [owner];
    this.#holdings.markChanged(holder);
  }

  /** Reads the program of a holder unless this poll has read it. */
  ensure(holder: Holder): void {
    if (holder.owner === undefined || holder.identifiedPoll !== this.#poll.number) this.identify(holder);
  }
}
