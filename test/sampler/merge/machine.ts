import type { SocketEvent } from '../../../src/model/event.ts';
import type { Owner, Socket, SocketState } from '../../../src/model/socket.ts';
import { diff } from '../../../src/sampler/diff.ts';
import { TIMEWAIT_MS } from '../../../src/sampler/merge/life.ts';
import { Merger } from '../../../src/sampler/merge/merger.ts';
import type { KernelEvent } from '../../../src/source/types.ts';
import { NOON_MS, socket } from '../../helpers/fakes.ts';
import { BatchRows } from './batch-rows.ts';
import { EventQueue } from './event-queue.ts';
import { Omitted } from './omitted.ts';
import type { Action, Poll, Scene, Truth } from './scenario.ts';

/** States of a socket when the local end, or the peer, closes first. */
const PATHS: readonly (readonly SocketState[])[] = [
  ['SYN_SENT', 'ESTABLISHED', 'FIN_WAIT1', 'FIN_WAIT2'],
  ['SYN_SENT', 'ESTABLISHED', 'CLOSE_WAIT', 'LAST_ACK'],
];

/** How long LinuxEvents waits for the last message of a socket, milliseconds. */
const LAST_MESSAGE_MS = 250;

const GONE: readonly Owner[] = [{ knowledge: 'gone' }];

/** Owners in the last message of the kernel. A separate array: it marks a socket that has its final counters. */
const LAST: readonly Owner[] = [...GONE];

const holder = (pid: number, knowledge: Owner['knowledge'] = 'exact'): readonly Owner[] => [
  { knowledge, pid, process: `p${pid}` },
];

/** Ends the remnant of a socket. */
function expire(truth: Truth): void {
  truth.isRemnant = false;
  truth.isGone = true;
}

/** A machine with sockets, polls and an event source, and the rows and events that a `Merger` makes of them. */
export class World {
  readonly truths: Truth[] = [];
  readonly events: SocketEvent[] = [];
  /** Number of connections that were only counted, in sums. */
  counted = 0;
  /** Number of remnants that the last poll left out. */
  omittedRemnants = 0;
  firstPollEndMs = Infinity;
  readonly #scene: Scene;
  readonly #merger: Merger;
  readonly #kernelEvents: EventQueue;
  readonly #batches = new BatchRows();
  readonly #omitted = new Omitted();
  #polls = 0;
  #nowMs = 1000;
  #previous: ReadonlyMap<string, Socket> = new Map();

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#kernelEvents = new EventQueue(scene);
    this.#merger = new Merger({
      emitsEveryChange: scene.emitsEveryChange,
      hasEventSource: scene.delivery !== 'nothing',
      hasRemnants: !scene.omitsRemnants,
      maxShortLives: scene.maxShortLives,
    });
  }

  get rows(): ReadonlyMap<string, Socket> {
    return this.#batches.rows;
  }

  /** Contradictions found in the lists of a batch. */
  get faults(): readonly string[] {
    return this.#batches.faults;
  }

  /** True if no kernel event is on its way. */
  get isQuiet(): boolean {
    return this.#kernelEvents.isEmpty;
  }

  run(step: Action | Poll): void {
    if (step.do === 'poll') this.#poll(step);
    else this.#act(step);
  }

  /** Delivers all kernel events, and polls twice. */
  settle(): void {
    for (let i = 0; i < 2; i++) {
      this.#act({ do: 'wait', ms: 1000 });
      this.#poll({ do: 'poll', missesOneIn: 0, before: [], after: [] });
    }
    this.#act({ do: 'wait', ms: 1000 });
    this.#drain();
    this.#take();
  }

  /** Ends all sockets and their remnants. */
  end(): void {
    for (const truth of this.truths) {
      this.#end(truth, false);
      expire(truth);
    }
  }

  #alive(which: number): Truth | undefined {
    const alive = this.truths.filter((it) => it.endedMs === undefined);
    return alive[which % alive.length];
  }

  #act(action: Action): void {
    this.#nowMs += action.do === 'wait' ? action.ms : 1;
    for (const truth of this.truths)
      if (truth.isRemnant && this.#nowMs - (truth.endedMs ?? 0) > TIMEWAIT_MS) expire(truth);
    if (action.do === 'make') this.#make(action.path, action.hasOwner, action.isUdp);
    else if (action.do === 'drain') this.#drain();
    else if (action.do === 'expire') {
      const remnants = this.truths.filter((it) => it.isRemnant);
      const truth = remnants[action.which % remnants.length];
      if (truth) expire(truth);
    } else if (action.do !== 'wait') {
      const truth = this.#alive(action.which);
      if (truth === undefined) return;
      truth.rxBytes += 10;
      truth.sighting = undefined;
      if (action.do === 'end')
        this.#end(truth, action.leavesRemnant && !truth.isUdp && !this.#scene.omitsRemnants);
      else if (action.do === 'own') truth.pid ??= 100 + truth.n;
      else this.#advance(truth);
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
    this.#send(truth, {
      type: 'appeared',
      atMs: this.#nowMs,
      socket: this.#socketOf(truth, `s${n}`, truth.pid === undefined ? GONE : holder(truth.pid)),
      learntBy: 'trace',
    });
  }

  #advance(truth: Truth): void {
    const was = truth.path[truth.stage];
    const now = truth.path[truth.stage + 1];
    if (truth.isUdp || was === undefined || now === undefined) return;
    truth.stage++;
    this.#send(truth, {
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
    // The close message is lost: the trace reports the end later, without namespace, counters and remnant.
    if (this.#scene.delivery === 'gaps' && this.#scene.losses[truth.n % this.#scene.losses.length]) {
      const { netns: _, traffic: __, ...rest } = this.#socketOf(truth, id, GONE);
      const kernelEvent: KernelEvent = { type: 'ended', atMs: this.#nowMs, socket: rest, learntBy: 'trace' };
      this.#kernelEvents.sendAt(truth.n, this.#nowMs + LAST_MESSAGE_MS, kernelEvent);
      return;
    }
    this.#send(truth, {
      type: 'ended',
      atMs: this.#nowMs,
      socket: this.#socketOf(truth, id, LAST),
      learntBy: 'destroy',
      // Its lifetime is exact, a lower bound, or unknown.
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

  #send({ n }: Truth, kernelEvent: KernelEvent): void {
    this.#kernelEvents.send(n, this.#nowMs, kernelEvent);
  }

  #drain(): void {
    this.#merger.applyKernelEvents(this.#kernelEvents.take(this.#nowMs), {
      wallMs: NOON_MS + this.#nowMs,
      monotonicMs: this.#nowMs,
    });
  }

  /** Returns what a poll sees: the owner while the socket is open, after that the last known one as inherited. */
  #read(truth: Truth, startMs: number): Socket {
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

  #poll({ before, after, missesOneIn }: Poll): void {
    // Minimum time between polls: the merger matches kernel events that are up to two polls late.
    this.#nowMs += 50;
    this.#drain();
    const startMs = this.#nowMs;
    for (const action of before) this.#act(action);
    const omits = this.#merger.omitsNewRemnants(startMs);
    const omitted = this.#omitted.ofPoll(omits, this.truths, this.#previous);
    this.omittedRemnants = omitted.length;
    const sockets = new Map(
      this.truths
        .filter((it) => !it.isGone && !omitted.includes(it))
        .filter((it, i) => !it.isRemnant || this.#polls === 0 || missesOneIn === 0 || i % missesOneIn !== 0)
        .map((it) => this.#read(it, startMs))
        .map((it) => [it.id, it]),
    );
    if (this.#polls === 0) for (const truth of this.truths) truth.inFirstPoll = !truth.isGone;
    for (const action of after) this.#act(action);
    if (this.#polls++ === 0) for (const truth of this.truths) truth.isEarly = true;
    this.firstPollEndMs = Math.min(this.firstPollEndMs, this.#nowMs);
    this.#merger.applyPoll(
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
    this.#batches.apply({ spawned, changed, closed });
    for (const event of events) {
      if (event.type === 'sum') this.counted += event.count;
      else if (event.type !== 'gap') this.events.push(event);
    }
  }
}
