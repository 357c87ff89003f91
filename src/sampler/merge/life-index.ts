import { MAX_WAITING_EVENTS } from '../../model/bounds.ts';
import type { LearntBy } from '../../model/event.ts';
import { isRemnant, type Socket } from '../../model/socket.ts';
import { ByEndpoints } from './by-endpoints.ts';
import { type Life, NEVER } from './life.ts';
import type { Polls } from './polls.ts';

/**
 * Finds lives by either of their ids. A life may have a second id that is not known yet: that of its remnant if no poll
 * has seen it, that of the connection if a poll saw the remnant first. Until then it is found by its endpoints too.
 *
 *     create ─▶ one id, endpoints ── addOtherId ─▶ two ids ── remove
 *
 * An open socket of the baseline without a kernel event has no `Life`: the snapshot has everything about it, so 100,000
 * of them cost nothing here.
 */
export class LifeIndex {
  readonly #polls: Polls;
  readonly #findsRemnants: boolean;
  readonly #byId = new Map<string, Life>();
  readonly #byEndpoints = new ByEndpoints<Life>();
  /** Ids of removed lives that a poll closed, oldest first. */
  readonly #closedByPoll = new Set<string>();

  /** @param findsRemnants true if polls show remnants, so that lives must be found by their endpoints too */
  constructor(polls: Polls, findsRemnants: boolean) {
    this.#polls = polls;
    this.#findsRemnants = findsRemnants;
  }

  find(id: string): Life | undefined {
    return this.#byId.get(id);
  }

  /** Returns the life with this id. A baseline socket without one gets it now, from the last snapshot. */
  findOrAdopt(id: string): Life | undefined {
    const life = this.#byId.get(id);
    if (life) return life;
    const socket = this.#polls.snapshot.get(id);
    return socket && this.#adopt(socket);
  }

  /** Returns the life of a connection that no poll has seen and that may have left this remnant. */
  findLifeOfRemnant(remnant: Socket): Life | undefined {
    return this.#byEndpoints.find(remnant, (life) => life.otherId === undefined && life.lastPoll === NEVER);
  }

  /** Returns the life whose remnant a poll saw at or after `atMs`, before any kernel event about the connection. */
  findFirstSeenAsRemnant(socket: Socket, atMs: number): Life | undefined {
    return this.#byEndpoints.find(
      socket,
      (life) => life.otherId === undefined && !life.hasKernelEvent && life.lastPoll.endMs >= atMs,
    );
  }

  create(socket: Socket, bornMs: number, learntBy: LearntBy): Life {
    const isPolled = learntBy === 'poll';
    const { last } = this.#polls;
    const life: Life = {
      id: socket.id,
      otherId: undefined,
      endpointsKey: undefined,
      socket,
      reported: undefined,
      bornMs: isPolled ? (this.#createdMs(socket) ?? bornMs) : bornMs,
      firstSeenMs: isPolled ? last.endMs : Infinity,
      isBaseline: false,
      hasKernelEvent: !isPolled,
      lastPoll: isPolled ? last : NEVER,
      closedBy: undefined,
      isGone: false,
      pollsSinceGone: 0,
      keptUntilMs: -Infinity,
      changedMs: bornMs,
      changedBy: learntBy,
    };
    this.#byId.set(socket.id, life);
    this.#closedByPoll.delete(socket.id);
    if (this.#findsRemnants && socket.remote && (!isPolled || isRemnant(socket)))
      life.endpointsKey = this.#byEndpoints.add(socket, life);
    return life;
  }

  /** Returns when the kernel says that a socket was made, on the monotonic clock; undefined if it does not. */
  #createdMs({ createdAtMs }: Socket): number | undefined {
    return createdAtMs === undefined ? undefined : createdAtMs - this.#polls.wallOffsetMs;
  }

  /** Creates the life of a baseline socket, which batches have reported already. */
  #adopt(socket: Socket): Life {
    const { first, last } = this.#polls;
    const life = this.create(socket, first?.startMs ?? 0, 'poll');
    life.isBaseline = true;
    life.firstSeenMs = first?.endMs ?? 0;
    life.reported = socket;
    // The last poll may have emitted a change of this socket.
    life.changedMs = last.startMs;
    return life;
  }

  /** Gives a life its second id. Its endpoints leave the index: from now on it is found by either id. */
  addOtherId(life: Life, otherId: string): void {
    this.#removeEndpoints(life);
    life.otherId = otherId;
    this.#byId.set(otherId, life);
  }

  /** Gives a life this id if it has no second one and the id is free. Returns true if the id belongs to the life. */
  claimId(life: Life, id: string): boolean {
    if (life.otherId === undefined && this.findOrAdopt(id) === undefined) this.addOtherId(life, id);
    return this.#byId.get(id) === life;
  }

  /**
   * Returns true once if a removed life had this id and was closed by a poll. A process may hold a socket for hours after
   * its connection ended (by a reset, or shutdown(2)): no poll lists it, and the kernel reports its close only when the
   * process lets it go.
   */
  takeClosedByPoll(id: string): boolean {
    return this.#closedByPoll.delete(id);
  }

  remove(life: Life): void {
    if (life.closedBy === 'poll') {
      this.#closedByPoll.add(life.id);
      for (const oldest of this.#closedByPoll) {
        if (this.#closedByPoll.size <= MAX_WAITING_EVENTS) break;
        this.#closedByPoll.delete(oldest);
      }
    }
    this.#byId.delete(life.id);
    if (life.otherId !== undefined) this.#byId.delete(life.otherId);
    this.#removeEndpoints(life);
  }

  /** From now on a life is found by its ids only. */
  #removeEndpoints(life: Life): void {
    if (life.endpointsKey !== undefined) this.#byEndpoints.delete(life.endpointsKey, life);
    life.endpointsKey = undefined;
  }
}
