import type { Difference } from '../model/batch.ts';
import { MAX_WAITING_EVENTS } from '../model/bounds.ts';
import { previousFields, type LearntBy, type Event } from '../model/event.ts';
import { isNotable, isRemnant, type Owner, type Socket } from '../model/socket.ts';
import type { KernelEvent } from '../source/types.ts';
import { ByEndpoints } from './by-endpoints.ts';
import { betterLifetime, type Life, type Lifetime, NEVER, type Reading, seenLifetime } from './life.ts';
import { betterOwners, completed, continued, final, inherited, laterOwners } from './sightings.ts';

/** A moment on both clocks. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly wallMs: number;
  /** Milliseconds on a clock that never jumps. */
  readonly monotonicMs: number;
}

/** What has become known since the last batch. */
export interface Merged extends Difference {
  readonly events: readonly Event[];
}

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

/** So long after the poll that saw a socket no more, word of its end may still come, milliseconds. */
const WORD_MS = 100;

/**
 * A kernel event may come so long after the poll that saw a socket no more, milliseconds: LinuxEvents waits a quarter of
 * a second for the last message of a socket.
 */
const LATE_MS = 1000;

/** TCP_TIMEWAIT_LEN, include/net/tcp.h. */
const TIMEWAIT_MS = 60_000;

/**
 * Makes one account of what polls see and what event sources tell: a connection is one life however it was learnt, with
 * one spawn and one close. A close is told when the connection is over; what the kernel keeps of it for a while
 * (TIME_WAIT) stays a row, and leaves without a word.
 *
 * Sockets that were there before netpane, and of which only polls have told, need no life here: the snapshot has all
 * that is to be known of them.
 */
export class Merger {
  readonly #tellsAll: boolean;
  readonly #hasEvents: boolean;
  readonly #mostGone: number;
  /** By id, and by the other id where there is one; those that are gone for two more polls: late news of them is none. */
  readonly #lives = new Map<string, Life>();
  /**
   * By protocol and endpoints, those of which only one of their two ids may be known: no poll has seen them, or they
   * were met as a remnant.
   */
  readonly #halves = new ByEndpoints<Life>();
  /** Lives that may differ from what was told. */
  readonly #touched = new Set<Life>();
  /** Lives that the next poll is to confirm, and when word of them came. */
  readonly #unconfirmed = new Map<Life, number>();
  /** Lives that a poll saw no more, while word of their end may still come, and when that poll was. */
  readonly #vanished = new Map<Life, number>();
  /** Those that are gone; the first one first. */
  readonly #gone = new Set<Life>();
  /** With their times still on the clock that never jumps. */
  #events: Mutable<Event>[] = [];
  #polled: ReadonlyMap<string, Socket> = new Map();
  /** What the last poll said of sockets without a life here. */
  #spawned: Socket[] = [];
  #changed: Socket[] = [];
  #first: Reading | undefined;
  /** What was learnt before the first poll was over: of the sockets which that saw it is news. */
  #early: readonly KernelEvent[] = [];
  #last = NEVER;
  /** What to add to the clock that never jumps to get wall-clock time. */
  #wallOffsetMs = 0;

  /**
   * @param options `tellsAll`: each change of state is an event, not only what differs from batch to batch; `hasEvents`:
   * an event source will tell of the end of a socket, mostly before a poll finds it gone; `mostGone`: how many lives that
   * are gone and may still be met again are known, the oldest ones are forgotten first
   */
  constructor({
    tellsAll,
    hasEvents,
    mostGone = 2 * MAX_WAITING_EVENTS,
  }: {
    readonly tellsAll: boolean;
    readonly hasEvents: boolean;
    readonly mostGone?: number;
  }) {
    this.#mostGone = mostGone;
    this.#tellsAll = tellsAll;
    this.#hasEvents = hasEvents;
  }

  /** How much there is to take. */
  get waiting(): number {
    return this.#events.length + this.#touched.size;
  }

  /**
   * Takes what an event source has learnt, in order. What came and went before the first poll was over is no news.
   * @param now the moment at which it was drained
   */
  learn(kernelEvents: readonly KernelEvent[], now: Moment): void {
    if (this.#first === undefined) {
      this.#early = [...this.#early, ...kernelEvents];
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
          ? this.#appear(kernelEvent)
          : kernelEvent.type === 'state'
            ? this.#turn(kernelEvent)
            : this.#end(kernelEvent);
      if (life && !life.isGone) this.#unconfirmed.set(life, now.monotonicMs);
    }
    this.#closeVanished(now.monotonicMs - WORD_MS);
  }

  /**
   * Takes what differs in a snapshot from the one before.
   * @param sockets the snapshot, which stays as it is until the next but one
   * @param start when the reading began
   * @param endMs when it was over, on the clock that never jumps
   */
  poll(
    { spawned, changed, closed }: Difference,
    sockets: ReadonlyMap<string, Socket>,
    start: Moment,
    endMs: number,
  ): void {
    this.#wallOffsetMs = start.wallMs - start.monotonicMs;
    const startMs = start.monotonicMs;
    const previous = this.#polled;
    const isFirst = this.#first === undefined;
    // Before anything is adopted: what closed is as the last poll saw it.
    const missed = closed.map((id) => this.#lifeOf(id));
    this.#polled = sockets;
    this.#last = { startMs, endMs };
    this.#first ??= this.#last;
    for (const socket of spawned) this.#meet(socket, isFirst);
    for (const socket of changed) this.#follow(socket, previous.get(socket.id));
    for (const life of missed) if (life) this.#unconfirmed.set(life, startMs);
    for (const [life, sinceMs] of this.#unconfirmed) {
      // Word that came while the poll was under way may be of what it had passed by.
      if (sinceMs > startMs) continue;
      this.#unconfirmed.delete(life);
      this.#confirm(life);
    }
    this.#forget();
    if (isFirst) {
      this.learn(this.#early, {
        wallMs: endMs + this.#wallOffsetMs,
        monotonicMs: endMs,
      });
      this.#early = [];
    }
  }

  /** Waits no longer for word of the end of what a poll saw no more. */
  giveUp(): void {
    this.#closeVanished(Infinity);
  }

  /** What has become known since the last call. */
  take(): Merged {
    const [spawned, changed, closed] = [this.#spawned, this.#changed, [] as string[]];
    for (const life of this.#touched) {
      const { id, told, socket, isGone } = life;
      if (told === undefined) spawned.push(socket);
      if (told !== undefined && told !== socket) {
        changed.push(socket);
        if (!this.#tellsAll && life.closedBy === undefined)
          this.#tellChange(told, socket, life.newsMs, life.newsBy, life);
      }
      if (isGone) closed.push(id);
      life.told = isGone ? undefined : socket;
    }
    this.#touched.clear();
    [this.#spawned, this.#changed] = [[], []];
    return { spawned, changed, closed, events: this.takeEvents() };
  }

  /** The events alone that have become known since the last call of this or of `take`. */
  takeEvents(): readonly Event[] {
    const events = this.#events;
    this.#events = [];
    events.sort((a, b) => a.atMs - b.atMs);
    for (const event of events) event.atMs = this.#wall(event.atMs);
    return events;
  }

  /** To the microsecond: what is added and taken away again leaves traces in the last digits. */
  #wall(monotonicMs: number): number {
    return Math.round((monotonicMs + this.#wallOffsetMs) * 1000) / 1000;
  }

  /** The life of a socket, made of what the last poll said where there is none yet. */
  #lifeOf(id: string): Life | undefined {
    const life = this.#lives.get(id);
    if (life) return life;
    const socket = this.#polled.get(id);
    return socket && this.#adopt(socket);
  }

  /** Of a socket that was there before netpane, and is polled. */
  #adopt(socket: Socket): Life {
    const life = this.#bear(socket, this.#first?.startMs ?? 0, 'poll');
    life.isBaseline = true;
    life.firstSeenMs = this.#first?.endMs ?? 0;
    life.told = socket;
    // That poll may have told a change of it.
    life.newsMs = this.#last.startMs;
    return life;
  }

  #bear(socket: Socket, bornMs: number, learntBy: LearntBy): Life {
    const isPolled = learntBy === 'poll';
    const life: Life = {
      id: socket.id,
      otherId: undefined,
      endpoints: undefined,
      socket,
      told: undefined,
      bornMs,
      firstSeenMs: isPolled ? this.#last.endMs : Infinity,
      isBaseline: false,
      hasWord: !isPolled,
      polled: isPolled ? this.#last : NEVER,
      closedBy: undefined,
      isGone: false,
      pollsGone: 0,
      keptUntilMs: -Infinity,
      newsMs: bornMs,
      newsBy: learntBy,
    };
    this.#lives.set(socket.id, life);
    if (this.#hasEvents && socket.remote && (!isPolled || isRemnant(socket)))
      life.endpoints = this.#halves.add(socket, life);
    return life;
  }

  /** From now on a life is known under this id too. */
  #join(life: Life, otherId: string): void {
    // Both its ids are known: it is not looked for by its endpoints any more.
    if (life.endpoints !== undefined) this.#halves.delete(life.endpoints, life);
    life.endpoints = undefined;
    life.otherId = otherId;
    this.#lives.set(otherId, life);
  }

  /** The life that a remnant is left of: one that no poll had seen. */
  #lifeBehind(remnant: Socket): Life | undefined {
    return this.#halves.find(remnant, (life) => life.otherId === undefined && life.polled === NEVER);
  }

  /** The life of a socket of which a poll has met what was left, before there was word of it. */
  #lifeAhead(socket: Socket, atMs: number): Life | undefined {
    return this.#halves.find(
      socket,
      (life) => life.otherId === undefined && !life.hasWord && life.polled.endMs >= atMs,
    );
  }

  #tellSpawn(life: Life): void {
    const { socket, newsMs, newsBy } = life;
    this.#touched.add(life);
    this.#events.push({
      type: 'spawn',
      atMs: newsMs,
      socket,
      learntBy: newsBy,
    });
  }

  /** @param life absent for a socket that only polls have told of since the first one */
  #tellChange(before: Socket, socket: Socket, atMs: number, learntBy: LearntBy, life?: Life): void {
    if (!isNotable(before, socket)) return;
    const { bornMs, isBaseline } = life ?? { bornMs: this.#first?.startMs, isBaseline: true };
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

  #close(life: Life, atMs: number, learntBy: LearntBy, told: Lifetime = {}): void {
    const seen = seenLifetime(life, atMs);
    // The kernel counts from listen() or from the handshake, the polls from the first sighting.
    const isSeenLonger = told.lifetimeMs !== undefined && told.lifetimeMs < atMs - life.firstSeenMs;
    const lifetime = isSeenLonger ? seen : betterLifetime(seen, told);
    life.closedBy = learntBy;
    this.#vanished.delete(life);
    // A poll may have seen what is left of it before there was word of its end.
    life.newsMs = Math.max(life.newsMs, atMs);
    this.#touched.add(life);
    this.#events.push({
      type: 'close',
      atMs: life.newsMs,
      socket: life.socket,
      learntBy,
      ...lifetime,
      ...(life.isBaseline && { isBaseline: true }),
    });
  }

  /** Nothing is left of it. @param mayReturn its remnant may still be there: a poll passed it by */
  #finish(life: Life, mayReturn = false): void {
    life.isGone = true;
    life.pollsGone = 0;
    const lateMs = Math.max(life.newsMs, this.#last.endMs) + LATE_MS;
    life.keptUntilMs = mayReturn ? Math.max(lateMs, this.#remnantEndMs(life)) : lateMs;
    this.#gone.delete(life);
    this.#gone.add(life);
    this.#touched.add(life);
  }

  /** When the kernel lets go of the remnant, by its timer where a poll has seen that. */
  #remnantEndMs({ socket: { timer }, newsMs }: Life): number {
    return timer?.kind === 'timewait' ? timer.dueAtMs - this.#wallOffsetMs : newsMs + TIMEWAIT_MS;
  }

  #update(life: Life, socket: Socket, atMs: number, learntBy: LearntBy): void {
    const before = life.socket;
    life.socket = socket;
    this.#touched.add(life);
    if (life.closedBy !== undefined || !isNotable(before, socket)) return;
    life.newsMs = Math.max(life.newsMs, atMs);
    life.newsBy = learntBy;
    if (this.#tellsAll) this.#tellChange(before, socket, life.newsMs, learntBy, life);
  }

  /** A poll sees a socket for the first time, or for the first time under this id. */
  #meet(socket: Socket, isFirst: boolean): void {
    let life = this.#lives.get(socket.id);
    if (life === undefined && isRemnant(socket)) {
      life = this.#lifeBehind(socket);
      if (life) this.#join(life, socket.id);
    }
    if (life) this.#see(life, socket);
    else if (isFirst) this.#spawned.push(socket);
    else this.#tellSpawn(this.#bear(socket, this.#last.startMs, 'poll'));
  }

  /** A poll sees something else of a socket that it has seen. */
  #follow(socket: Socket, before: Socket | undefined): void {
    const life = this.#lives.get(socket.id);
    if (life) this.#see(life, socket);
    else {
      this.#changed.push(socket);
      if (before) this.#tellChange(before, socket, this.#last.startMs, 'poll');
    }
  }

  #see(life: Life, socket: Socket): void {
    const { startMs } = this.#last;
    life.polled = this.#last;
    this.#vanished.delete(life);
    if (life.closedBy !== undefined && !isRemnant(socket)) {
      // The kernel's word that it is no more outweighs a table that could not be read to its end.
      if (life.closedBy !== 'poll') return;
      // One that a poll had passed by: it is told as a new one.
      Object.assign(life, {
        socket,
        bornMs: startMs,
        firstSeenMs: this.#last.endMs,
        isBaseline: false,
      });
      Object.assign(life, { newsMs: startMs, newsBy: 'poll' });
      life.closedBy = undefined;
      life.isGone = false;
      this.#tellSpawn(life);
      return;
    }
    life.isGone = false;
    this.#update(life, life.hasWord ? continued(life.socket, socket) : socket, startMs, 'poll');
  }

  /** Looks whether the last poll has seen a socket that it told nothing of. */
  #confirm(life: Life): void {
    if (life.isGone || life.polled === this.#last) return;
    const socket = this.#sightingOf(life);
    if (socket === undefined) this.#miss(life);
    else if (socket.state !== life.socket.state) this.#see(life, socket);
  }

  #sightingOf({ id, otherId }: Life): Socket | undefined {
    return this.#polled.get(id) ?? (otherId === undefined ? undefined : this.#polled.get(otherId));
  }

  /** A poll does not see a socket, or not any more. */
  #miss(life: Life): void {
    const { startMs } = this.#last;
    const { protocol } = life.socket;
    if (life.closedBy !== undefined) this.#finish(life, true);
    // Of nothing else there is word; of what is left of a connection there was.
    else if (this.#hasEvents && (protocol === 'tcp' || protocol === 'udp') && !isRemnant(life.socket))
      this.#vanished.set(life, startMs);
    else {
      this.#close(life, startMs, 'poll');
      this.#finish(life, isRemnant(life.socket));
    }
  }

  /** Ends what has vanished until then, and of which no word has come. */
  #closeVanished(untilMs: number): void {
    for (const [life, atMs] of this.#vanished) {
      if (atMs > untilMs) continue;
      this.#close(life, atMs, 'poll');
      // A table that was not read to its end may show its remnant later.
      this.#finish(life, life.socket.protocol === 'tcp');
    }
  }

  /** Forgets lives that are gone for two polls, when no late kernel event and no other sighting can come any more. */
  #forget(): void {
    for (const life of this.#gone) {
      if (!life.isGone) {
        this.#gone.delete(life);
        continue;
      }
      // A table that could not be read to its end still has it.
      if (this.#sightingOf(life)) life.pollsGone = 0;
      if (life.pollsGone++ === 0) continue;
      if (life.keptUntilMs > this.#last.startMs && this.#gone.size <= this.#mostGone) continue;
      this.#gone.delete(life);
      this.#lives.delete(life.id);
      if (life.otherId !== undefined) this.#lives.delete(life.otherId);
      if (life.endpoints !== undefined) this.#halves.delete(life.endpoints, life);
    }
  }

  /** True for what the first poll stands for. */
  #isEarly(atMs: number): boolean {
    return atMs <= (this.#first?.endMs ?? Infinity);
  }

  /** The owners of a life, told that it had others at some moment. */
  #ownersWith({ socket, polled }: Life, owners: readonly Owner[], atMs: number): readonly Owner[] {
    return atMs <= polled.endMs ? laterOwners(owners, socket.owners) : betterOwners(socket.owners, owners);
  }

  #appear({ socket, atMs, learntBy }: KernelEvent & { type: 'appeared' }): Life | undefined {
    let life = this.#lifeOf(socket.id);
    if (life === undefined) {
      if (this.#isEarly(atMs)) return undefined;
      life = this.#lifeAhead(socket, atMs);
      if (life) this.#join(life, socket.id);
    }
    if (life === undefined) {
      life = this.#bear(socket, atMs, learntBy);
      this.#tellSpawn(life);
      return life;
    }
    if (life.closedBy !== undefined) return undefined;
    life.hasWord = true;
    // A socket that was bound first is there before it listens or connects.
    if (atMs <= life.firstSeenMs) {
      life.bornMs = atMs;
      life.isBaseline = false;
    }
    const owners = this.#ownersWith(life, socket.owners, atMs);
    if (owners !== life.socket.owners)
      this.#update(life, { ...completed(life.socket, socket), owners }, atMs, learntBy);
    return life;
  }

  #turn({ id, was, now, owners, atMs, learntBy }: KernelEvent & { type: 'state' }): Life | undefined {
    const life = this.#lifeOf(id);
    if (life === undefined || life.closedBy !== undefined) return undefined;
    const before = life.socket;
    const best = owners ? this.#ownersWith(life, owners, atMs) : before.owners;
    // A poll that came later has seen more than this.
    const isLate = atMs <= life.polled.endMs && before.state !== was;
    const state = isLate ? before.state : now;
    if (state === before.state && best === before.owners) return undefined;
    life.hasWord = true;
    const { timer: _, ...rest } = before;
    this.#update(life, { ...rest, ...(state && { state }), owners: best }, atMs, learntBy);
    return life;
  }

  #end({ socket, atMs, remnant, learntBy, ...lifetime }: KernelEvent & { type: 'ended' }): Life | undefined {
    const life =
      this.#lifeOf(socket.id) ?? this.#lifeOfEnded(socket, atMs, remnant?.id, lifetime.lifetimeMs, learntBy);
    if (life === undefined || life.closedBy !== undefined) return undefined;
    const isLeft = remnant ? this.#isKnownAs(life, remnant.id) : isRemnant(life.socket);
    life.hasWord = true;
    life.socket = final(life.socket, socket);
    this.#close(life, atMs, learntBy, lifetime);
    // Where a poll came later, and saw nothing of it, that is over too.
    const isOver = atMs <= this.#last.startMs && this.#sightingOf(life) === undefined;
    // The trace does not say whether a remnant is left.
    if (!isLeft || isOver) this.#finish(life, isLeft || learntBy === 'trace');
    else
      life.socket = {
        ...life.socket,
        ...(remnant && { state: remnant.state }),
        owners: inherited(life.socket.owners),
      };
    return life;
  }

  /** The life of a socket that nothing was known of until its end. */
  #lifeOfEnded(
    socket: Socket,
    atMs: number,
    remnantId: string | undefined,
    lifetimeMs: number | undefined,
    learntBy: LearntBy,
  ): Life | undefined {
    if (this.#isEarly(atMs)) return undefined;
    const left =
      (remnantId === undefined ? undefined : this.#lifeOf(remnantId)) ?? this.#lifeAhead(socket, atMs);
    const isJoined = left !== undefined && left.otherId === undefined;
    const life = isJoined ? left : this.#bear(socket, atMs - (lifetimeMs ?? 0), learntBy);
    if (isJoined) this.#join(life, socket.id);
    else this.#tellSpawn(life);
    // What a poll saw of the remnant says nothing of it.
    if (!life.isBaseline) life.bornMs = undefined;
    return life;
  }

  /** True where a life is known under an id, or can be from now on. */
  #isKnownAs(life: Life, id: string): boolean {
    if (life.otherId === undefined && this.#lifeOf(id) === undefined) this.#join(life, id);
    return this.#lives.get(id) === life;
  }
}
