import type { Batch } from '../model/batch.ts';
import type { GapEvent } from '../model/event.ts';
import { measureInterfaces } from './rates.ts';
import type { State } from './state.ts';

/** How long gaps are shown, milliseconds. */
const GAPS_SHOWN_MS = 60_000;

/** Applies a batch, or a part of one. Rows and events take effect at once, everything else with the last part. */
export function applyBatch(before: State, batch: Batch): State {
  const lastTick = before.table.apply(batch);
  before.log.add(batch.events, before.table.rows);
  const isGap = (event: { readonly type: string }): event is GapEvent => event.type === 'gap';
  const gaps = [...before.gaps, ...batch.events.filter(isGap)];
  const state = gaps.length === 0 ? before : { ...before, gaps };
  if (lastTick === undefined) return state;
  const { pause, nowMs } = state;
  const elapsedMs = nowMs === undefined ? undefined : batch.monotonicMs - nowMs;
  return {
    ...state,
    source: batch.source,
    pacedIntervalMs: batch.pacedIntervalMs,
    nowMs: batch.monotonicMs,
    takenAtMs: batch.takenAtMs,
    interfaces: measureInterfaces(state.interfaces, batch.interfaces, elapsedMs),
    lastTick,
    // The baseline counts as seen, also before the first key: an absence reports only later changes.
    presence: nowMs === undefined ? { ...state.presence, batchMs: batch.monotonicMs } : state.presence,
    cost: batch.cost,
    usageDue: true,
    degradations: batch.degradations,
    coverage: batch.coverage,
    gaps: gaps.filter(({ atMs }) => atMs > batch.takenAtMs - GAPS_SHOWN_MS),
    pause: pause && {
      ...pause,
      spawned: pause.spawned + lastTick.spawned,
      changed: pause.changed + lastTick.changed,
      closed: pause.closed + lastTick.closed,
    },
  };
}
