import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Agreement, compareLists } from './agreement.ts';
import { Load } from './calls.ts';
import { residentMegabytes } from './machine.ts';
import type { LiveRepeats } from './options.ts';
import { Pane } from './pane.ts';
import { PrivateNet } from './private-net.ts';
import { FILTER_OPEN } from './program.ts';
import { Turmoil } from './turmoil.ts';

/** The program at a moment of a live soak. */
export interface LiveMark {
  readonly seconds: number;
  readonly megabytes: number;
  readonly descriptors: number;
  /** From the key `/` to the prompt. */
  readonly keyMs: number;
}

export interface LiveSoakFigures {
  /** Connections a second that were reached. */
  readonly rate: number;
  readonly marks: readonly LiveMark[];
  readonly agreement: Agreement;
}

export interface StormFigures {
  readonly rate: number;
  readonly marks: readonly LiveMark[];
  /** How many of the marks are of the storm itself; the others are of the rest after it. */
  readonly stormMarks: number;
}

/** A pane with listeners and a load in a network of their own. */
interface Scene {
  readonly net: PrivateNet;
  readonly load: Load;
  readonly pane: Pane;
}

const open = new Set<{ close: () => void }>();

function opened<T extends { close: () => void }>(it: T): T {
  open.add(it);
  return it;
}

/** Ends all that runs. */
export function closeLive(): void {
  for (const it of open) {
    open.delete(it);
    it.close();
  }
}

async function inScene<T>(measure: (scene: Scene) => Promise<T>): Promise<T> {
  const net = opened(await PrivateNet.open());
  try {
    const load = opened(new Load(net));
    await load.open();
    const pane = new Pane();
    try {
      // The line of the query is there from the first batch on, however few sockets there are.
      await pane.until(/socket/, 'the header');
      await sleep(3000);
      return await measure({ net, load, pane });
    } finally {
      await pane.close();
    }
  } finally {
    closeLive();
  }
}

async function markNow(pane: Pane, startMs: number): Promise<LiveMark> {
  const keyMs = await pane.press('/', FILTER_OPEN);
  // Escape; the prompt is gone when the next mark is made.
  await pane.press('\x1b', /./);
  return {
    seconds: (performance.now() - startMs) / 1000,
    megabytes: residentMegabytes(pane.pid),
    descriptors: readdirSync(`/proc/${pane.pid}/fd`).length,
    keyMs,
  };
}

/** Marks every so many seconds until `isOver` says so. */
async function marksUntil(
  pane: Pane,
  startMs: number,
  everySeconds: number,
  isOver: () => boolean,
): Promise<LiveMark[]> {
  const marks: LiveMark[] = [];
  while (!isOver()) {
    await sleep(everySeconds * 1000);
    marks.push(await markNow(pane, startMs));
  }
  return marks;
}

/** Connections, programs, listeners and namespaces come and go for minutes before the live screen. */
export const measureLiveSoak = ({ soakRate, soakSeconds }: LiveRepeats): Promise<LiveSoakFigures> =>
  inScene(async ({ net, load, pane }) => {
    const turmoil = opened(new Turmoil(net));
    const startMs = performance.now();
    let isOver = false;
    const running = load.run('lasting', soakRate, soakSeconds).finally(() => (isOver = true));
    const marks = await marksUntil(pane, startMs, 5, () => isOver);
    const { rate } = await running;
    turmoil.stand();
    return { rate, marks, agreement: compareLists(net) };
  });

/** A storm of connections before the live screen, and the rest after it. */
export const measureStorm = ({ stormRate, stormSeconds, calmSeconds }: LiveRepeats): Promise<StormFigures> =>
  inScene(async ({ load, pane }) => {
    const startMs = performance.now();
    let isOver = false;
    const running = load.run('lasting', stormRate, stormSeconds).finally(() => (isOver = true));
    const storm = await marksUntil(pane, startMs, 1, () => isOver);
    const { rate } = await running;
    const calmMs = performance.now();
    const calm = await marksUntil(pane, startMs, 1, () => performance.now() - calmMs >= calmSeconds * 1000);
    return { rate, marks: [...storm, ...calm], stormMarks: storm.length };
  });
