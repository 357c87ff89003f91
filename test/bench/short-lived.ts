import { chmodSync, cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../helpers/herd.ts';
import { type Detections, readDetections } from './detections.ts';
import { type ClientKind, Load } from './load.ts';
import type { ShortLivedRepeats } from './options.ts';
import { PrivateNet } from './private-net.ts';
import { scratchFolder } from './scratch.ts';
import { type Spread, spreadOf } from './stats.ts';
import { isInstalled, type Watcher, type WatcherCosts, WatcherRun, watchers } from './watchers.ts';

/** Kind of a load of short-lived connections. */
export interface LoadKind {
  readonly clients: ClientKind;
  /** Connections per second. */
  readonly rate: number;
}

/** Detections and costs of one watcher during one load. */
export interface WatcherFigures {
  readonly watcher: string;
  /** Connections per second actually made. */
  readonly rate: number;
  readonly lifetimeMs: Spread;
  /** Share of the connections that lived less than a millisecond. */
  readonly briefShare: number;
  readonly detections: Detections;
  readonly costs: WatcherCosts;
}

/** One kind of load and its watchers, each in a run of its own: figures, or the reason why there are none. */
export interface ShortLivedTable {
  readonly load: LoadKind;
  readonly rows: readonly (WatcherFigures | { readonly watcher: string; readonly why: string })[];
}

/** CPU of each watcher while nothing happens, percent of a core. */
export type IdleFigures = readonly { readonly name: string; readonly cpu: number }[];

/** Processes and namespaces to close, also after a failure. */
const open = new Set<{ close: () => void }>();

/** Notes a process or namespace for {@link closeShortLived}. */
export function closeLater<T extends { close: () => void }>(it: T): T {
  open.add(it);
  return it;
}

/** Ends all processes of this measurement. */
export function closeShortLived(): void {
  for (const it of open) {
    open.delete(it);
    it.close();
  }
}

/** Copies the program to where every user can read it: the checkout may be in a folder that only root can read. */
function copyForAllUsers(): string {
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
const allWatchers = (): Watcher[] => watchers((program ??= copyForAllUsers()));

/** Returns netpane as each user. */
export const netpaneWatchers = (): Watcher[] => allWatchers().filter(({ format }) => format === 'netpane');

async function measureWatcher(
  watcher: Watcher,
  { clients, rate }: LoadKind,
  seconds: number,
): Promise<WatcherFigures> {
  const file = join(scratchFolder(), 'watched');
  try {
    const net = closeLater(await PrivateNet.open());
    const load = closeLater(new Load(net));
    await load.open();
    const run = closeLater(new WatcherRun(watcher, net, file));
    await run.waitUntilReady(() => load.connectOnce());
    run.start();
    const { connections, rate: reached, lifetimesMs } = await load.run(clients, rate, seconds);
    const costs = await run.stop(() => load.connectOnce());
    return {
      watcher: watcher.name,
      rate: reached,
      lifetimeMs: spreadOf(lifetimesMs),
      briefShare: lifetimesMs.filter((ms) => ms < 1).length / lifetimesMs.length,
      detections: await readDetections(file, watcher, connections),
      costs,
    };
  } finally {
    closeShortLived();
    rmSync(file, { force: true });
  }
}

/** Measures all watchers, one after the other, each with a load of the same kind. */
export async function measureShortLived(
  load: LoadKind,
  { seconds }: ShortLivedRepeats,
): Promise<ShortLivedTable> {
  const rows: ShortLivedTable['rows'][number][] = [];
  for (const watcher of allWatchers()) {
    rows.push(
      isInstalled(watcher)
        ? await measureWatcher(watcher, load, seconds)
        : { watcher: watcher.name, why: 'not installed' },
    );
  }
  return { load, rows };
}

/** Measures the CPU of netpane while nothing happens, beside a process that only sleeps. */
export async function measureIdle({ warmUpSeconds, seconds }: ShortLivedRepeats): Promise<IdleFigures> {
  try {
    const net = closeLater(await PrivateNet.open());
    const sleeper: Watcher = {
      name: 'sleep',
      words: ['sleep', '600'],
      isContinuous: true,
      format: 'nethogs',
    };
    const all = [...netpaneWatchers(), sleeper].map((watcher, i) => ({
      name: watcher.name,
      run: closeLater(new WatcherRun(watcher, net, join(scratchFolder(), `idle-${i}`))),
    }));
    await sleep(1000 * warmUpSeconds);
    const [startMs, before] = [performance.now(), all.map(({ run }) => run.exactCpuMs())];
    await sleep(1000 * seconds);
    const ms = performance.now() - startMs;
    return all.map(({ name, run }, i) => ({
      name,
      cpu: (100 * (run.exactCpuMs() - (before[i] ?? 0))) / ms,
    }));
  } finally {
    closeShortLived();
  }
}
