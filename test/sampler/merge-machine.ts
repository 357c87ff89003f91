import type { Difference } from '../../src/model/batch.ts';
import type { SocketEvent } from '../../src/model/event.ts';
import type { Owner, Socket, SocketState } from '../../src/model/socket.ts';
import { diff } from '../../src/sampler/diff.ts';
import { Merger } from '../../src/sampler/merge.ts';
import type { KernelEvent } from '../../src/source/types.ts';
import { NOON_MS, socket } from '../helpers/fakes.ts';

/** What comes next of a socket's states when this end of it, or the other one, hangs up first. */
const PATHS: readonly (readonly SocketState[])[] = [
  ['SYN_SENT', 'ESTABLISHED', 'FIN_WAIT1', 'FIN_WAIT2'],
  ['SYN_SENT', 'ESTABLISHED', 'CLOSE_WAIT', 'LAST_ACK'],
];

/** What a machine does next to one of its sockets, or what somebody who looks at it does. */
export type Action =
  | { readonly do: 'make'; readonly path: number; readonly hasOwner: boolean; readonly isUdp: boolean }
  | { readonly do: 'go' | 'own' | 'expire'; readonly which: number }
  | { readonly do: 'end'; readonly which: number; readonly leavesRemnant: boolean }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'drain' };

/** A reading, and what happens while it is under way: before it comes to the sockets, and after. */
export interface Poll {
  readonly do: 'poll';
  /** The kernel passes over one remnant in so many, counted from this one; 0 for none. */
  readonly passesOver: number;
  readonly before: readonly Action[];
  readonly after: readonly Action[];
}

/**
 * What an event source tells. `gaps`: of some sockets the last message is lost, and the trace tells their end a quarter of
 * a second later, without namespace, counters and remnant.
 */
export type Telling = 'all' | 'some' | 'ends' | 'gaps' | 'nothing';

export interface Scene {
  readonly telling: Telling;
  readonly tellsAll: boolean;
  /** How late each word comes, milliseconds, in turn; in order for one socket. */
  readonly delays: readonly number[];
  /** Which words are lost where only some are told, in turn. */
  readonly losses: readonly boolean[];
  readonly steps: readonly (Action | Poll)[];
}

/** A socket of the machine: what is true of it. */
export interface Truth {
  readonly n: number;
  readonly path: readonly SocketState[];
  readonly isUdp: boolean;
  readonly madeMs: number;
  /** The same, or the beginning of the reading in which it was made and seen: no poll tells that apart. */
  bornMs: number;
  stage: number;
  pid: number | undefined;
  rxBytes: number;
  /** A poll has seen it while it lived: it keeps its id. */
  isSeen: boolean;
  endedMs: number | undefined;
  isRemnant: boolean;
  /** Nothing of it is left. */
  isGone: boolean;
  inFirstPoll: boolean;
  /** Made before the first poll was over. */
  isEarly: boolean;
  /** What a poll says of it, while nothing changes. */
  sighting: Socket | undefined;
  /** A poll has found out who has it. */
  isOwnerSeen: boolean;
}

/** Whose life an id is of. */
export const numberOf = (id: string): number => Number(id.slice(1));

/** LinuxEvents waits so long for the last message of a socket, milliseconds. */
const LAST_WORD_MS = 250;

const GONE: readonly Owner[] = [{ knowledge: 'gone' }];

/** Of the socket that the kernel tells of at its end: nobody has it any more, and its counters are the last ones. */
const LAST: readonly Owner[] = [...GONE];

const holder = (pid: number, knowledge: Owner['knowledge'] = 'exact'): readonly Owner[] => [
  { knowledge, pid, process: `p${pid}` },
];

/** Sockets that come and go, somebody who polls them, an event source, and what a `Merger` makes of it. */
export class World {
  readonly truths: Truth[] = [];
  readonly rows = new Map<string, Socket>();
  readonly events: SocketEvent[] = [];
  /** What was wrong with the lists. */
  readonly faults: string[] = [];
  readonly #scene: Scene;
  readonly #merger: Merger;
  #words: { readonly n: number; readonly dueMs: number; readonly word: KernelEvent }[] = [];
  #told = 0;
  #polls = 0;
  #nowMs = 1000;
  #previous: ReadonlyMap<string, Socket> = new Map();

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#merger = new Merger({ tellsAll: scene.tellsAll, hasEvents: scene.telling !== 'nothing' });
  }

  /** No word is on its way. */
  get isQuiet(): boolean {
    return this.#words.length === 0;
  }

  run(step: Action | Poll): void {
    if (step.do === 'poll') this.#poll(step);
    else this.#act(step);
  }

  /** Lets all words come, and two polls after them. */
  settle(): void {
    for (let i = 0; i < 2; i++) {
      this.#act({ do: 'wait', ms: 1000 });
      this.#poll({ do: 'poll', passesOver: 0, before: [], after: [] });
    }
    this.#act({ do: 'wait', ms: 1000 });
    this.#drain();
    this.#take();
  }

  /** Ends everything, and lets it be gone. */
  end(): void {
    for (const truth of this.truths) {
      this.#end(truth, false);
      truth.isRemnant = false;
      truth.isGone = true;
    }
  }

  #alive(which: number): Truth | undefined {
    const alive = this.truths.filter((it) => it.endedMs === undefined);
    return alive[which % alive.length];
  }

  #act(action: Action): void {
    this.#nowMs += action.do === 'wait' ? action.ms : 1;
    if (action.do === 'make') this.#make(action.path, action.hasOwner, action.isUdp);
    else if (action.do === 'drain') this.#drain();
    else if (action.do === 'expire') {
      const remnants = this.truths.filter((it) => it.isRemnant);
      const truth = remnants[action.which % remnants.length];
      if (truth) {
        truth.isRemnant = false;
        truth.isGone = true;
      }
    } else if (action.do !== 'wait') {
      const truth = this.#alive(action.which);
      if (truth === undefined) return;
      truth.rxBytes += 10;
      truth.sighting = undefined;
      if (action.do === 'end') this.#end(truth, action.leavesRemnant && !truth.isUdp);
      else if (action.do === 'own') truth.pid ??= 100 + truth.n;
      else this.#go(truth);
    }
  }

  #make(path: number, hasOwner: boolean, isUdp: boolean): void {
    const n = this.truths.length;
    const truth: Truth = {
      n,
      path: PATHS[path % PATHS.length] ?? [],
      isUdp,
      madeMs: this.#nowMs,
      bornMs: this.#nowMs,
      stage: 0,
      pid: hasOwner ? 100 + n : undefined,
      rxBytes: 0,
      isSeen: false,
      endedMs: undefined,
      isRemnant: false,
      isGone: false,
      inFirstPoll: false,
      isEarly: this.#polls === 0,
      sighting: undefined,
      isOwnerSeen: false,
    };
    this.truths.push(truth);
    this.#say(truth, {
      type: 'appeared',
      atMs: this.#nowMs,
      socket: this.#socketOf(truth, `s${n}`, truth.pid === undefined ? GONE : holder(truth.pid)),
      learntBy: 'trace',
    });
  }

  #go(truth: Truth): void {
    const was = truth.path[truth.stage];
    const now = truth.path[truth.stage + 1];
    if (truth.isUdp || was === undefined || now === undefined) return;
    truth.stage++;
    this.#say(truth, {
      type: 'state',
      atMs: this.#nowMs,
      id: `s${truth.n}`,
      was,
      now,
      learntBy: 'trace',
      ...(truth.pid !== undefined && { owners: holder(truth.pid) }),
    });
  }

  #end(truth: Truth, leavesRemnant: boolean): void {
    if (truth.endedMs !== undefined) return;
    truth.endedMs = this.#nowMs;
    truth.isRemnant = leavesRemnant;
    truth.isGone = !leavesRemnant;
    const id = `s${truth.n}`;
    const remnantId = truth.isSeen ? id : `r${truth.n}`;
    const isAtLeast = truth.n % 3 === 0;
    if (this.#scene.telling === 'gaps' && this.#scene.losses[truth.n % this.#scene.losses.length]) {
      const { netns: _, traffic: __, ...rest } = this.#socketOf(truth, id, GONE);
      const word: KernelEvent = { type: 'ended', atMs: this.#nowMs, socket: rest, learntBy: 'trace' };
      this.#words.push({ n: truth.n, dueMs: this.#nowMs + LAST_WORD_MS, word });
      return;
    }
    this.#say(truth, {
      type: 'ended',
      atMs: this.#nowMs,
      socket: this.#socketOf(truth, id, LAST),
      learntBy: 'destroy',
      // It is told exactly, as a lower bound, or not.
      ...(truth.n % 3 < 2 && {
        lifetimeMs: isAtLeast ? Math.floor((this.#nowMs - truth.madeMs) / 2) : this.#nowMs - truth.madeMs,
        isAtLeast,
      }),
      ...(leavesRemnant && { remnant: { id: remnantId, state: 'TIME_WAIT' as const } }),
    });
  }

  #socketOf(truth: Truth, id: string, owners: readonly Owner[]): Socket {
    const state = truth.isRemnant ? 'TIME_WAIT' : truth.path[truth.stage];
    return {
      ...socket({ local: `192.0.2.1:${10_000 + truth.n}`, protocol: truth.isUdp ? 'udp' : 'tcp' }),
      id,
      netns: { inode: 4026531833 },
      ...(state && { state }),
      ...((!truth.isRemnant || owners === LAST) && { traffic: { rxBytes: truth.rxBytes } }),
      owners,
    };
  }

  #say(truth: Truth, word: KernelEvent): void {
    const { telling, losses, delays } = this.#scene;
    const isLost = telling === 'some' && losses[this.#told % losses.length];
    const delayMs = delays[this.#told % delays.length] ?? 0;
    this.#told++;
    if (telling === 'nothing' || isLost || (telling === 'ends' && word.type !== 'ended')) return;
    const before = this.#words.filter(({ n }) => n === truth.n).at(-1)?.dueMs ?? 0;
    this.#words.push({ n: truth.n, dueMs: Math.max(before, this.#nowMs + delayMs), word });
  }

  #drain(): void {
    const due = this.#words.filter(({ dueMs }) => dueMs <= this.#nowMs);
    this.#words = this.#words.filter(({ dueMs }) => dueMs > this.#nowMs);
    this.#merger.learn(
      due.map(({ word }) => word),
      { wallMs: NOON_MS + this.#nowMs, monotonicMs: this.#nowMs },
    );
  }

  /** What a source says: whose a socket is as long as somebody has it, and the last known one after that. */
  #look(truth: Truth, startMs: number): Socket {
    const { n, pid } = truth;
    truth.bornMs = Math.min(truth.bornMs, startMs);
    const isFirst = !truth.isSeen;
    if (truth.endedMs === undefined) truth.isSeen = true;
    const id = truth.isSeen ? `s${n}` : `r${n}`;
    if (truth.sighting && !isFirst) return truth.sighting;
    if (truth.sighting?.id === id) return truth.sighting;
    if (truth.endedMs === undefined && pid !== undefined) truth.isOwnerSeen = true;
    const owners =
      pid === undefined || !truth.isOwnerSeen
        ? GONE
        : holder(pid, truth.endedMs === undefined ? 'exact' : 'inherited');
    truth.sighting = this.#socketOf(truth, id, owners);
    return truth.sighting;
  }

  #poll({ before, after, passesOver }: Poll): void {
    // So often at most; what is later than two polls is not taken for late any more.
    this.#nowMs += 50;
    this.#drain();
    const startMs = this.#nowMs;
    for (const action of before) this.#act(action);
    const sockets = new Map(
      this.truths
        .filter((it) => !it.isGone)
        .filter((it, i) => !it.isRemnant || this.#polls === 0 || passesOver === 0 || i % passesOver !== 0)
        .map((it) => this.#look(it, startMs))
        .map((it) => [it.id, it]),
    );
    if (this.#polls === 0) for (const truth of this.truths) truth.inFirstPoll = !truth.isGone;
    for (const action of after) this.#act(action);
    if (this.#polls++ === 0) for (const truth of this.truths) truth.isEarly = true;
    this.#merger.poll(
      diff(this.#previous, sockets),
      sockets,
      { wallMs: NOON_MS + startMs, monotonicMs: startMs },
      this.#nowMs,
    );
    this.#previous = sockets;
    this.#nowMs++;
    this.#drain();
    this.#take();
  }

  #take(): void {
    const { spawned, changed, closed, events } = this.#merger.take();
    this.#apply({ spawned, changed, closed });
    for (const event of events) if (event.type !== 'gap') this.events.push(event);
  }

  /** As the table of the screen does. */
  #apply({ spawned, changed, closed }: Difference): void {
    for (const it of spawned) {
      if (this.rows.has(it.id)) this.faults.push(`spawned again: ${it.id}`);
      this.rows.set(it.id, it);
    }
    for (const it of changed) {
      if (!this.rows.has(it.id)) this.faults.push(`changed, but not there: ${it.id}`);
      this.#compare(this.rows.get(it.id), it);
      this.rows.set(it.id, it);
    }
    for (const id of closed) if (!this.rows.delete(id)) this.faults.push(`closed, but not there: ${id}`);
  }

  #compare(before: Socket | undefined, now: Socket): void {
    const [then, since] = [before?.owners[0], now.owners[0]];
    if (then?.pid !== undefined && then.pid !== since?.pid) this.faults.push(`owner lost: ${now.id}`);
  }
}
