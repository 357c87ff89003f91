import type { AskedName } from '../model/asked-name.ts';
import type { FoundName } from './names.ts';

/** Maximum number of addresses and connections with a name; beyond it the least recently named are dropped. */
export const MAX_SUBJECTS = 16_384;
/** Maximum number of names of one address. */
const MAX_NAMES_EACH = 8;
/** Time that an address keeps a name after the answer has expired, milliseconds: connections outlive the answer. */
const GRACE_MS = 60 * 60_000;
/** Minimum time between two reports of an unchanged name that is seen again, milliseconds. */
const REPEAT_MS = 30_000;

interface Entry {
  /** When each name expires, milliseconds; the newest name last. */
  readonly names: Map<string, number>;
  from: FoundName['from'];
  reportedAtMs: number;
}

/**
 * The names of addresses and connections that packets contained.
 *
 *     add ─▶ entries (bounded) ─▶ changed ─▶ takeChanges
 */
export class NameTable {
  readonly #entries = new Map<string, Entry>();
  readonly #changed = new Set<string>();

  /** Adds a name, or makes a known one the newest again. @param nowMs milliseconds on the clock of `takeChanges` */
  add({ subject, name, from, ttlSeconds }: FoundName, nowMs: number): void {
    const entry = this.#entries.get(subject) ?? {
      names: new Map<string, number>(),
      from,
      reportedAtMs: -Infinity,
    };
    const { names } = entry;
    const isSame = newestOf(names) === name && entry.from === from;
    names.delete(name);
    names.set(name, nowMs + ttlSeconds * 1000 + GRACE_MS);
    if (names.size > MAX_NAMES_EACH) deleteFirst(names);
    entry.from = from;
    this.#entries.delete(subject);
    this.#entries.set(subject, entry);
    if (this.#entries.size > MAX_SUBJECTS) this.#changed.delete(deleteFirst(this.#entries) ?? '');
    if (!isSame || nowMs - entry.reportedAtMs >= REPEAT_MS) this.#changed.add(subject);
  }

  /** Returns the names that changed, or were seen again, since the last call; each address or connection once. */
  takeChanges(nowMs: number): readonly AskedName[] {
    const changes: AskedName[] = [];
    for (const subject of this.#changed) {
      const entry = this.#entries.get(subject);
      if (entry === undefined) continue;
      const { names, from } = entry;
      for (const [name, untilMs] of names) if (untilMs < nowMs) names.delete(name);
      const name = newestOf(names);
      if (name === undefined) continue;
      entry.reportedAtMs = nowMs;
      changes.push({ subject, name, others: names.size - 1, from });
    }
    this.#changed.clear();
    return changes;
  }
}

function newestOf(names: ReadonlyMap<string, number>): string | undefined {
  let newest: string | undefined;
  for (const name of names.keys()) newest = name;
  return newest;
}

/** Returns the key that was deleted; undefined for an empty map. */
function deleteFirst(map: Map<string, unknown>): string | undefined {
  const { value } = map.keys().next();
  if (value !== undefined) map.delete(value);
  return value;
}
