import { chmodSync, cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../helpers/herd.ts';
import { type Callers, Load } from './calls.ts';
import type { CaptureRepeats } from './options.ts';
import { PrivateNet } from './private-net.ts';
import { scratchFolder } from './scratch.ts';
import { type Sightings, sightingsIn } from './sightings.ts';
import { type Spread, spreadOf } from './stats.ts';
import { isInstalled, type Watcher, type WatcherCosts, Watching, watchers } from './watchers.ts';

/** A load, and how it is called. */
export interface LoadKind {
  readonly callers: Callers;
  /** Connections a second. */
  readonly rate: number;
}

/** What one watcher saw of one load, and what it cost. */
export interface CaptureFigures {
  readonly watcher: string;
  /** Connections a second that were really made. */
  readonly rate: number;
  readonly lifetimeMs: Spread;
  /** Share of the connections that were over within a millisecond. */
  readonly isBrief: number;
  readonly sightings: Sightings;
  readonly costs: WatcherCosts;
}

/** One load, and all who watched it, each in a run of its own: figures, or why there are none. */
export interface CaptureTable {
  readonly load: LoadKind;
  readonly rows: readonly (CaptureFigures | { readonly watcher: string; readonly why: string })[];
}

/** What those cost that have nothing to see, percent of a core. */
export type RestFigures = readonly { readonly name: string; readonly cpu: number }[];

/** What is to be ended, whatever happens. */
const open = new Set<{ close: () => void }>();

function opened<T extends { close: () => void }>(it: T): T {
  open.add(it);
  return it;
}

/** Ends all that runs. */
export function closeCapture(): void {
  for (const it of open) {
    open.delete(it);
    it.close();
  }
}

/** The program where any user can read it: a checkout may stand in a folder of root's alone. */
function copyForAll(): string {
  const folder = join(scratchFolder(), 'program');
  const packages = ['koffi', '@koromix'].map((name) => `node_modules/${name}`);
  for (const part of ['dist', 'package.json', ...packages]) {
    if (existsSync(join(root, part)))
      cpSync(join(root, part), join(folder, part), { recursive: true, dereference: true });
  }
  chmodSync(scratchFolder(), 0o755);
  return join(folder, 'dist', 'netpane.js');
}

let program: string | undefined;
const allWatchers = (): Watcher[] => watchers((program ??= copyForAll()));

async function capture(
  watcher: Watcher,
  { callers, rate }: LoadKind,
  seconds: number,
): Promise<CaptureFigures> {
  const file = join(scratchFolder(), 'watched');
  try {
    const net = opened(await PrivateNet.open());
    const load = opened(new Load(net));
    await load.open();
    const watching = opened(new Watching(watcher, net, file));
    await watching.awake(() => load.poke());
    watching.begin();
    const { calls, rate: reached, lifetimesMs } = await load.run(callers, rate, seconds);
    const costs = await watching.end();
    return {
      watcher: watcher.name,
      rate: reached,
      lifetimeMs: spreadOf(lifetimesMs),
      isBrief: lifetimesMs.filter((ms) => ms < 1).length / lifetimesMs.length,
      sightings: await sightingsIn(file, watcher, calls),
      costs,
    };
  } finally {
    closeCapture();
    rmSync(file, { force: true });
  }
}

/** Lets everybody watch the same kind of load, one after another. */
export async function measureCapture(load: LoadKind, { seconds }: CaptureRepeats): Promise<CaptureTable> {
  const rows: CaptureTable['rows'][number][] = [];
  for (const watcher of allWatchers()) {
    rows.push(
      isInstalled(watcher)
        ? await capture(watcher, load, seconds)
        : { watcher: watcher.name, why: 'not installed' },
    );
  }
  return { load, rows };
}

/** What netpane takes when nothing happens, beside a program that does nothing. */
export async function measureRest({ warmUpSeconds, seconds }: CaptureRepeats): Promise<RestFigures> {
  try {
    const net = opened(await PrivateNet.open());
    const nothing: Watcher = { name: 'sleep', words: ['sleep', '600'], goesOn: true, format: 'nethogs' };
    const all = [...allWatchers().filter(({ format }) => format === 'netpane'), nothing].map(
      (watcher, i) => ({
        name: watcher.name,
        watching: opened(new Watching(watcher, net, join(scratchFolder(), `rest-${i}`))),
      }),
    );
    await sleep(1000 * warmUpSeconds);
    const [startMs, before] = [performance.now(), all.map(({ watching }) => watching.exactCpuMs())];
    await sleep(1000 * seconds);
    const ms = performance.now() - startMs;
    return all.map(({ name, watching }, i) => ({
      name,
      cpu: (100 * (watching.exactCpuMs() - (before[i] ?? 0))) / ms,
    }));
  } finally {
    closeCapture();
  }
}
