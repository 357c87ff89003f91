import { Writable } from 'node:stream';
import { EventEmitter } from 'node:events';
import type { Batch, Cost } from '../../src/model/batch.ts';
import type { Socket } from '../../src/model/socket.ts';
import { diff } from '../../src/sampler/diff.ts';
import { ProcNetSource } from '../../src/source/linux/procnet.ts';
import { initialState } from '../../src/store/reduce.ts';
import { App } from '../../src/tui/app.ts';
import { openScreen, type Terminal } from '../../src/tui/terminal.ts';
import { ownCpuMs } from './machine.ts';
import type { Repeats } from './options.ts';
import { type Spread, spreadOf } from './stats.ts';

/**
 * The way of a tick: the socket tables, their owners, the comparison, the way from the sampling thread to that of the
 * screen, the store, the order and text of the rows, and blessed.
 */
export const STAGES = ['sample', 'owners', 'diff', 'transfer', 'store', 'view', 'render'] as const;
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
}

const COLS = 200;
const ROWS = 50;
const INTERVAL_MS = 1000;

/** A terminal that takes everything and shows nothing. */
function nullTerminal(): Terminal {
  const output = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), {
    isTTY: true,
    columns: COLS,
    rows: ROWS,
  });
  const input = Object.assign(new EventEmitter(), {
    isTTY: true,
    isRaw: true,
    setRawMode: () => {},
    resume: () => {},
    pause: () => {},
  });
  const screen = openScreen(input, output, 'xterm-256color');
  return { screen, restore: () => screen.destroy(), suspend: () => {} };
}

/** The classes of the program, put together as it does but in one thread, with a clock at every joint. */
export class Pipeline {
  #now: () => number = () => performance.now();
  readonly #source = new ProcNetSource({ nowMs: () => this.#now(), isRoot: process.geteuid?.() === 0 });
  readonly #terminal = nullTerminal();
  readonly #app: App;
  #previous: ReadonlyMap<string, Socket> | undefined;
  /** The ticks follow each other at once, but to marks and ages they are an interval apart. */
  #virtualMs = 0;
  #storeMs = 0;
  #renderMs = 0;

  constructor() {
    const state = initialState({
      host: 'bench',
      system: 'Linux',
      intervalMs: INTERVAL_MS,
      lingerMs: 3000,
      filter: {},
      palette: 'standard',
    });
    this.#app = new App(this.#terminal, state, {
      quit: () => {},
      setInterval: () => {},
      usageOf: async () => undefined,
      nowMs: () => this.#virtualMs,
    });
    const { table } = state;
    const apply = table.apply.bind(table);
    table.apply = (batch) => {
      const startMs = this.#now();
      const tick = apply(batch);
      this.#storeMs = this.#now() - startMs;
      return tick;
    };
    const { screen } = this.#terminal;
    const render = screen.render.bind(screen);
    screen.render = () => {
      const startMs = this.#now();
      render();
      this.#renderMs = this.#now() - startMs;
    };
  }

  get sockets(): number {
    return this.#previous?.size ?? 0;
  }

  /** One tick, measured by `clock`. */
  async tick(clock: () => number): Promise<{ costs: Costs; changes: number }> {
    this.#now = clock;
    this.#virtualMs += INTERVAL_MS;
    const { sockets, interfaces, degradations, sampleMs, ownersMs } = await this.#source.read();
    const diffStartMs = clock();
    const difference = diff(this.#previous ?? new Map<string, Socket>(), sockets);
    const diffMs = clock() - diffStartMs;
    const cost: Cost = { sampleMs, ownersMs, diffMs };
    const batch: Batch = {
      ...difference,
      baseline: this.#previous === undefined,
      partial: false,
      source: this.#source.name,
      takenAtMs: this.#virtualMs,
      monotonicMs: this.#virtualMs,
      intervalMs: INTERVAL_MS,
      pacedIntervalMs: INTERVAL_MS,
      interfaces,
      degradations,
      cost,
    };
    this.#previous = sockets;
    const transferStartMs = clock();
    const taken = structuredClone(batch);
    const takeStartMs = clock();
    this.#app.take(taken);
    const takeMs = clock() - takeStartMs;
    const [store, render] = [this.#storeMs, this.#renderMs];
    const { spawned, changed, closed } = batch;
    return {
      costs: {
        sample: sampleMs,
        owners: ownersMs,
        diff: diffMs,
        transfer: takeStartMs - transferStartMs,
        store,
        view: takeMs - store - render,
        render,
      },
      changes: spawned.length + changed.length + closed.length,
    };
  }

  /** Runs ticks, with `between` before each, in turn by the wall clock and by the CPU time of this process. */
  async measure({ ticks, warmUpTicks }: Repeats, between: () => Promise<void>): Promise<StageFigures> {
    const walls: Costs[] = [];
    const cpus: Costs[] = [];
    const changes: number[] = [];
    for (let i = 0; i < 2 * (warmUpTicks + ticks); i++) {
      await between();
      const byWall = i % 2 === 0;
      const tick = await this.tick(byWall ? () => performance.now() : ownCpuMs);
      if (i < 2 * warmUpTicks) continue;
      (byWall ? walls : cpus).push(tick.costs);
      changes.push(tick.changes);
      // Lets blessed write, and timers run.
      await new Promise(setImmediate);
    }
    const spreads = (costs: readonly Costs[]) =>
      Object.fromEntries(
        STAGES.map((stage) => [stage, spreadOf(costs.map((cost) => cost[stage]))]),
      ) as Record<Stage, Spread>;
    const sums = (costs: readonly Costs[], stages: readonly Stage[]) =>
      spreadOf(costs.map((cost) => stages.reduce((sum, stage) => sum + cost[stage], 0)));
    return {
      sockets: this.sockets,
      changes: spreadOf(changes),
      time: spreads(walls),
      cpu: spreads(cpus),
      tick: sums(walls, ['sample', 'owners', 'diff']),
      tickCpu: sums(cpus, ['sample', 'owners', 'diff']),
      paint: sums(walls, ['view', 'render']),
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
      source: this.#source.name,
      takenAtMs: this.#virtualMs,
      monotonicMs: this.#virtualMs,
      intervalMs: INTERVAL_MS,
      pacedIntervalMs: INTERVAL_MS,
      interfaces: [],
      degradations: [],
      cost: { sampleMs: 0, ownersMs: 0, diffMs: 0 },
    });
    this.#terminal.restore();
  }
}

/** Elapsed times of the first sample of sources that know nothing yet, milliseconds. */
export async function firstSamples(count: number): Promise<Spread> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const source = new ProcNetSource({ nowMs: () => performance.now(), isRoot: process.geteuid?.() === 0 });
    const startMs = performance.now();
    const { sockets } = await source.read();
    diff(new Map(), sockets);
    times.push(performance.now() - startMs);
  }
  return spreadOf(times);
}
