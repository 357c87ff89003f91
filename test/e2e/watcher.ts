import { appendFileSync } from 'node:fs';
import type { Listed } from '../helpers/listed.ts';
import { LineProgram } from './line-program.ts';
import type { Server } from './server.ts';

/** A line of `watch --json`. */
export interface WatchEvent {
  atMs: number;
  type: 'spawn' | 'change' | 'close' | 'gap';
  socket: Listed;
  was?: { state: string };
  lifetimeMs?: number;
  isAtLeast?: boolean;
  missed?: number;
  learntBy: 'poll' | 'destroy' | 'trace';
}

/** A `netpane watch --json`. */
export class Watcher {
  readonly program: LineProgram;
  readonly #events: WatchEvent[] = [];
  /** File with a byte for each poll that the test allows; undefined if netpane polls at an interval. */
  readonly #allowedPolls: string | undefined;

  constructor(words: readonly string[], env?: Record<string, string>, allowedPolls?: string) {
    this.program = new LineProgram(words, env);
    this.#allowedPolls = allowedPolls;
  }

  /** All events printed until now. */
  get events(): readonly WatchEvent[] {
    const { lines } = this.program;
    for (const line of lines.slice(this.#events.length)) this.#events.push(JSON.parse(line) as WatchEvent);
    return this.#events;
  }

  /**
   * Prepares for the next test. Forgets the events printed so far: those of earlier tests may have ports that the next one gets
   * again. Continues a netpane that a failed test has left stopped.
   */
  reset(): void {
    this.program.child.kill('SIGCONT');
    this.program.lines.length = 0;
    this.#events.length = 0;
  }

  get gaps(): readonly WatchEvent[] {
    return this.events.filter(({ type }) => type === 'gap');
  }

  /** Events by the ports of their socket: `54321→8080`. */
  bySocket(isWanted: (socket: Listed) => boolean = () => true): Map<string, WatchEvent[]> {
    const all = new Map<string, WatchEvent[]>();
    for (const event of this.events) {
      if (event.type === 'gap' || !isWanted(event.socket)) continue;
      const { local, remote } = event.socket;
      const key = `${local.port}→${remote?.port ?? '*'}`;
      const known = all.get(key);
      if (known) known.push(event);
      else all.set(key, [event]);
    }
    return all;
  }

  /** Waits until `find` returns a value for the events printed so far. */
  until<T>(what: string, find: (events: readonly WatchEvent[]) => T | undefined | false): Promise<T> {
    return this.program.until(what, () => find(this.events));
  }

  /** Waits for `count` closes of connections from or to a port. */
  async closes(count: number, port: number): Promise<void> {
    let [found, checked] = [0, 0];
    await this.until(`${count} closes`, (events) => {
      for (const { type, socket } of events.slice(checked))
        if (type === 'close' && (socket.local.port === port || socket.remote?.port === port)) found++;
      checked = events.length;
      return found >= count;
    });
  }

  /** Waits for a poll that starts after this call. It sees the remnants of everything that is over by now. */
  async poll(server: Server): Promise<void> {
    const port = await server.order('mark');
    if (this.#allowedPolls !== undefined) appendFileSync(this.#allowedPolls, '.');
    await this.until('another poll', (events) =>
      events.some(
        ({ type, socket }) => type === 'spawn' && socket.protocol === 'udp' && socket.local.port === port,
      ),
    );
  }
}
