import type { Difference } from '../../../src/model/batch.ts';
import type { Socket } from '../../../src/model/socket.ts';

/** The rows that batches make, by id, and the contradictions in these batches. */
export class BatchRows {
  readonly rows = new Map<string, Socket>();
  readonly faults: string[] = [];

  /** Applies a batch as `SocketTable` does. */
  apply({ spawned, changed, closed }: Difference): void {
    for (const it of spawned) {
      if (this.rows.has(it.id)) this.faults.push(`spawned again: ${it.id}`);
      this.rows.set(it.id, it);
    }
    for (const it of changed) {
      if (!this.rows.has(it.id)) this.faults.push(`changed without a row: ${it.id}`);
      this.#compare(this.rows.get(it.id), it);
      this.rows.set(it.id, it);
    }
    for (const id of closed) if (!this.rows.delete(id)) this.faults.push(`closed without a row: ${id}`);
  }

  #compare(before: Socket | undefined, now: Socket): void {
    const [then, since] = [before?.owners[0], now.owners[0]];
    if (then?.pid !== undefined && then.pid !== since?.pid) this.faults.push(`owner lost: ${now.id}`);
  }
}
