import type { Seen } from './seen-fields.ts';
import type { Picture, State } from './state.ts';

/** Returns the current picture, also during a pause. Its rows change in place. */
export const livePicture = ({ table, nowMs = 0, takenAtMs, log }: State): Picture => ({
  rows: table.rows,
  open: table.totals.total,
  nowMs,
  takenAtMs,
  tick: table.tick,
  logEnd: log.end,
});

/** Returns the picture on the screen: that of the start of the pause, or the live one. */
export const pictureOf = (state: State): Picture => state.pause ?? livePicture(state);

/** Returns true if the rates are not current because no batch has come. A pause shows the rates of its own moment. */
export const areRatesOld = ({ silence, pause }: State): boolean => silence !== null && pause === null;

/** `Seen` with names, by the one without. Each is made once, because a paint makes the columns again for another object. */
const withNames = new WeakMap<Seen, Seen>();

/**
 * Returns which optional fields the table has: those that sockets have had, and names of peers while they are asked for, or if
 * programs asked for some. The same object until that changes.
 */
export function seenIn({
  table: { seen },
  lookups: { asksNames, asked },
}: Pick<State, 'table' | 'lookups'>): Seen {
  if (!asksNames && asked.size === 0) return seen;
  const known = withNames.get(seen) ?? { ...seen, names: true };
  withNames.set(seen, known);
  return known;
}
