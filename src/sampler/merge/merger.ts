import type { Difference } from '../../model/batch.ts';
import { MAX_WAITING_EVENTS } from '../../model/bounds.ts';
import { previousFields, type LearntBy, type Event } from '../../model/event.ts';
import { isNotable, isRemnant, type Owner, type Socket } from '../../model/socket.ts';
import type { KernelEvent } from '../../source/types.ts';
import { ByEndpoints } from './by-endpoints.ts';
import { betterLifetime, type Life, type Lifetime, NEVER, type PollTime, seenLifetime } from './life.ts';
import { asInherited, betterOwners, filledFrom, laterOwners, withEarlier, withEnd } from './sightings.ts';

/** A moment on both clocks. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly wallMs: number;
  /** Milliseconds on the monotonic clock. */
  readonly monotonicMs: number;
}

/** All changes since the last batch. */
export interface Merged extends Difference {
  readonly events: readonly Event[];
}

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

/** How long a socket that a poll missed waits for the kernel event of its end, milliseconds. */
const MISSING_MS = 100;

/**
 * How long after a poll misses a socket its last kernel event may still arrive, milliseconds: LinuxEvents waits a
 * quarter of a second for the last message of a socket.
 */
const LATE_MS = 1000;

/** TCP_TIMEWAIT_LEN, include/net/tcp.h. */
const TIMEWAIT_MS = 60_000;

/**
 * Merges polls and kernel events: one life for each connection, with one spawn and one close event, whichever reported
 * it first. The close event comes when the connection ends. Its remnant (TIME_WAIT) stays as a row, and the row is
 * removed without another event.
 *
 * States of a life, and the events that a change of state emits:
 *
 *     new ── first poll or kernel event that reports it: spawn ──▶ open
 *     open ── a poll misses it ──▶ missing
 *     missing ── a poll sees it ──▶ open
 *     missing ── no kernel event for MISSING_MS: close ──▶ gone
 *     open, missing ── kernel event `ended`: close ──▶ remnant, if the kernel keeps one, else gone
 *     remnant ── a poll misses it ──▶ gone
 *     gone ── a poll sees the remnant again ──▶ remnant
 *     gone ── two polls later, after `keptUntilMs` ──▶ removed
 *
 * Without an event source, and for protocols other than TCP and UDP, a poll that misses a socket closes it at once.
 *
 * Sockets of the baseline that no kernel event is about have no `Life`: the snapshot has everything about them, so
 * 100,000 of them cost nothing here.
 */
export class Merger {
  readonly #emitsEveryChange: boolean;
  readonly #hasEventSource: boolean;
  readonly #maxGone: number;
  /** By id and by the other id, if any. A life that is gone stays for two more polls, so that late events find it. */
  readonly #lives = new Map<string, Life>();
  /**
   * Lives that may have a second id which is not known yet: no poll has seen them, or a poll saw the remnant first.
   */
  readonly #byEndpoints = new ByEndpoints<Life>();
  /** Lives that may differ from what the last batch reported. */
  readonly #unreported = new Set<Life>();
  /** Lives to check in the next snapshot, and the time of the kernel event or poll that put them here. */
  readonly #unconfirmed = new Map<Life, number>();
  /** Lives that a poll missed and that wait for the kernel event of their end, with the start of that poll. */
  readonly #missing = new Map<Life, number>();
  /** Lives that are gone, oldest first. */
  readonly #gone = new Set<Life>();
  /** Events to emit. `atMs` is on the monotonic clock until `takeEvents` converts it. */
  #events: Mutable<Event>[] = [];
  /** The last snapshot. */
  #snapshot: ReadonlyMap<string, Socket> = new Map();
  /** Differences of the last poll for sockets without a life here. */
  #polledSpawns: Socket[] = [];
  #polledChanges: Socket[] = [];
  #firstPoll: PollTime | undefined;
  /** Kernel events from before the first poll ended; only those about sockets that it saw count. */
  #earlyEvents: readonly KernelEvent[] = [];
  #lastPoll = NEVER;
  /** Wall-clock time minus the monotonic clock, milliseconds. */
  #wallOffsetMs = 0;

  /**
   * @param options `emitsEveryChange`: emit an event for each change of state, instead of one for the difference
   * between two batches; `hasEvents`: an event source reports the end of sockets, mostly before a poll misses them;
   * `maxGone`: maximum number of lives kept after they are gone, the oldest are dropped first
   */
  constructor({
    emitsEveryChange,
    hasEvents,
    maxGone = 2 * MAX_WAITING_EVENTS,
  }: {
    readonly emitsEveryChange: boolean;
    readonly hasEvents: boolean;
    readonly maxGone?: number;
  }) {
    this.#maxGone = maxGone;
    this.#emitsEveryChange = emitsEveryChange;
    this.#hasEventSource = hasEvents;
  }

  /** Number of events and changed lives that wait to be taken. */
  get waiting(): number {
    return this.#events.length + this.#unreported.size;
  }

  /**
   * Applies kernel events, in order. Sockets that spawn and close before the first poll ends are ignored.
   * @param now when the event source was drained
   */
  applyKernelEvents(kernelEvents: readonly KernelEvent[], now: Moment): void {
    if (this.#firstPoll === undefined) {
      this.#earlyEvents = [...this.#earlyEvents, ...kernelEvents];
      return;
    }
    this.#wallOffsetMs = now.wallMs - now.monotonicMs;
    for (const kernelEvent of kernelEvents) {
      if (kernelEvent.type === 'gap') {
        this.#events.push({ ...kernelEvent });
        continue;
      }
      const life =
        kernelEvent.type === 'appeared'
          ? this.#applyAppeared(kernelEvent)
          : kernelEvent.type === 'state'
            ? this.#applyState(kernelEvent)
            : this.#applyEnded(kernelEvent);
      if (life && !life.isGone) this.#unconfirmed.set(life, now.monotonicMs);
    }
    this.#closeMissing(now.monotonicMs - MISSING_MS);
  }

  /**
   * Applies the difference between a snapshot and the one before it.
   * @param sockets the snapshot; it must not change until the poll after the next one
   * @param start when the poll started
   * @param endMs when it ended, on the monotonic clock
   */
  applyPoll(
    { spawned, changed, closed }: Difference,
    sockets: ReadonlyMap<string, Socket>,
    start: Moment,
    endMs: number,
  ): void {
    this.#wallOffsetMs = start.wallMs - start.monotonicMs;
    const startMs = start.monotonicMs;
    const previous = this.#snapshot;
    const isFirst = this.#firstPoll === undefined;
    // Found before the snapshot is replaced: a life made here has its socket as the poll before saw it.
    const missed = closed.map((id) => this.#findOrAdopt(id));
    this.#snapshot = sockets;
    this.#lastPoll = { startMs, endMs };
    this.#firstPoll ??= this.#lastPoll;
    for (const socket of spawned) this.#applySpawned(socket, isFirst);
    for (const socket of changed) this.#applyChanged(socket, previous.get(socket.id));
    for (const life of missed) if (life) this.#unconfirmed.set(life, startMs);
    for (const [life, sinceMs] of this.#unconfirmed) {
      // The poll may have read past this socket before the kernel event: check it in the next one.
      if (sinceMs > startMs) continue;
      this.#unconfirmed.delete(life);
      this.#checkInSnapshot(life);
    }
    this.#removeExpired();
    if (isFirst) {
      this.applyKernelEvents(this.#earlyEvents, {
        wallMs: endMs + this.#wallOffsetMs,
        monotonicMs: endMs,
      });
      this.#earlyEvents = [];
    }
  }

  /** Closes all missing lives now, without waiting for a kernel event. */
  closeAllMissing(): void {
    this.#closeMissing(Infinity);
  }

  /** Returns all changes since the last call. */
  take(): Merged {
    const [spawned, changed, closed] = [this.#polledSpawns, this.#polledChanges, [] as string[]];
    for (const life of this.#unreported) {
      const { id, reported, socket, isGone } = life;
      if (reported === undefined) spawned.push(socket);
      if (reported !== undefined && reported !== socket) {
        changed.push(socket);
        if (!this.#emitsEveryChange && life.closedBy === undefined)
          this.#emitChange(reported, socket, life.changedMs, life.changedBy, life);
      }
      if (isGone) closed.push(id);
      life.reported = isGone ? undefined : socket;
    }
    this.#unreported.clear();
    [this.#polledSpawns, this.#polledChanges] = [[], []];
    return { spawned, changed, closed, events: this.takeEvents() };
  }

  /** Returns the events since the last call of this or of `take`, in order of time, and nothing else. */
  takeEvents(): readonly Event[] {
    const events = this.#events;
    this.#events = [];
    events.sort((a, b) => a.atMs - b.atMs);
    for (const event of events) event.atMs = this.#wall(event.atMs);
    return events;
  }

  /** Converts to wall-clock time, rounded to the microsecond: adding and subtracting leaves floating-point noise. */
  #wall(monotonicMs: number): number {
    return Math.round((monotonicMs + this.#wallOffsetMs) * 1000) / 1000;
  }

  /** Returns the life with this id. A baseline socket without one gets it now, from the last snapshot. */
  #findOrAdopt(id: string): Life | undefined {
    const life = this.#lives.get(id);
    if (life) return life;
    const socket = this.#snapshot.get(id);
    return socket && this.#adopt(socket);
  }

  /** Creates the life of a baseline socket, which batches have reported already. */
  #adopt(socket: Socket): Life {
    const life = this.#createLife(socket, this.#firstPoll?.startMs ?? 0, 'poll');
    life.isBaseline = true;
    life.firstSeenMs = this.#firstPoll?.endMs ?? 0;
    life.reported = socket;
    // The last poll may have emitted a change of it.
    life.changedMs = this.#lastPoll.startMs;
    return life;
  }

  #createLife(socket: Socket, bornMs: number, learntBy: LearntBy): Life {
    const isPolled = learntBy === 'poll';
    const life: Life = {
      id: socket.id,
      otherId: undefined,
      endpointsKey: undefined,
      socket,
      reported: undefined,
      bornMs,
      firstSeenMs: isPolled ? this.#lastPoll.endMs : Infinity,
      isBaseline: false,
      hasKernelEvent: !isPolled,
      lastPoll: isPolled ? this.#lastPoll : NEVER,
      closedBy: undefined,
      isGone: false,
      pollsSinceGone: 0,
      keptUntilMs: -Infinity,
      changedMs: bornMs,
      changedBy: learntBy,
    };
    this.#lives.set(socket.id, life);
    if (this.#hasEventSource && socket.remote && (!isPolled || isRemnant(socket)))
      life.endpointsKey = this.#byEndpoints.add(socket, life);
    return life;
  }

  /** Gives a life its second id. From then on both ids are known, and its endpoints need not find it. */
  #addOtherId(life: Life, otherId: string): void {
    if (life.endpointsKey !== undefined) this.#byEndpoints.delete(life.endpointsKey, life);
    life.endpointsKey = undefined;
    life.otherId = otherId;
    this.#lives.set(otherId, life);
  }

  /** Returns the life of a connection that no poll has seen and that may have left this remnant. */
  #findLifeOfRemnant(remnant: Socket): Life | undefined {
    return this.#byEndpoints.find(remnant, (life) => life.otherId === undefined && life.lastPoll === NEVER);
  }

  /** Returns the life whose remnant a poll saw at or after `atMs`, before any kernel event about the connection. */
  #findMetAsRemnant(socket: Socket, atMs: number): Life | undefined {
    return this.#byEndpoints.find(
      socket,
      (life) => life.otherId === undefined && !life.hasKernelEvent && life.lastPoll.endMs >= atMs,
    );
  }

  #emitSpawn(life: Life): void {
    const { socket, changedMs, changedBy } = life;
    this.#unreported.add(life);
    this.#events.push({
      type: 'spawn',
      atMs: changedMs,
      socket,
      learntBy: changedBy,
    });
  }

  /** @param life absent for a baseline socket that only polls have reported */
  #emitChange(before: Socket, socket: Socket, atMs: number, learntBy: LearntBy, life?: Life): void {
    if (!isNotable(before, socket)) return;
    const { bornMs, isBaseline } = life ?? { bornMs: this.#firstPoll?.startMs, isBaseline: true };
    this.#events.push({
      type: 'change',
      atMs,
      socket,
      learntBy,
      was: previousFields(before, socket),
      ...(bornMs !== undefined && { ageMs: Math.max(0, atMs - bornMs) }),
      ...(isBaseline && { isBaseline }),
    });
  }

  /** Ends a life and emits its close. @param kernelLifetime how long it lived, by the kernel event */
  #close(life: Life, atMs: number, learntBy: LearntBy, kernelLifetime: Lifetime = {}): void {
    const seen = seenLifetime(life, atMs);
    // The kernel counts from listen() or from the handshake, polls from the first sighting.
    const isSeenLonger =
      kernelLifetime.lifetimeMs !== undefined && kernelLifetime.lifetimeMs < atMs - life.firstSeenMs;
    const lifetime = isSeenLonger ? seen : betterLifetime(seen, kernelLifetime);
    life.closedBy = learntBy;
    this.#missing.delete(life);
    // A poll may have seen the remnant at a later time than that of this kernel event.
    life.changedMs = Math.max(life.changedMs, atMs);
    this.#unreported.add(life);
    this.#events.push({
      type: 'close',
      atMs: life.changedMs,
      socket: life.socket,
      learntBy,
      ...lifetime,
      ...(life.isBaseline && { isBaseline: true }),
    });
  }

  /** Removes the row of a life. @param mayReturn its remnant may still exist: polls can miss one that does */
  #markGone(life: Life, mayReturn = false): void {
    life.isGone = true;
    life.pollsSinceGone = 0;
    const lateMs = Math.max(life.changedMs, this.#lastPoll.endMs) + LATE_MS;
    life.keptUntilMs = mayReturn ? Math.max(lateMs, this.#remnantEndMs(life)) : lateMs;
    this.#gone.delete(life);
    this.#gone.add(life);
    this.#unreported.add(life);
  }

  /** Returns when the kernel drops the remnant: by its timer if a poll has seen it, else after TIMEWAIT_MS. */
  #remnantEndMs({ socket: { timer }, changedMs }: Life): number {
    return timer?.kind === 'timewait' ? timer.dueAtMs - this.#wallOffsetMs : changedMs + TIMEWAIT_MS;
  }

  #setSocket(life: Life, socket: Socket, atMs: number, learntBy: LearntBy): void {
    const before = life.socket;
    life.socket = socket;
    this.#unreported.add(life);
    if (life.closedBy !== undefined || !isNotable(before, socket)) return;
    life.changedMs = Math.max(life.changedMs, atMs);
    life.changedBy = learntBy;
    if (this.#emitsEveryChange) this.#emitChange(before, socket, life.changedMs, learntBy, life);
  }

  /** Applies a socket that a poll sees for the first time under this id. */
  #applySpawned(socket: Socket, isFirst: boolean): void {
    let life = this.#lives.get(socket.id);
    if (life === undefined && isRemnant(socket)) {
      life = this.#findLifeOfRemnant(socket);
      if (life) this.#addOtherId(life, socket.id);
    }
    if (life) this.#applySighting(life, socket);
    else if (isFirst) this.#polledSpawns.push(socket);
    else this.#emitSpawn(this.#createLife(socket, this.#lastPoll.startMs, 'poll'));
  }

  /** Applies a socket that changed since the poll before. */
  #applyChanged(socket: Socket, before: Socket | undefined): void {
    const life = this.#lives.get(socket.id);
    if (life) this.#applySighting(life, socket);
    else {
      this.#polledChanges.push(socket);
      if (before) this.#emitChange(before, socket, this.#lastPoll.startMs, 'poll');
    }
  }

  /** Updates a life from the last poll, and reopens it if an earlier poll missed the socket by mistake. */
  #applySighting(life: Life, socket: Socket): void {
    const { startMs } = this.#lastPoll;
    life.lastPoll = this.#lastPoll;
    this.#missing.delete(life);
    if (life.closedBy !== undefined && !isRemnant(socket)) {
      // After the kernel reported its end, only a table that was not read to its end still shows it.
      if (life.closedBy !== 'poll') return;
      // An earlier poll missed it and it was closed: it spawns again.
      Object.assign(life, {
        socket,
        bornMs: startMs,
        firstSeenMs: this.#lastPoll.endMs,
        isBaseline: false,
      });
      Object.assign(life, { changedMs: startMs, changedBy: 'poll' });
      life.closedBy = undefined;
      life.isGone = false;
      this.#emitSpawn(life);
      return;
    }
    life.isGone = false;
    this.#setSocket(life, life.hasKernelEvent ? withEarlier(life.socket, socket) : socket, startMs, 'poll');
  }

  /** Compares a life with the last snapshot, unless the last poll has updated it already. */
  #checkInSnapshot(life: Life): void {
    if (life.isGone || life.lastPoll === this.#lastPoll) return;
    const socket = this.#sightingOf(life);
    if (socket === undefined) this.#applyMissing(life);
    else if (socket.state !== life.socket.state) this.#applySighting(life, socket);
  }

  /** Returns the socket of a life in the last snapshot, under either of its ids. */
  #sightingOf({ id, otherId }: Life): Socket | undefined {
    return this.#snapshot.get(id) ?? (otherId === undefined ? undefined : this.#snapshot.get(otherId));
  }

  /** Handles a life whose socket is not in the last snapshot. */
  #applyMissing(life: Life): void {
    const { startMs } = this.#lastPoll;
    const { protocol } = life.socket;
    if (life.closedBy !== undefined) this.#markGone(life, true);
    // Event sources report the end of TCP and UDP sockets only. A remnant had its end reported before.
    else if (this.#hasEventSource && (protocol === 'tcp' || protocol === 'udp') && !isRemnant(life.socket))
      this.#missing.set(life, startMs);
    else {
      this.#close(life, startMs, 'poll');
      this.#markGone(life, isRemnant(life.socket));
    }
  }

  /** Closes the lives that are missing since a poll that started at `untilMs` or earlier. */
  #closeMissing(untilMs: number): void {
    for (const [life, atMs] of this.#missing) {
      if (atMs > untilMs) continue;
      this.#close(life, atMs, 'poll');
      // A table that was not read to its end may show its remnant later.
      this.#markGone(life, life.socket.protocol === 'tcp');
    }
  }

  /** Removes lives that have been gone for two polls, once neither a late kernel event nor a remnant can turn up. */
  #removeExpired(): void {
    for (const life of this.#gone) {
      if (!life.isGone) {
        this.#gone.delete(life);
        continue;
      }
      // A table that was not read to its end still has it.
      if (this.#sightingOf(life)) life.pollsSinceGone = 0;
      if (life.pollsSinceGone++ === 0) continue;
      if (life.keptUntilMs > this.#lastPoll.startMs && this.#gone.size <= this.#maxGone) continue;
      this.#gone.delete(life);
      this.#lives.delete(life.id);
      if (life.otherId !== undefined) this.#lives.delete(life.otherId);
      if (life.endpointsKey !== undefined) this.#byEndpoints.delete(life.endpointsKey, life);
    }
  }

  /** Returns true for times up to the end of the first poll: what happened until then is part of the baseline. */
  #isInBaseline(atMs: number): boolean {
    return atMs <= (this.#firstPoll?.endMs ?? Infinity);
  }

  /** Returns the owners of a life after a kernel event with the owners at `atMs`. */
  #mergedOwners({ socket, lastPoll }: Life, owners: readonly Owner[], atMs: number): readonly Owner[] {
    return atMs <= lastPoll.endMs ? laterOwners(owners, socket.owners) : betterOwners(socket.owners, owners);
  }

  #applyAppeared({ socket, atMs, learntBy }: KernelEvent & { type: 'appeared' }): Life | undefined {
    let life = this.#findOrAdopt(socket.id);
    if (life === undefined) {
      if (this.#isInBaseline(atMs)) return undefined;
      life = this.#findMetAsRemnant(socket, atMs);
      if (life) this.#addOtherId(life, socket.id);
    }
    if (life === undefined) {
      life = this.#createLife(socket, atMs, learntBy);
      this.#emitSpawn(life);
      return life;
    }
    if (life.closedBy !== undefined) return undefined;
    life.hasKernelEvent = true;
    // A socket can be seen before this event: it is bound before it listens or connects.
    if (atMs <= life.firstSeenMs) {
      life.bornMs = atMs;
      life.isBaseline = false;
    }
    const owners = this.#mergedOwners(life, socket.owners, atMs);
    if (owners !== life.socket.owners)
      this.#setSocket(life, { ...filledFrom(life.socket, socket), owners }, atMs, learntBy);
    return life;
  }

  #applyState({ id, was, now, owners, atMs, learntBy }: KernelEvent & { type: 'state' }): Life | undefined {
    const life = this.#findOrAdopt(id);
    if (life === undefined || life.closedBy !== undefined) return undefined;
    const before = life.socket;
    const best = owners ? this.#mergedOwners(life, owners, atMs) : before.owners;
    // A later poll has seen a newer state than this.
    const isLate = atMs <= life.lastPoll.endMs && before.state !== was;
    const state = isLate ? before.state : now;
    if (state === before.state && best === before.owners) return undefined;
    life.hasKernelEvent = true;
    const { timer: _, ...rest } = before;
    this.#setSocket(life, { ...rest, ...(state && { state }), owners: best }, atMs, learntBy);
    return life;
  }

  #applyEnded({
    socket,
    atMs,
    remnant,
    learntBy,
    ...lifetime
  }: KernelEvent & { type: 'ended' }): Life | undefined {
    const life =
      this.#findOrAdopt(socket.id) ??
      this.#findOrCreateEnded(socket, atMs, remnant?.id, lifetime.lifetimeMs, learntBy);
    if (life === undefined || life.closedBy !== undefined) return undefined;
    const hasRemnant = remnant ? this.#claimId(life, remnant.id) : isRemnant(life.socket);
    life.hasKernelEvent = true;
    life.socket = withEnd(life.socket, socket);
    this.#close(life, atMs, learntBy, lifetime);
    // A later poll has not seen the remnant: it has ended too.
    const hasRemnantEnded = atMs <= this.#lastPoll.startMs && this.#sightingOf(life) === undefined;
    // The trace does not say whether a remnant is left.
    if (!hasRemnant || hasRemnantEnded) this.#markGone(life, hasRemnant || learntBy === 'trace');
    else
      life.socket = {
        ...life.socket,
        ...(remnant && { state: remnant.state }),
        owners: asInherited(life.socket.owners),
      };
    return life;
  }

  /** Returns the life of a socket whose first kernel event is its end: the life of its remnant, or a new one. */
  #findOrCreateEnded(
    socket: Socket,
    atMs: number,
    remnantId: string | undefined,
    lifetimeMs: number | undefined,
    learntBy: LearntBy,
  ): Life | undefined {
    if (this.#isInBaseline(atMs)) return undefined;
    const met =
      (remnantId === undefined ? undefined : this.#findOrAdopt(remnantId)) ??
      this.#findMetAsRemnant(socket, atMs);
    const isSameLife = met !== undefined && met.otherId === undefined;
    const life = isSameLife ? met : this.#createLife(socket, atMs - (lifetimeMs ?? 0), learntBy);
    if (isSameLife) this.#addOtherId(life, socket.id);
    else this.#emitSpawn(life);
    // When a poll saw the remnant does not say when the connection was born.
    if (!life.isBaseline) life.bornMs = undefined;
    return life;
  }

  /** Gives a life this id if it has no second one and the id is free. Returns true if the id belongs to the life. */
  #claimId(life: Life, id: string): boolean {
    if (life.otherId === undefined && this.#findOrAdopt(id) === undefined) this.#addOtherId(life, id);
    return this.#lives.get(id) === life;
  }
}
