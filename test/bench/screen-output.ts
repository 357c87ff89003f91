import { setTimeout as sleep } from 'node:timers/promises';
import type { Socket } from '../../src/model/socket.ts';
import { appWithoutWorld, nullTerminal, painted } from './null-terminal.ts';
import { type NamedSpread, type Spread, spreadOf, Timings } from './stats.ts';
import { INTERVAL_MS, startingState, SyntheticRows } from './synthetic-rows.ts';
import { isConnection, pickSome, syntheticBatch, syntheticSocket, withTraffic } from './synthetic-sockets.ts';

/** Output of the whole app to a terminal that discards it. */
export interface ScreenOutputFigures {
  /** Milliseconds from a key to the last byte that it writes, by the text that is typed. */
  readonly keys: readonly NamedSpread[];
  readonly bytes: ByteFigures;
}

/** Bytes written to the terminal per tick, with 50 visible rows. */
export interface ByteFigures {
  /** Five of the visible rows have traffic. */
  readonly traffic: Spread;
  /** Five of the visible rows change their state. */
  readonly state: Spread;
  /** Nothing changes. */
  readonly nothing: Spread;
  /** Five rows below the screen change a field without a column. */
  readonly invisible: Spread;
}

/** Number of rows while a query is typed. */
export const TYPED_SIZE = 10_000;
const VISIBLE = 50;
/** Lines other than rows: header, filter, titles and hints. */
const OTHER_LINES = 5;
/** Number of keys that warm up V8 and are not counted. */
const WARM_UP = 40;

/** The app with a clock of its own, which counts the bytes it writes. */
class RunningApp {
  bytes = 0;
  nowMs = 0;
  /** When the last bytes were written. */
  #writtenMs = 0;
  readonly #terminal = nullTerminal((count) => {
    this.bytes += count;
    this.#writtenMs = performance.now();
  }, VISIBLE + OTHER_LINES);
  readonly #app = appWithoutWorld(this.#terminal, startingState(), () => this.nowMs);

  /** Takes a batch with these fields. @returns the number of bytes written for it */
  async take(fields: Partial<Parameters<typeof syntheticBatch>[0]>): Promise<number> {
    const before = this.bytes;
    const batch = syntheticBatch({ ...fields, monotonicMs: this.nowMs });
    this.#app.dispatch({ type: 'batch', batch, atMs: this.nowMs });
    await painted();
    return this.bytes - before;
  }

  /** Presses a key. @returns milliseconds until the last byte of its output is written */
  async press(character: string, name = character): Promise<number> {
    const startMs = performance.now();
    this.#terminal.screen.emit('keypress', character, { full: name, name });
    await painted();
    return this.#writtenMs - startMs;
  }

  async close(): Promise<void> {
    // Days later no row is marked, so no timer paints on the destroyed screen.
    this.nowMs += 1e9;
    await this.take({});
    this.#terminal.restore();
  }
}

/** Types each text letter by letter and deletes it in the same way; then types a field and completes its value. */
async function measureKeys(texts: readonly string[], repeats: number): Promise<NamedSpread[]> {
  const app = new RunningApp();
  await app.take({ baseline: true, spawned: Array.from({ length: TYPED_SIZE }, syntheticSocket) });
  app.nowMs += 3_600_000;
  await app.take({});
  const timings = new Timings();
  let keys = 0;
  const press = async (text: string, character: string, name?: string): Promise<void> => {
    const before = app.bytes;
    const ms = await app.press(character, name);
    if (app.bytes === before) throw new Error(`a key of ${text} painted nothing`);
    if (keys++ >= WARM_UP) timings.add(text, ms);
    await sleep(10);
  };
  for (let i = 0; i < repeats; i++) {
    for (const text of texts) {
      await app.press('/');
      for (const letter of text) await press(text, letter);
      for (const _ of text) await press(text, '\x7f', 'backspace');
      await app.press('\x1b', 'escape');
    }
    await app.press('/');
    for (const letter of 'process:') await press('process:', letter);
    await press('tab, with 60 programs', '\t', 'tab');
    await app.press('\x1b', 'escape');
    // The next repeat has another grouping.
    await app.press('o');
  }
  await app.close();
  return timings.spreads();
}

async function measureBytes(ticks: number): Promise<ByteFigures> {
  const app = new RunningApp();
  // In the order of the screen, which no change below affects: the first fifty are visible.
  let sockets = new SyntheticRows(3 * VISIBLE)
    .shown()
    .filter(isConnection)
    .slice(0, 2 * VISIBLE);
  await app.take({ baseline: true, spawned: sockets });
  // An hour later ages are shown in minutes, so they do not change with every tick.
  app.nowMs += 3_600_000;
  await app.take({});
  const visible = () => sockets.slice(0, VISIBLE);
  const belowScreen = () => sockets.slice(VISIBLE);
  const measureTicks = async (from: () => Socket[], change: (socket: Socket) => Socket): Promise<Spread> => {
    const counts: number[] = [];
    for (let i = 0; i < ticks + 1; i++) {
      app.nowMs += INTERVAL_MS;
      const changed = new Map(pickSome(from(), 5).map((socket) => [socket, change(socket)]));
      sockets = sockets.map((socket) => changed.get(socket) ?? socket);
      counts.push(await app.take({ changed: [...changed.values()] }));
    }
    // The first tick also removes marks and rates of the changes before it.
    return spreadOf(counts.slice(1));
  };
  const nothing = await measureTicks(
    () => [],
    (socket) => socket,
  );
  const invisible = await measureTicks(belowScreen, (socket) => ({
    ...socket,
    traffic: { ...socket.traffic, cwnd: 1 + (socket.traffic?.cwnd ?? 0) },
  }));
  const traffic = await measureTicks(visible, withTraffic);
  const state = await measureTicks(visible, (socket) => ({
    ...socket,
    state: socket.state === 'ESTABLISHED' ? 'CLOSE_WAIT' : 'ESTABLISHED',
  }));
  await app.close();
  return { nothing, invisible, traffic, state };
}

/** Measures keys while `texts` are typed at 10,000 rows, and the bytes of `ticks` ticks. */
export const measureScreenOutput = async (
  texts: readonly string[],
  ticks: number,
): Promise<ScreenOutputFigures> => ({
  keys: await measureKeys(texts, Math.max(2, Math.ceil(ticks / 10))),
  bytes: await measureBytes(ticks),
});
