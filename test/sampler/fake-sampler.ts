import { expect } from 'vitest';
import type { Batch, Snapshot } from '../../src/model/batch.ts';
import type { Coverage, Event } from '../../src/model/event.ts';
import { type Clock, Sampler } from '../../src/sampler/sampler.ts';
import type { KernelEvent } from '../../src/source/types.ts';
import { NOON_MS, snapshot, socket } from '../helpers/fakes.ts';

/** A clock that the test advances. */
export class FakeClock implements Clock {
  wall = NOON_MS;
  now = 5000;
  /** Set by a test in which the CPU time of polls is not their elapsed time. */
  cpuMs?: () => number;
  readonly #timers = new Set<{ atMs: number; action: () => void }>();

  wallMs(): number {
    return this.wall;
  }

  monotonicMs(): number {
    return this.now;
  }

  after(delayMs: number, action: () => void): () => void {
    const timer = { atMs: this.now + delayMs, action };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  get pending(): number {
    return this.#timers.size;
  }

  /** Advances to this time; never goes back. */
  goTo(nowMs: number): void {
    const ms = Math.max(0, nowMs - this.now);
    this.now += ms;
    this.wall += ms;
  }

  /** Advances by `ms`, runs due timers, and lets all promises settle. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter((it) => it.atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.goTo(due.atMs);
      due.action();
      await settle();
    }
    this.goTo(end);
  }
}

/** Waits until all promises have settled. */
export const settle = () => new Promise<void>((resolve) => void setImmediate(resolve));

export /** Options of `setUp`. */
interface Case {
  readonly intervalMs?: number;
  readonly maxShare?: number;
  readonly auto?: boolean;
  /** The source has an event source. */
  readonly hasEventSource?: boolean;
  /** The event source can wait. */
  readonly canWait?: boolean;
  /** The sampler has `onEvents`. */
  readonly hasOnEvents?: boolean;
  /** See `SamplerOptions`. */
  readonly maxShortLives?: number;
}

/** A sampler of a source whose polls cost `world.costMs` and resolve at once, or (`auto: false`) through `answers`. */
export function setUp({
  intervalMs = 1000,
  maxShare,
  auto = true,
  hasEventSource = false,
  canWait = false,
  hasOnEvents = false,
  maxShortLives,
}: Case = {}) {
  const clock = new FakeClock();
  const startsMs: number[] = [];
  /** Whether each poll was to omit new remnants. */
  const omissions: boolean[] = [];
  const batches: Batch[] = [];
  const errors: unknown[] = [];
  const answers: { give: (it: Snapshot) => void; fail: (error: Error) => void }[] = [];
  const world = { sockets: snapshot([socket({ id: 'a' })]), costMs: 0, nextCostsMs: [] as number[] };
  let take: () => Promise<void> | void = () => {};
  /** Times of all drains, milliseconds. */
  const drainsMs: number[] = [];
  /** Times of the drains that only take what the one before left in the kernel, milliseconds. */
  const nextPartsMs: number[] = [];
  /** Kernel events to drain next, the maximum number in one drain, its cost, and how often the source was closed. */
  const system = {
    kernelEvents: [] as KernelEvent[],
    atOnce: Infinity,
    costMs: 0,
    isPending: false,
    hasSmallBuffer: false,
    closed: 0,
  };
  /** Calls back for the current wait; undefined if there is none. */
  let wake: (() => void) | undefined;
  const received: { readonly atMs: number; readonly event: Event }[] = [];
  const consumer = { onEvent: () => {} };
  const coverage: Coverage = { level: 'changes' };
  const sampler = new Sampler({
    source: {
      name: 'fake',
      read: ({ omitsNewRemnants = false } = {}) => {
        startsMs.push(clock.now);
        omissions.push(omitsNewRemnants);
        clock.goTo(clock.now + (world.nextCostsMs.shift() ?? world.costMs));
        return auto
          ? Promise.resolve(world.sockets)
          : new Promise((give, fail) => answers.push({ give, fail }));
      },
      close: () => {
        system.closed++;
      },
      ...(hasEventSource && {
        events: {
          coverage,
          ...(canWait && {
            wait: (onReady: () => void) => {
              expect(wake).toBeUndefined();
              wake = onReady;
            },
          }),
          get isPending() {
            return system.isPending;
          },
          collect: () => {},
          drain: (isNextPart = false) => {
            drainsMs.push(clock.now);
            if (isNextPart) nextPartsMs.push(clock.now);
            clock.goTo(clock.now + system.costMs);
            return system.kernelEvents.splice(0, system.atOnce);
          },
          get hasSmallBuffer() {
            return system.hasSmallBuffer;
          },
          get hasMore() {
            return system.kernelEvents.length > 0;
          },
        },
      }),
    },
    clock,
    intervalMs,
    ...(maxShare !== undefined && { maxShare }),
    maxShortLives,
    onBatch: (batch) => {
      batches.push(batch);
      return take();
    },
    ...(hasOnEvents && {
      onEvents: (events: readonly Event[]) => {
        for (const event of events) received.push({ atMs: clock.now, event });
        consumer.onEvent();
      },
    }),
    onError: (error) => errors.push(error),
  });
  const onTake = (action: typeof take) => {
    take = action;
  };
  const wakeUp = () => {
    const onReady = wake;
    wake = undefined;
    onReady?.();
  };
  return {
    clock,
    startsMs,
    omissions,
    batches,
    errors,
    answers,
    world,
    sampler,
    onTake,
    drainsMs,
    nextPartsMs,
    wakeUp,
    system,
    received,
    consumer,
    coverage,
  };
}
