import type { LearntBy } from '../../model/event.ts';
import { isRemnant, type Owner, type Socket } from '../../model/socket.ts';
import type { KernelEvent } from '../../source/types.ts';
import type { EmittedEvents } from './emitted-events.ts';
import type { LifeCycle } from './life-cycle.ts';
import type { LifeIndex } from './life-index.ts';
import type { Life } from './life.ts';
import type { Polls } from './polls.ts';
import type { ShortLives } from './short-lives.ts';
import { asInherited, betterOwners, filledFrom, laterOwners, withEnd } from './sightings.ts';

type Appeared = KernelEvent & { readonly type: 'appeared' };
type StateChanged = KernelEvent & { readonly type: 'state' };
type Ended = KernelEvent & { readonly type: 'ended' };

/**
 * Applies kernel events to the lives: one method for each kind of event. A poll may have seen the effect of an event
 * already, or even a later state.
 *
 *     appeared ─▶ spawn, or a better owner and time of birth
 *     state ─▶ change
 *     ended ─▶ (spawn,) close, and a remnant or gone
 *       └─ never seen by a poll, and too many in this batch ─▶ only counted
 */
export class KernelRules {
  readonly #polls: Polls;
  readonly #index: LifeIndex;
  readonly #cycle: LifeCycle;
  readonly #events: EmittedEvents;
  readonly #shortLives: ShortLives;
  readonly #hasRemnants: boolean;

  constructor(
    polls: Polls,
    index: LifeIndex,
    cycle: LifeCycle,
    events: EmittedEvents,
    shortLives: ShortLives,
    hasRemnants: boolean,
  ) {
    this.#polls = polls;
    this.#index = index;
    this.#cycle = cycle;
    this.#events = events;
    this.#shortLives = shortLives;
    this.#hasRemnants = hasRemnants;
  }

  /** Applies a kernel event. Returns the life that it changed; undefined if it changed none. */
  apply(kernelEvent: Appeared | StateChanged | Ended): Life | undefined {
    switch (kernelEvent.type) {
      case 'appeared':
        return this.#applyAppeared(kernelEvent);
      case 'state':
        return this.#applyState(kernelEvent);
      case 'ended':
        return this.#applyEnded(kernelEvent);
    }
  }

  #applyAppeared({ socket, atMs, learntBy }: Appeared): Life | undefined {
    let life = this.#index.findOrAdopt(socket.id);
    if (life === undefined) {
      if (this.#polls.isInBaseline(atMs)) return undefined;
      life = this.#index.findFirstSeenAsRemnant(socket, atMs);
      if (life) this.#index.addOtherId(life, socket.id);
    }
    if (life === undefined) {
      life = this.#index.create(socket, atMs, learntBy);
      this.#cycle.spawn(life);
      return life;
    }
    if (life.closedBy !== undefined) return undefined;
    life.hasKernelEvent = true;
    // A socket can be seen before this event: it is bound before it listens or connects.
    if (atMs <= life.firstSeenMs) {
      life.bornMs = atMs;
      life.isBaseline = false;
    }
    const owners = mergedOwners(life, socket.owners, atMs);
    if (owners !== life.socket.owners)
      this.#cycle.setSocket(life, { ...filledFrom(life.socket, socket), owners }, atMs, learntBy);
    return life;
  }

  #applyState({ id, was, now, owners, atMs, learntBy }: StateChanged): Life | undefined {
    const life = this.#index.findOrAdopt(id);
    if (life === undefined || life.closedBy !== undefined) return undefined;
    const before = life.socket;
    const best = owners ? mergedOwners(life, owners, atMs) : before.owners;
    // A poll after this event has seen a newer state already.
    const isLate = atMs <= life.lastPoll.endMs && before.state !== was;
    const state = isLate ? before.state : now;
    if (state === before.state && best === before.owners) return undefined;
    life.hasKernelEvent = true;
    const { timer: _, ...rest } = before;
    this.#cycle.setSocket(life, { ...rest, ...(state && { state }), owners: best }, atMs, learntBy);
    return life;
  }

  #applyEnded(ended: Ended): Life | undefined {
    const { socket, atMs, remnant, learntBy } = ended;
    const known = this.#index.findOrAdopt(socket.id);
    if (known === undefined && this.#index.takeClosedByPoll(socket.id)) return undefined;
    if (known === undefined && !this.#hasRemnants && learntBy === 'destroy') {
      // No poll has seen it, and none will see its remnant: the close message is all that is ever known of it.
      if (!this.#polls.isInBaseline(atMs)) this.#events.addWhole(socket, atMs, learntBy, ended);
      return undefined;
    }
    const life = known ?? this.#findOrCreateEnded(socket, atMs, remnant?.id, ended.lifetimeMs, learntBy);
    if (life === undefined || life.closedBy !== undefined) return undefined;
    const hasRemnant = remnant ? this.#index.claimId(life, remnant.id) : isRemnant(life.socket);
    life.hasKernelEvent = true;
    // A life that was made for this event has this socket already.
    if (life.socket !== socket || life.reported) life.socket = withEnd(life.socket, socket);
    this.#cycle.close(life, atMs, learntBy, ended);
    // A poll after this event has not seen the remnant: it has ended too.
    const hasRemnantEnded = atMs <= this.#polls.last.startMs && this.#polls.socketOf(life) === undefined;
    // The trace does not report whether the kernel keeps a remnant.
    if (!hasRemnant || hasRemnantEnded)
      this.#cycle.markGone(life, { mayReturn: hasRemnant || learntBy === 'trace' });
    else
      life.socket = {
        ...life.socket,
        ...(remnant && { state: remnant.state }),
        owners: asInherited(life.socket.owners),
      };
    return life;
  }

  /**
   * Returns the life of a socket whose first kernel event is its end: the life of its remnant, or a new one. Undefined
   * if the socket ended before the first poll did, or is only counted.
   */
  #findOrCreateEnded(
    socket: Socket,
    atMs: number,
    remnantId: string | undefined,
    lifetimeMs: number | undefined,
    learntBy: LearntBy,
  ): Life | undefined {
    if (this.#polls.isInBaseline(atMs)) return undefined;
    const ofRemnant =
      (remnantId === undefined ? undefined : this.#index.findOrAdopt(remnantId)) ??
      this.#index.findFirstSeenAsRemnant(socket, atMs);
    // A poll may have seen the remnant of a connection in a storm before this event.
    const isSameLife = ofRemnant !== undefined && ofRemnant.otherId === undefined;
    if (!isSameLife && !this.#shortLives.takeRoom()) {
      this.#shortLives.add(socket, atMs);
      return undefined;
    }
    const life = isSameLife ? ofRemnant : this.#index.create(socket, atMs - (lifetimeMs ?? 0), learntBy);
    if (isSameLife) this.#index.addOtherId(life, socket.id);
    else this.#cycle.spawn(life);
    // The birth of the connection is unknown: a poll has at most seen its remnant.
    if (!life.isBaseline) life.bornMs = undefined;
    return life;
  }
}

/**
 * Returns the owners of a life, merged with those of a kernel event at `atMs`. If a poll after the event has seen the
 * socket, the owners of the poll are the later ones.
 */
const mergedOwners = ({ socket, lastPoll }: Life, owners: readonly Owner[], atMs: number): readonly Owner[] =>
  atMs <= lastPoll.endMs ? laterOwners(owners, socket.owners) : betterOwners(socket.owners, owners);
