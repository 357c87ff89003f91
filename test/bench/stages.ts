import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import type { Batch } from '../../src/model/batch.ts';
import { EVERYTHING } from '../../src/query/query.ts';
import { initialState } from '../../src/store/reduce.ts';
import { App } from '../../src/tui/app.ts';
import type { Looker } from './looker.ts';
import type { ClockKind } from './looking.ts';
import { ownCpuMs } from './machine.ts';
import { noEffects, nullTerminal } from './null-terminal.ts';
import type { Repeats } from './options.ts';
import { type Spread, spreadOf } from './stats.ts';

/**
 * The way of a tick: the sockets and their owners, the comparison; then, in the thread of the screen, taking the parts
 * of the batch in, the store, the order and text of the rows, and blessed.
 */
export const STAGES = ['sample', 'owners', 'diff', 'receive', 'store', 'view', 'render'] as const;
export type Stage = (typeof STAGES)[number];

/** Milliseconds by stage. */
type Costs = Record<Stage, number>;

/** What the ticks of one scenario cost. */
export interface StageFigures {
  readonly sockets: number;
  /** Sockets that opened, changed or closed in a tick. */
  readonly changes: Spread;
  readonly time: Readonly<Record<Stage, Spread>>;
  readonly cpu: Readonly<Record<Stage, Spread>>;
  /** Sample, owners and diff of each tick together. */
  readonly tick: Spread;
  readonly tickCpu: Spread;
  /** View and render of each tick together. */
  readonly paint: Spread;
  /** The ratio of sample and owners to the bare loop over the same dumps, by elapsed and by CPU time. */
  readonly ratio: Spread;
  readonly ratioCpu: Spread;
  /** Of each tick, the part of the batch that kept the screen's thread the longest. */
  readonly longestPart: Spread;
}

const INTERVAL_MS = 1000;

/**
 * The classes of the program, put together as it does: one thread looks, and posts the parts of a batch, this one takes
 * them. But the parts are all there before the first is taken, and there is a clock at every joint.
 */
export class Pipeline {
  #now: () => number = () => performance.now();
  readonly #looker: Looker;
  readonly #terminal = nullTerminal();
  readonly #app: App;
  /** The ticks follow each other at once, but to marks and ages they are an interval apart. */
  #virtualMs = 0;
  #storeMs = 0;
  #renderMs = 0;
  #sockets = 0;
  #source = '';

  constructor(looker: Looker) {
    this.#looker = looker;
    const state = initialState({
      host: 'bench',
      system: 'Linux',
      intervalMs: INTERVAL_MS,
      lingerMs: 3000,
      query: EVERYTHING,
      palette: 'standard',
    });
    this.#app = new App(
      this.#terminal,
      state,
      noEffects(() => this.#virtualMs),
    );
    const { table } = state;
    const apply = table.apply.bind(table);
    table.apply = (batch) => {
      const startMs = this.#now();
      const tick = apply(batch);
      this.#storeMs += this.#now() - startMs;
      return tick;
    };
    const { screen } = this.#terminal;
    const render = screen.render.bind(screen);
    screen.render = () => {
      const startMs = this.#now();
      render();
      this.#renderMs += this.#now() - startMs;
    };
  }

  /** One tick, measured by a clock. */
  async tick(clock: ClockKind): Promise<TickFigures> {
    this.#now = clock === 'wall' ? () => performance.now() : ownCpuMs;
    this.#virtualMs += INTERVAL_MS;
    this.#storeMs = 0;
    this.#renderMs = 0;
    const { port1, port2 } = new MessageChannel();
    const bare = this.#virtualMs % (2 * INTERVAL_MS) === 0 ? 'before' : 'after';
    const look = await this.#looker.look({ clock, bare, port: port2 });
    this.#sockets = look.sockets;
    let receiveMs = 0;
    let takeMs = 0;
    let longestPartMs = 0;
    for (;;) {
      const startMs = this.#now();
      const received = receiveMessageOnPort(port1) as { message: Batch } | undefined;
      if (received === undefined) break;
      const takeStartMs = this.#now();
      this.#app.take({ ...received.message, monotonicMs: this.#virtualMs });
      const endMs = this.#now();
      this.#source = received.message.source;
      receiveMs += takeStartMs - startMs;
      takeMs += endMs - takeStartMs;
      longestPartMs = Math.max(longestPartMs, endMs - startMs);
      // As between two parts in the program: timers run, blessed writes.
      await new Promise(setImmediate);
    }
    port1.close();
    const [store, render] = [this.#storeMs, this.#renderMs];
    return {
      costs: {
        sample: look.sampleMs,
        owners: look.ownersMs,
        diff: look.diffMs,
        receive: receiveMs,
        store,
        view: takeMs - store - render,
        render,
      },
      bareMs: look.bareMs ?? Number.NaN,
      changes: look.changes,
      longestPartMs,
    };
  }

  /** Runs ticks, with `between` before each, in turn by the wall clock and by the CPU time of this process. */
  async measure({ ticks, warmUpTicks }: Repeats, between: () => Promise<void>): Promise<StageFigures> {
    const walls: TickFigures[] = [];
    const cpus: TickFigures[] = [];
    for (let i = 0; i < 2 * (warmUpTicks + ticks); i++) {
      await between();
      // Two and two, so that each clock sees the bare loop before and after.
      const clock = i % 4 < 2 ? 'wall' : 'cpu';
      const tick = await this.tick(clock);
      if (i >= 2 * warmUpTicks) (clock === 'wall' ? walls : cpus).push(tick);
    }
    const spread = (ticks: readonly TickFigures[], of: (tick: TickFigures) => number) =>
      spreadOf(ticks.map(of));
    const spreads = (ticks: readonly TickFigures[]) =>
      Object.fromEntries(
        STAGES.map((stage) => [stage, spread(ticks, ({ costs }) => costs[stage])]),
      ) as Record<Stage, Spread>;
    const tickMs = ({ costs }: TickFigures) => costs.sample + costs.owners + costs.diff;
    const ratio = ({ costs, bareMs }: TickFigures) => (costs.sample + costs.owners) / bareMs;
    return {
      sockets: this.#sockets,
      changes: spread([...walls, ...cpus], ({ changes }) => changes),
      time: spreads(walls),
      cpu: spreads(cpus),
      tick: spread(walls, tickMs),
      tickCpu: spread(cpus, tickMs),
      paint: spread(walls, ({ costs }) => costs.view + costs.render),
      ratio: spread(walls, ratio),
      ratioCpu: spread(cpus, ratio),
      longestPart: spread(walls, ({ longestPartMs }) => longestPartMs),
    };
  }

  close(): void {
    // With all marks gone no timer paints on a screen that is no more.
    this.#virtualMs += 1e9;
    this.#app.take({
      spawned: [],
      changed: [],
      closed: [],
      baseline: false,
      partial: false,
      source: this.#source,
      takenAtMs: this.#virtualMs,
      monotonicMs: this.#virtualMs,
      intervalMs: INTERVAL_MS,
      pacedIntervalMs: INTERVAL_MS,
      interfaces: [],
      events: [],
      coverage: { level: 'polls' as const },
      degradations: [],
      cost: { sampleMs: 0, ownersMs: 0, diffMs: 0 },
    });
    this.#terminal.restore();
  }
}

/** What one tick cost, milliseconds. */
export interface TickFigures {
  readonly costs: Costs;
  readonly bareMs: number;
  readonly changes: number;
  readonly longestPartMs: number;
}
