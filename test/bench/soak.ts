import { readdirSync } from 'node:fs';
import { Sampler } from '../../src/sampler/sampler.ts';
import { SockDiagSource } from '../../src/source/linux/sockdiag.ts';
import { EVERYTHING } from '../../src/query/query.ts';
import { initialState } from '../../src/store/initial.ts';
import { reduce } from '../../src/store/reduce.ts';
import { RowOrder } from '../../src/view/table/order.ts';
import { SyntheticMachine } from './synthetic-machine.ts';

/** State of the process at one moment of the soak, after a garbage collection. */
export interface SoakCheckpoint {
  readonly tick: number;
  readonly heapBytes: number;
  readonly residentBytes: number;
  readonly descriptors: number;
}

/** Result of a soak. */
export interface SoakFigures {
  readonly ticks: number;
  readonly seconds: number;
  readonly checkpoints: readonly SoakCheckpoint[];
  /** Numbers of what was created in all. */
  readonly created: { readonly sockets: number; readonly processes: number; readonly namespaces: number };
  /** Sockets of the synthetic machine at the end. */
  readonly sockets: number;
  /** Sockets in the store at the end: the same number. */
  readonly storeSockets: number;
}

/** Number of checkpoints. */
const CHECKPOINTS = 100;

const descriptorCount = (): number => readdirSync('/proc/self/fd').length;

/** Entry of the process with the role `soak`; its arguments are the number of ticks and an empty folder. */
export async function runSoak(): Promise<void> {
  const [, , ticks, root = ''] = process.argv;
  // The parent has died.
  process.on('disconnect', () => process.exit());
  process.send?.(await run(Number(ticks), root));
  process.disconnect();
}

async function run(ticks: number, root: string): Promise<SoakFigures> {
  const startMs = performance.now();
  const machine = new SyntheticMachine(7);
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
      system: machine,
      proc: machine.proc,
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
      // Cloned, as it is between threads.
      state = reduce(state, { type: 'batch', batch: structuredClone(batch), atMs: batch.monotonicMs });
      order.update(state);
    },
    onError: (error) => (failure = error),
  });
  const poll = async () => {
    clockMs += 1000;
    next();
    // The sampler continues in promises; after them it has polled and sent its batch.
    await new Promise(setImmediate);
    if (failure !== undefined) throw failure instanceof Error ? failure : new Error('the source failed');
  };
  const checkpoints: SoakCheckpoint[] = [];
  for (let tick = 1; tick <= ticks; tick++) {
    machine.step();
    await poll();
    if (tick % Math.ceil(ticks / CHECKPOINTS) === 0) checkpoints.push(takeCheckpoint(tick));
  }
  // A namespace is found one poll after its first process.
  await poll();
  sampler.stop();
  return {
    ticks,
    seconds: (performance.now() - startMs) / 1000,
    checkpoints,
    created: machine.created,
    sockets: machine.socketCount,
    storeSockets: state.table.totals.total,
  };
}

function takeCheckpoint(tick: number): SoakCheckpoint {
  if (globalThis.gc === undefined) throw new Error('a soak needs --expose-gc');
  globalThis.gc();
  const { heapUsed, rss } = process.memoryUsage();
  return { tick, heapBytes: heapUsed, residentBytes: rss, descriptors: descriptorCount() };
}
