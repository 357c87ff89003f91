import type { Difference } from '../model/batch.ts';
import type { LearntBy, LogEvent } from '../model/event.ts';
import { isNews, isRemnant, type Knowledge, type Owner, type Socket } from '../model/socket.ts';
import type { Happening } from '../source/types.ts';

/** A moment on both clocks. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly wallMs: number;
  /** Milliseconds on a clock that never jumps. */
  readonly monotonicMs: number;
}

/** What has become known since the last batch. */
export interface Merged extends Difference {
  readonly events: readonly LogEvent[];
}

/** One life of a socket, beyond what the last snapshot says of it. */
interface Life {
  readonly id: string;
  socket: Socket;
  /** As whoever takes the batches knows it; undefined while it does not. */
  told: Socket | undefined;
  readonly bornMs: number;
  /** It was there before netpane was. */
  readonly isBaseline: boolean;
  /** An event source has told something of it that no poll may know. */
  hasWord: boolean;
  /** The end of the last poll that saw it: what was traced before is in what that said. */
  polledMs: number;
  isPolled: boolean;
  /** Its close is told; what is left is a remnant. */
  isEnded: boolean;
  /** Id of the remnant, which is another where no poll ever saw the socket. */
  remnantId: string;
  /** When a poll saw it no more, while word of its end may still come. */
  vanishedMs: number | undefined;
  /** Who told of its latest change of state, and when. */
  changedMs: number;
  changedBy: LearntBy;
}

/** So long after the poll that saw a socket no more, word of its end may still come, milliseconds. */
const WORD_MS = 100;

/** How much an answer says of who is behind a socket. */
const WORTH: Readonly<Record<Knowledge, number>> = {
  exact: 4,
  inherited: 3,
  listener: 2,
  hidden: 1,
  kernel: 1,
  pending: 1,
  gone: 0,
};

const worthOf = ([owner]: readonly Owner[]): number => WORTH[owner?.knowledge ?? 'gone'];

/** The owners that say more; where those are the earlier ones, they are the last known by now. */
function bestOwners(before: readonly Owner[], now: readonly Owner[]): readonly Owner[] {
  if (worthOf(now) >= worthOf(before)) return now;
  return before[0]?.knowledge === 'exact'
    ? before.map((owner) => ({ ...owner, knowledge: 'inherited' as const }))
    : before;
}

/** A later sighting of a socket, with what only the earlier one knew. */
function continued(before: Socket, now: Socket): Socket {
  const uid = now.uid ?? before.uid;
  const user = now.user ?? before.user;
  return {
    ...now,
    id: before.id,
    ...(uid !== undefined && { uid }),
    ...(user !== undefined && { user }),
    traffic: { ...before.traffic, ...now.traffic },
    owners: bestOwners(before.owners, now.owners),
  };
}

/** A socket as it was last, by what was known of it and what its end tells. */
function final(before: Socket, end: Socket): Socket {
  const uid = before.uid ?? end.uid;
  const user = before.user ?? end.user;
  return {
    ...before,
    ...(uid !== undefined && { uid }),
    ...(user !== undefined && { user }),
    traffic: { ...before.traffic, ...end.traffic },
    // That nobody holds it any more says nothing new of who did.
    owners: worthOf(end.owners) > worthOf(before.owners) ? end.owners : before.owners,
  };
}

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
  readonly #lives = new Map<string, Life>();
  /** Lives by the id of their remnant, where it has one of its own. */
  readonly #remnants = new Map<string, Life>();
  /** Lives that may differ from what was told. */
  readonly #touched = new Set<Life>();
  /** Lives that no poll has seen yet, or none sees any more. */
  readonly #unseen = new Set<Life>();
  /** Ids of lives that ended since the last poll, and since the one before it: late news of them is none. */
  #over = new Set<string>();
  #overBefore = new Set<string>();
  #events: LogEvent[] = [];
  #polled: ReadonlyMap<string, Socket> = new Map();
  /** What the last poll said of sockets without a life here. */
  #spawned: Socket[] = [];
  #changed: Socket[] = [];
  #startMs: number | undefined;
  #pollEndMs = -Infinity;
  /** What to add to the clock that never jumps to get wall-clock time. */
  #wallOffsetMs = 0;

  /**
   * @param options `tellsAll`: each change of state is an event, not only what differs from batch to batch; `hasEvents`:
   * an event source will tell of the end of a socket, mostly before a poll finds it gone
   */
  constructor({ tellsAll, hasEvents }: { readonly tellsAll: boolean; readonly hasEvents: boolean }) {
    this.#tellsAll = tellsAll;
    this.#hasEvents = hasEvents;
  }

  /**
   * Takes what an event source has learnt, in order.
   * @param now the moment at which it was drained
   */
  learn(happenings: readonly Happening[], now: Moment): void {
    this.#wallOffsetMs = now.wallMs - now.monotonicMs;
    for (const happening of happenings) {
      if (happening.type === 'appeared') this.#appear(happening);
      else if (happening.type === 'state') this.#turn(happening);
      else if (happening.type === 'ended') this.#end(happening);
      else this.#events.push({ ...happening, atMs: this.#wall(happening.atMs) });
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
    const isFirst = this.#startMs === undefined;
    this.#startMs ??= start.monotonicMs;
    // Of what vanished at the last poll nothing will be told any more.
    this.giveUp();
    const previous = this.#polled;
    for (const socket of spawned) this.#meet(socket, isFirst, start.monotonicMs, endMs);
    for (const socket of changed) this.#follow(socket, previous.get(socket.id), start.monotonicMs, endMs);
    for (const id of closed) this.#miss(id, previous.get(id), start.monotonicMs);
    for (const life of this.#unseen) {
      if (life.vanishedMs === undefined && life.bornMs < start.monotonicMs)
        life.vanishedMs = start.monotonicMs;
    }
    this.#polled = sockets;
    this.#pollEndMs = endMs;
    [this.#over, this.#overBefore] = [new Set(), this.#over];
  }

  /** Waits no longer for word of the end of what a poll saw no more. */
  giveUp(): void {
    this.#closeVanished(Infinity);
  }

  /** What has become known since the last call. */
  take(): Merged {
    const [spawned, changed, closed] = [this.#spawned, this.#changed, [] as string[]];
    for (const life of this.#touched) {
      const { id, told, socket, isEnded } = life;
      if (told === undefined) spawned.push(socket);
      else if (told !== socket) {
        changed.push(socket);
        if (!this.#tellsAll && !isEnded) this.#tellChange(told, socket, life.changedMs, life.changedBy);
      }
      life.told = socket;
      if (this.#lives.get(id) !== life) closed.push(id);
    }
    this.#touched.clear();
    [this.#spawned, this.#changed] = [[], []];
    return { spawned, changed, closed, events: this.takeEvents() };
  }

  /** The events alone that have become known since the last call of this or of `take`. */
  takeEvents(): readonly LogEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #wall(monotonicMs: number): number {
    return monotonicMs + this.#wallOffsetMs;
  }

  #isOver(id: string): boolean {
    return this.#over.has(id) || this.#overBefore.has(id);
  }

  /** The life of a socket, made of what the last poll said where there is none yet. */
  #lifeOf(id: string): Life | undefined {
    const life = this.#remnants.get(id) ?? this.#lives.get(id);
    if (life !== undefined || this.#isOver(id)) return life;
    const socket = this.#polled.get(id);
    return socket && this.#adopt(socket);
  }

  /** Of a socket that was there before netpane, and is polled. */
  #adopt(socket: Socket): Life {
    const life = this.#bear(socket, this.#startMs ?? 0, true);
    life.told = socket;
    life.isPolled = true;
    life.polledMs = this.#pollEndMs;
    return life;
  }

  #bear(socket: Socket, bornMs: number, isBaseline = false): Life {
    const life: Life = {
      id: socket.id,
      socket,
      told: undefined,
      bornMs,
      isBaseline,
      hasWord: false,
      polledMs: -Infinity,
      isPolled: false,
      isEnded: false,
      remnantId: socket.id,
      vanishedMs: undefined,
      changedMs: bornMs,
      changedBy: 'poll',
    };
    this.#lives.set(socket.id, life);
    return life;
  }

  #tellSpawn(socket: Socket, atMs: number, learntBy: LearntBy): void {
    this.#events.push({ type: 'spawn', atMs: this.#wall(atMs), socket, learntBy });
  }

  #tellChange(before: Socket, socket: Socket, atMs: number, learntBy: LearntBy): void {
    if (!isNews(before, socket)) return;
    const was = before.state === socket.state ? undefined : before.state;
    this.#events.push({ type: 'change', atMs: this.#wall(atMs), socket, learntBy, ...(was && { was }) });
  }

  #tellClose(life: Life, atMs: number, learntBy: LearntBy, lived?: { ms: number; isAtLeast: boolean }): void {
    const { ms, isAtLeast } = lived ?? { ms: atMs - life.bornMs, isAtLeast: life.isBaseline };
    this.#events.push({
      type: 'close',
      atMs: this.#wall(atMs),
      socket: life.socket,
      learntBy,
      lifetimeMs: Math.max(0, ms),
      ...(isAtLeast && { isAtLeast }),
    });
  }

  /** A poll sees a socket for the first time, or for the first time under this id. */
  #meet(socket: Socket, isFirst: boolean, atMs: number, endMs: number): void {
    const { id } = socket;
    const known = this.#remnants.get(id) ?? this.#lives.get(id);
    const isOver = known === undefined && this.#isOver(id);
    if (known) this.#see(known, socket, atMs, endMs);
    else if (isOver && !isRemnant(socket)) return;
    else if (isFirst && !isOver) this.#spawned.push(socket);
    else {
      const life = this.#bear(socket, atMs);
      life.isPolled = true;
      life.polledMs = endMs;
      life.isEnded = isOver;
      this.#touched.add(life);
      if (!isOver) this.#tellSpawn(socket, atMs, 'poll');
    }
  }

  /** A poll sees something else of a socket that it has seen. */
  #follow(socket: Socket, before: Socket | undefined, atMs: number, endMs: number): void {
    const life = this.#remnants.get(socket.id) ?? this.#lives.get(socket.id);
    if (life) this.#see(life, socket, atMs, endMs);
    else if (before === undefined || this.#isOver(socket.id)) this.#meet(socket, false, atMs, endMs);
    else {
      this.#changed.push(socket);
      this.#tellChange(before, socket, atMs, 'poll');
    }
  }

  #see(life: Life, socket: Socket, atMs: number, endMs: number): void {
    life.isPolled = true;
    life.polledMs = endMs;
    life.vanishedMs = undefined;
    this.#unseen.delete(life);
    this.#update(life, life.hasWord ? continued(life.socket, socket) : socket, atMs, 'poll');
  }

  #update(life: Life, socket: Socket, atMs: number, learntBy: LearntBy): void {
    if (this.#tellsAll && !life.isEnded) this.#tellChange(life.socket, socket, atMs, learntBy);
    if (life.socket.state !== socket.state) {
      life.changedMs = atMs;
      life.changedBy = learntBy;
    }
    life.socket = socket;
    this.#touched.add(life);
  }

  /** A poll does not see a socket any more. */
  #miss(id: string, before: Socket | undefined, atMs: number): void {
    let life = this.#remnants.get(id) ?? this.#lives.get(id);
    if (life === undefined && (before === undefined || this.#isOver(id))) return;
    life ??= this.#adopt(before as Socket);
    // It goes on under the id of its remnant.
    if (life.isEnded && life.remnantId !== id) return;
    life.isPolled = false;
    if (life.isEnded) this.#finish(life);
    else if (this.#hasEvents && (life.socket.protocol === 'tcp' || life.socket.protocol === 'udp')) {
      life.vanishedMs = atMs;
      this.#unseen.add(life);
    } else {
      this.#tellClose(life, atMs, 'poll');
      this.#finish(life);
    }
  }

  /** Ends what has vanished until then, and of which no word has come. */
  #closeVanished(untilMs: number): void {
    for (const life of this.#unseen) {
      const { vanishedMs } = life;
      if (vanishedMs === undefined || vanishedMs > untilMs) continue;
      if (!life.isEnded) this.#tellClose(life, vanishedMs, 'poll');
      this.#finish(life);
    }
  }

  #finish(life: Life): void {
    this.#lives.delete(life.id);
    this.#remnants.delete(life.remnantId);
    this.#unseen.delete(life);
    this.#over.add(life.id);
    this.#touched.add(life);
  }

  #appear({ socket, atMs, learntBy }: Happening & { type: 'appeared' }): void {
    const known = this.#lifeOf(socket.id);
    if (known === undefined && this.#isOver(socket.id)) return;
    const life = known ?? this.#bear(socket, atMs);
    life.hasWord = true;
    if (known) {
      const owners = bestOwners(socket.owners, life.socket.owners);
      if (owners !== life.socket.owners) this.#update(life, { ...life.socket, owners }, atMs, learntBy);
      return;
    }
    this.#unseen.add(life);
    this.#touched.add(life);
    this.#tellSpawn(socket, atMs, learntBy);
  }

  #turn({ id, was, now, owners, atMs, learntBy }: Happening & { type: 'state' }): void {
    const life = this.#lifeOf(id);
    if (life === undefined || life.isEnded) return;
    const before = life.socket;
    const best = owners ? bestOwners(owners, before.owners) : before.owners;
    // A poll that came later has seen more than this.
    const isLate = atMs <= life.polledMs && before.state !== was;
    const state = isLate ? before.state : now;
    if (state === before.state && best === before.owners) return;
    life.hasWord = true;
    const { timer: _, ...rest } = before;
    this.#update(life, { ...rest, ...(state && { state }), owners: best }, atMs, learntBy);
  }

  #end({ socket, atMs, lifetimeMs, isAtLeast, remnant, learntBy }: Happening & { type: 'ended' }): void {
    const known = this.#lifeOf(socket.id);
    if (known ? known.isEnded : this.#isOver(socket.id)) return;
    const life = known ?? this.#bear(socket, atMs - (lifetimeMs ?? 0));
    life.hasWord = true;
    if (known === undefined) this.#tellSpawn(socket, life.bornMs, learntBy);
    const wasRemnant = isRemnant(life.socket);
    life.socket = final(life.socket, socket);
    const ms = atMs - life.bornMs;
    this.#tellClose(
      life,
      atMs,
      learntBy,
      // What was seen of it may be less than what it tells itself.
      lifetimeMs !== undefined && (lifetimeMs >= ms || !isAtLeast)
        ? { ms: lifetimeMs, isAtLeast: isAtLeast ?? false }
        : undefined,
    );
    life.isEnded = true;
    life.vanishedMs = undefined;
    this.#unseen.delete(life);
    this.#touched.add(life);
    if (remnant === undefined && !wasRemnant) {
      this.#finish(life);
      return;
    }
    if (remnant === undefined) return;
    life.socket = { ...life.socket, state: remnant.state };
    if (remnant.id === life.id) return;
    life.remnantId = remnant.id;
    this.#remnants.set(remnant.id, life);
    this.#unseen.add(life);
  }
}
