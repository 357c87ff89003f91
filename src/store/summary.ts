import type { SumEvent } from '../model/event.ts';
import { Counts, type Tick } from './counts.ts';
import { Diagnoses } from './diagnoses.ts';
import { NewListeners } from './new-listeners.ts';
import { ProgramNames } from './program-names.ts';
import { rateOf } from './rates.ts';
import type { Row } from './row.ts';
import { SeenFields } from './seen-fields.ts';
import { Sums } from './sums.ts';

/**
 * Everything that is known of the open sockets together: counts, sums by process, names of programs, new listeners and
 * diagnoses. Each part is updated by the changed rows alone.
 *
 *     take, takeRates, drop ─▶ the parts ── endTick ─▶ counts of the tick
 */
export class Summary {
  readonly counts = new Counts();
  readonly sums = new Sums();
  readonly fields = new SeenFields();
  readonly programNames = new ProgramNames();
  readonly newListeners = new NewListeners();
  readonly diagnoses = new Diagnoses();

  /** Takes the row of a socket that spawned (`before` is undefined) or changed. */
  take(before: Row | undefined, row: Row, nowMs: number): void {
    const { socket, baseline } = row;
    if (before) this.counts.count(before.socket, -1);
    this.counts.count(socket, 1);
    this.counts.addRates(row);
    this.sums.change(before, row);
    this.fields.add(socket);
    this.programNames.take(socket, baseline);
    if (!baseline) this.newListeners.take(socket, row.firstSeenMs);
    this.diagnoses.take(before?.socket, socket, baseline, nowMs);
  }

  /** Takes new rates of a row whose socket has not changed. */
  takeRates(before: Row, row: Row): void {
    this.sums.change(before, row);
  }

  /** Removes the row of a socket that has closed. */
  drop(before: Row): void {
    this.counts.count(before.socket, -1);
    this.sums.change(before, undefined);
    this.newListeners.drop(before.id);
    this.diagnoses.drop(before.id);
  }

  /** Takes the short connections of a sum, which have no rows. */
  takeSum(
    { count, socket, rxBytes, txBytes }: SumEvent,
    { monotonicMs, elapsedMs }: { readonly monotonicMs: number; readonly elapsedMs: number | undefined },
  ): void {
    const rates = { rxRate: rateOf(0, rxBytes, elapsedMs), txRate: rateOf(0, txBytes, elapsedMs) };
    this.counts.addSum(count, monotonicMs, rates);
    this.fields.add(socket);
    this.programNames.take(socket, false);
  }

  /** Ends a tick and returns its counts. */
  endTick(nowMs: number, isBaseline: boolean): Tick {
    this.diagnoses.endTick(nowMs);
    return this.counts.endTick(nowMs, isBaseline, this.fields.seen.traffic);
  }
}
