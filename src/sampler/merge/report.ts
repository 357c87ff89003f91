import type { Difference } from '../../model/batch.ts';
import type { Socket } from '../../model/socket.ts';
import type { EmittedEvents } from './emitted-events.ts';
import type { Life } from './life.ts';

/** Collects what the next batch reports: lives that may differ from the last batch, and sockets without a life. */
export class Report {
  readonly #events: EmittedEvents;
  readonly #emitsEveryChange: boolean;
  /** Lives that may differ from what the last batch reported. */
  readonly #lives = new Set<Life>();
  #spawned: Socket[] = [];
  #changed: Socket[] = [];

  /** @param emitsEveryChange emit an event for each notable change, instead of one for all since the last batch */
  constructor(events: EmittedEvents, emitsEveryChange: boolean) {
    this.#events = events;
    this.#emitsEveryChange = emitsEveryChange;
  }

  /** Number of lives to report. */
  get waiting(): number {
    return this.#lives.size;
  }

  /** Adds a life that spawned, changed or is gone. */
  add(life: Life): void {
    this.#lives.add(life);
  }

  /** Adds a socket of the baseline, which gets no life. */
  addSpawned(socket: Socket): void {
    this.#spawned.push(socket);
  }

  /** Adds a changed socket without a life. */
  addChanged(socket: Socket): void {
    this.#changed.push(socket);
  }

  /** Emits the notable change of a life from `before`; without `emitsEveryChange` it waits for `take`. */
  emitChange(life: Life, before: Socket): void {
    if (this.#emitsEveryChange) this.#addChangeEvent(life, before);
  }

  #addChangeEvent(life: Life, before: Socket): void {
    this.#events.addChange(before, life.socket, life.changedMs, life.changedBy, life);
  }

  /** Returns the changes since the last call, and emits the change events that waited for it. */
  take(): Difference {
    const [spawned, changed, closed] = [this.#spawned, this.#changed, [] as string[]];
    for (const life of this.#lives) {
      const { id, reported, socket, isGone } = life;
      if (reported === undefined) spawned.push(socket);
      if (reported !== undefined && reported !== socket) {
        changed.push(socket);
        if (!this.#emitsEveryChange && life.closedBy === undefined) this.#addChangeEvent(life, reported);
      }
      if (isGone) closed.push(id);
      life.reported = isGone ? undefined : socket;
    }
    this.#lives.clear();
    [this.#spawned, this.#changed] = [[], []];
    return { spawned, changed, closed };
  }
}
