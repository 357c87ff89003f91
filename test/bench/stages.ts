import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { LOCAL_HOST } from '../../src/model/host.ts';
import type { Batch } from '../../src/model/batch.ts';
import { EVERYTHING } from '../../src/query/query.ts';
import { initialState } from '../../src/store/initial.ts';
import type { App } from '../../src/tui/app.ts';
import { ownCpuMs } from './machine.ts';
import { appWithoutWorld, nullTerminal, painted } from './null-terminal.ts';
import type { Repeats } from './options.ts';
import type { PollThread } from './poll-thread.ts';
import type { ClockKind } from './poll-worker.ts';
import { type Spread, spreadOf } from './stats.ts';

/**
 * Stages of a tick. In the sampling thread: dump and decode the sockets, find their owners, compare with the previous
 * snapshot. In the screen's thread: receive the parts of the batch, apply them to the store, order and format the rows,
 * let blessed write them.
 */
export const STAGES = ['sockets', 'owners', 'diff', 'receive', 'store', 'view', 'render'] as const;
export type Stage = (typeof STAGES)[number];

/** Milliseconds by stage. */
type Costs = Record<Stage, number>;

/** Costs of the ticks of one scenario. */
export interface StageFigures {
  readonly sockets: number;
  /** Number of sockets that spawned, changed or closed in a tick. */
  readonly changes: Spread;
  readonly time: Readonly<Record<Stage, Spread>>;
  readonly cpu: Readonly<Record<Stage, Spread>>;
  /** Sum of the stages in the sampling thread. */
  readonly sampling: Spread;
  readonly samplingCpu: Spread;
  /** Sum of view and render. */
  readonly paint: Spread;
  /** Poll (sockets and owners) divided by the receive-only loop over the same dumps, by elapsed and by CPU time. */
  readonly ratio: Spread;
  readonly ratioCpu: Spread;
  /** The longest turn of the screen's thread in each tick: one part of the batch, or the paint. */
  readonly longestTurn: Spread;
}

const INTERVAL_MS = 1000;

/**
 * The classes of the program, connected as the program connects them: one thread polls and posts the parts of a batch,
 * this thread applies them. Two differences: all parts have arrived before the first is applied, and each stage is timed.
 */
export class Pipeline {
  #now: () => number = () => performance.now();
  readonly #thread: PollThread;
  readonly #terminal = nullTerminal();
  readonly #app: App;
  /** Clock of the app: ticks follow each other at once, but for marks and ages they are one interval apart. */
  #virtualMs = 0;
  #storeMs = 0;
  #paintMs = 0;
  #renderMs = 0;
  #sockets = 0;
  #source = '';

  constructor(thread: PollThread) {
    this.#thread = thread;
    const state = initialState({
      host: 'bench',
      system: 'Linux',
      intervalMs: INTERVAL_MS,
      lingerMs: 3000,
      query: EVERYTHING,
      palette: 'standard',
    });
    this.#app = appWithoutWorld(this.#terminal, state, () => this.#virtualMs);
    const { table } = state;
    const apply = table.apply.bind(table);
    table.apply = (batch) => {
      const startMs = this.#now();
      const tick = apply(batch);
      this.#storeMs += this.#now() - startMs;
      return tick;
    };
    // The app paints after the last part of a batch, in a later turn of the event loop.
    const paint = this.#app.paint.bind(this.#app);
    this.#app.paint = () => {
      const startMs = this.#now();
      paint();
      this.#paintMs += this.#now() - startMs;
    };
    const { screen } = this.#terminal;
    const render = screen.render.bind(screen);
    screen.render = () => {
      const startMs = this.#now();
      render();
      this.#renderMs += this.#now() - startMs;
    };
  }

  /** Runs one tick, measured by the given clock. */
  async tick(clock: ClockKind): Promise<TickFigures> {
    this.#now = clock === 'wall' ? () => performance.now() : ownCpuMs;
    this.#virtualMs += INTERVAL_MS;
    this.#storeMs = 0;
    this.#paintMs = 0;
    this.#renderMs = 0;
    const { port1, port2 } = new MessageChannel();
    const receiveOnly = this.#virtualMs % (2 * INTERVAL_MS) === 0 ? 'before' : 'after';
    const poll = await this.#thread.poll({ clock, receiveOnly, port: port2 });
    this.#sockets = poll.sockets;
    let receiveMs = 0;
    let takeMs = 0;
    let longestTurnMs = 0;
    for (;;) {
      const startMs = this.#now();
      const received: { readonly message: Batch } | undefined = receiveMessageOnPort(port1);
      if (received === undefined) break;
      const takeStartMs = this.#now();
      const batch = { ...received.message, monotonicMs: this.#virtualMs };
      this.#app.dispatch({ type: 'batch', batch, atMs: this.#virtualMs });
      const endMs = this.#now();
      this.#source = received.message.source;
      receiveMs += takeStartMs - startMs;
      takeMs += endMs - takeStartMs;
      longestTurnMs = Math.max(longestTurnMs, endMs - startMs);
      // As the program does between two parts: timers run, blessed writes.
      await new Promise(setImmediate);
    }
    port1.close();
    await painted();
    const [store, paint, render] = [this.#storeMs, this.#paintMs, this.#renderMs];
    return {
      costs: {
        sockets: poll.socketsMs,
        owners: poll.ownersMs,
        diff: poll.diffMs,
        receive: receiveMs,
        store,
        view: takeMs - store + paint - render,
        render,
      },
      receiveOnlyMs: poll.receiveOnlyMs ?? Number.NaN,
      changes: poll.changes,
      longestTurnMs: Math.max(longestTurnMs, paint),
    };
  }

  /** Runs ticks, alternating between elapsed time and CPU time of this process. @param change is called before each */
  async measure({ ticks, warmUpTicks }: Repeats, change: () => Promise<void>): Promise<StageFigures> {
    const walls: TickFigures[] = [];
    const cpus: TickFigures[] = [];
    for (let i = 0; i < 2 * (warmUpTicks + ticks); i++) {
      await change();
      // Pairs, so that each clock has the receive-only loop before as well as after the poll.
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
    const samplingMs = ({ costs }: TickFigures) => costs.sockets + costs.owners + costs.diff;
    const ratio = ({ costs, receiveOnlyMs }: TickFigures) => (costs.sockets + costs.owners) / receiveOnlyMs;
    return {
      sockets: this.#sockets,
      changes: spread([...walls, ...cpus], ({ changes }) => changes),
      time: spreads(walls),
      cpu: spreads(cpus),
      sampling: spread(walls, samplingMs),
      samplingCpu: spread(cpus, samplingMs),
      paint: spread(walls, ({ costs }) => costs.view + costs.render),
      ratio: spread(walls, ratio),
      ratioCpu: spread(cpus, ratio),
      longestTurn: spread(walls, ({ longestTurnMs }) => longestTurnMs),
    };
  }

  close(): void {
    // Days later no row is marked, so no timer paints on the destroyed screen.
    this.#virtualMs += 1e9;
    const batch = {
      spawned: [],
      changed: [],
      closed: [],
      baseline: false,
      partial: false,
      host: LOCAL_HOST,
      source: this.#source,
      takenAtMs: this.#virtualMs,
      monotonicMs: this.#virtualMs,
      pacedIntervalMs: INTERVAL_MS,
      interfaces: [],
      events: [],
      coverage: { level: 'polls' as const },
      degradations: [],
      cost: { socketsMs: 0, ownersMs: 0, diffMs: 0 },
    };
    this.#app.dispatch({ type: 'batch', batch, atMs: this.#virtualMs });
    this.#terminal.restore();
  }
}

/** Costs of one tick, milliseconds. */
export interface TickFigures {
  readonly costs: Costs;
  readonly receiveOnlyMs: number;
  readonly changes: number;
  readonly longestTurnMs: number;
}
