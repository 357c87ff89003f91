import { nearest } from '../../query/nearest.ts';
import type { Binding } from '../../tui/keys/binding.ts';
import { isCharacter, KEY_NAMES, parseKey } from '../../tui/keys/key-name.ts';
import { BINDINGS, type KeyChanges, startOf } from '../../tui/keymap.ts';
import { quoted } from '../values.ts';

/** A mistake in the table of keys. `at` is the index of the key in the text of the action; absent if the id is wrong. */
export interface KeyMistake {
  readonly id: string;
  readonly at?: number;
  readonly text: string;
}

const IDS = BINDINGS.map(({ id }) => id);
const placeOf = ({ place = 'table' }: Binding): string => place;

/** Returns true if both keys cannot be used in one place: they are the same, or one starts the other. */
const clash = (a: string, b: string): boolean => a === b || startOf(a) === b || a === startOf(b);

/** Parses the table of keys: for each action its keys, separated by spaces. Reports every mistake. */
export function parseKeys(table: Readonly<Record<string, unknown>>): {
  readonly changes: KeyChanges;
  readonly mistakes: readonly KeyMistake[];
} {
  const mistakes: KeyMistake[] = [];
  const changes: Record<string, readonly string[]> = {};
  /** Index of each key in the text of its action. */
  const places = new Map<string, number>();
  for (const [id, text] of Object.entries(table)) {
    const binding = BINDINGS.find((it) => it.id === id);
    if (binding === undefined) {
      const meant = nearest(id, IDS);
      const help = meant === undefined ? 'netpane config lists the actions' : `did you mean ${meant}?`;
      mistakes.push({ id, text: `unknown action ${quoted(id.slice(0, 60))}: ${help}` });
      continue;
    }
    if (typeof text !== 'string') {
      mistakes.push({ id, at: 0, text: `keys.${id} takes keys, such as "ctrl-r u"` });
      continue;
    }
    const keys: string[] = [];
    for (const { 0: word, index } of text.matchAll(/\S+/g)) {
      const parsed = parseKey(word);
      const shown = quoted(word.slice(0, 30));
      const fail = (why: string) => mistakes.push({ id, at: index, text: `keys.${id}: ${why}` });
      if ('why' in parsed) {
        const meant = nearest(word, KEY_NAMES);
        const why =
          parsed.why || (meant === undefined ? 'the help names the keys' : `did you mean ${meant}?`);
        fail(`unknown key ${shown}: ${why}`);
      } else if (placeOf(binding) === 'prompt' && isCharacter(parsed.key))
        fail(`${shown} types a character: take a key that types none`);
      else if (!keys.includes(parsed.key)) {
        keys.push(parsed.key);
        places.set(`${id} ${parsed.key}`, index);
      }
    }
    if (keys.length === 0 && binding.needsKey)
      mistakes.push({ id, at: 0, text: `keys.${id} needs at least one key` });
    changes[id] = keys;
  }
  return { changes, mistakes: [...mistakes, ...conflicts(changes, places)] };
}

/** Yields a mistake for each changed key that another action has too: if both are changed, only for the later action. */
function* conflicts(changes: KeyChanges, places: ReadonlyMap<string, number>): Generator<KeyMistake> {
  const ids = Object.keys(changes);
  for (const [i, id] of ids.entries()) {
    const binding = BINDINGS.find((it) => it.id === id);
    if (binding === undefined) continue;
    for (const other of BINDINGS) {
      if (other.id === id || placeOf(other) !== placeOf(binding) || ids.indexOf(other.id) > i) continue;
      const others = changes[other.id] ?? other.keys;
      for (const key of changes[id] ?? []) {
        const same = others.find((it) => clash(key, it));
        const at = places.get(`${id} ${key}`);
        if (same !== undefined && at !== undefined)
          yield {
            id,
            at,
            text: `keys.${id}: ${key} is ${same === key ? 'also' : `in conflict with ${same},`} the key of ${other.id}: give it another, or "" for none`,
          };
      }
    }
  }
}
