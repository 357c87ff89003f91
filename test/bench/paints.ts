import { setTimeout as sleep } from 'node:timers/promises';
import type { Socket } from '../../src/model/socket.ts';
import { App } from '../../src/tui/app.ts';
import { isConnection, madeUpBatch, madeUpSocket, moved, someOf } from './made-up.ts';
import { noEffects, nullTerminal } from './null-terminal.ts';
import { INTERVAL_MS, Rows, startingState } from './rows.ts';
import { type Named, type Spread, spreadOf, Times } from './stats.ts';

/** What the whole app does in a terminal that takes everything. */
export interface PaintFigures {
  /** Milliseconds from a key to the last byte of the screen that it changes, by what is typed. */
  readonly keys: readonly Named[];
  readonly bytes: ByteFigures;
}

/** Bytes to the terminal in one tick, with 50 rows on the screen. */
export interface ByteFigures {
  /** Something went through five of them. */
  readonly moving: Spread;
  /** Five of them are in another state. */
  readonly changing: Spread;
  /** Nothing happened. */
  readonly nothing: Spread;
  /** Five rows below the screen changed in what no column shows. */
  readonly unseen: Spread;
}

export const TYPED_SIZE = 10_000;
const VISIBLE = 50;
/** All lines but those of the table: header, filter, titles and hints. */
const OTHER_LINES = 5;
/** Keys and ticks before the first that counts. */
const WARM_UP = 40;

/** The app, with a clock of its own and a count of what it writes. */
class Shown {
  bytes = 0;
  nowMs = 0;
  readonly #terminal = nullTerminal((count) => (this.bytes += count), VISIBLE + OTHER_LINES);
  readonly #app = new App(
    this.#terminal,
    startingState(),
    noEffects(() => this.nowMs),
  );

  /** @returns bytes that are written for it */
  async take(fields: Partial<Parameters<typeof madeUpBatch>[0]>): Promise<number> {
    const before = this.bytes;
    this.#app.take(madeUpBatch({ ...fields, monotonicMs: this.nowMs }));
    await written();
    return this.bytes - before;
  }

  /** @returns milliseconds until all is written */
  async press(character: string, name = character): Promise<number> {
    const startMs = performance.now();
    this.#terminal.screen.emit('keypress', character, { full: name, name });
    await written();
    return performance.now() - startMs;
  }

  async close(): Promise<void> {
    // With all marks gone no timer paints on a screen that is no more.
    this.nowMs += 1e9;
    await this.take({});
    this.#terminal.restore();
  }
}

/** The app paints at the next turn of the event loop, and blessed writes in the one after. */
async function written(): Promise<void> {
  await new Promise(setImmediate);
  await new Promise(setImmediate);
}

/** Types each text letter by letter, takes it away again in the same way, and has it completed in between. */
async function measureKeys(texts: readonly string[], rounds: number): Promise<Named[]> {
  const shown = new Shown();
  await shown.take({ baseline: true, spawned: Array.from({ length: TYPED_SIZE }, madeUpSocket) });
  shown.nowMs += 3_600_000;
  await shown.take({});
  const times = new Times();
  let keys = 0;
  const press = async (text: string, character: string, name?: string): Promise<void> => {
    const before = shown.bytes;
    const ms = await shown.press(character, name);
    if (shown.bytes === before) throw new Error(`nothing was painted for a key of ${text}`);
    if (keys++ >= WARM_UP) times.note(text, ms);
    await sleep(10);
  };
  for (let round = 0; round < rounds; round++) {
    for (const text of texts) {
      await shown.press('/');
      for (const letter of text) await press(text, letter);
      for (const _ of text) await press(text, '\x7f', 'backspace');
      await shown.press('\x1b', 'escape');
    }
    await shown.press('/');
    for (const letter of 'process:') await press('process:', letter);
    await press('tab, of 60 programs', '\t', 'tab');
    await shown.press('\x1b', 'escape');
    // In each round the rows are grouped by something else.
    await shown.press('o');
  }
  await shown.close();
  return times.spreads();
}

async function measureBytes(count: number): Promise<ByteFigures> {
  const shown = new Shown();
  // In the order of the screen, whatever happens to them; those beyond the fiftieth are below it.
  let sockets = new Rows(3 * VISIBLE)
    .shown()
    .filter(isConnection)
    .slice(0, 2 * VISIBLE);
  await shown.take({ baseline: true, spawned: sockets });
  // Past the first minute, when ages go in minutes; and until the last one of those is over.
  shown.nowMs += 3_600_000;
  await shown.take({});
  const visible = () => sockets.slice(0, VISIBLE);
  const hidden = () => sockets.slice(VISIBLE);
  const ticks = async (from: () => Socket[], change: (socket: Socket) => Socket): Promise<Spread> => {
    const counts: number[] = [];
    for (let i = 0; i < count + 1; i++) {
      shown.nowMs += INTERVAL_MS;
      const changed = new Map(someOf(from(), 5).map((socket) => [socket, change(socket)]));
      sockets = sockets.map((socket) => changed.get(socket) ?? socket);
      counts.push(await shown.take({ changed: [...changed.values()] }));
    }
    // In the first one what was before comes to its end.
    return spreadOf(counts.slice(1));
  };
  const nothing = await ticks(
    () => [],
    (socket) => socket,
  );
  const unseen = await ticks(hidden, (socket) => ({
    ...socket,
    traffic: { ...socket.traffic, cwnd: 1 + (socket.traffic?.cwnd ?? 0) },
  }));
  const moving = await ticks(visible, moved);
  const changing = await ticks(visible, (socket) => ({
    ...socket,
    state: socket.state === 'ESTABLISHED' ? 'CLOSE_WAIT' : 'ESTABLISHED',
  }));
  await shown.close();
  return { nothing, unseen, moving, changing };
}

/** Keys at 10,000 rows, and the bytes of so many ticks. */
export const measurePaints = async (texts: readonly string[], ticks: number): Promise<PaintFigures> => ({
  keys: await measureKeys(texts, Math.max(2, Math.ceil(ticks / 10))),
  bytes: await measureBytes(ticks),
});
