import { readdirSync } from 'node:fs';
import { Sampler } from '../../src/sampler/sampler.ts';
import { SockDiagSource } from '../../src/source/linux/sockdiag.ts';
import { EVERYTHING } from '../../src/query/query.ts';
import { initialState, reduce } from '../../src/store/reduce.ts';
import { RowOrder } from '../../src/view/order.ts';
import { World } from './soak-world.ts';

/** What the process had at a moment of the soak, after its garbage was collected. */
export interface SoakMark {
  readonly tick: number;
  readonly heapBytes: number;
  readonly residentBytes: number;
  readonly descriptors: number;
}

/** What a soak was. */
export interface SoakFigures {
  readonly ticks: number;
  readonly seconds: number;
  readonly marks: readonly SoakMark[];
  /** What came and went. */
  readonly made: { readonly sockets: number; readonly processes: number; readonly networks: number };
  /** Sockets at the end: those of the machine, and those that the store counts. They are to be equal. */
  readonly sockets: number;
  readonly counted: number;
}

/** Marks in all. */
const MARKS = 100;

const descriptorCount = (): number => readdirSync('/proc/self/fd').length;

/** Entry of the process of a soak: its arguments are the number of ticks, and an empty folder. */
export async function soak(): Promise<void> {
  const [, , ticks, root = ''] = process.argv;
  // Whoever wants to know is gone.
  process.on('disconnect', () => process.exit());
  process.send?.(await run(Number(ticks), root));
  process.disconnect();
}

async function run(ticks: number, root: string): Promise<SoakFigures> {
  const startMs = performance.now();
  const world = new World(7);
  let clockMs = 0;
  let state = initialState({
    host: 'soak',
    system: 'Linux',
    intervalMs: 1000,
    lingerMs: 3000,
    query: EVERYTHING,
    palette: 'standard',
  });
  const order = new RowOrder();
  let next = () => sampler.start();
  let failure: unknown;
  const sampler: Sampler = new Sampler({
    source: new SockDiagSource({
      system: world,
      proc: world.proc,
      passwdPath: '../etc/passwd',
      root,
      nowMs: () => clockMs,
      wallMs: () => 1.8e12 + clockMs,
      isRoot: true,
      also: [],
      tcpDetails: false,
      ownerBudgetMs: 200,
    }),
    intervalMs: 1000,
    clock: {
      wallMs: () => 1.8e12 + clockMs,
      monotonicMs: () => clockMs,
      after: (_delayMs, action) => {
        next = action;
        return () => {};
      },
    },
    onBatch: (batch) => {
      // As from thread to thread.
      state = reduce(state, { type: 'batch', batch: structuredClone(batch) });
      order.update(state);
    },
    onError: (error) => (failure = error),
  });
  const look = async () => {
    clockMs += 1000;
    next();
    // The sampler goes on in promises; after them it has looked and told.
    await new Promise(setImmediate);
    if (failure !== undefined) throw failure instanceof Error ? failure : new Error('the source failed');
  };
  const marks: SoakMark[] = [];
  for (let tick = 1; tick <= ticks; tick++) {
    world.step();
    await look();
    if (tick % Math.ceil(ticks / MARKS) === 0) marks.push(markNow(tick));
  }
  // A namespace is found at the look after the one that finds its first process.
  await look();
  sampler.stop();
  return {
    ticks,
    seconds: (performance.now() - startMs) / 1000,
    marks,
    made: world.made,
    sockets: world.socketCount,
    counted: state.table.totals.total,
  };
}

function markNow(tick: number): SoakMark {
  if (globalThis.gc === undefined) throw new Error('a soak needs --expose-gc');
  globalThis.gc();
  const { heapUsed, rss } = process.memoryUsage();
  return { tick, heapBytes: heapUsed, residentBytes: rss, descriptors: descriptorCount() };
}
