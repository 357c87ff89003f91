import type { Action } from '../store/actions.ts';
import { type KeyHelp, type KeyPlace, withKeys } from '../view/header/key-help.ts';
import { chosenCommand } from '../view/panes/command-pane.ts';
import type { Binding } from './keys/binding.ts';
import { type KeyContext, keyContext } from './keys/context.ts';
import { ACT_KEYS } from './keys/act.ts';
import { COMMAND_KEYS } from './keys/commands.ts';
import { COPY_KEYS } from './keys/copy.ts';
import { DISPLAY_KEYS } from './keys/display.ts';
import { FILTER_KEYS } from './keys/filter.ts';
import { HEADER_KEYS } from './keys/header.ts';
import { isCharacter, KEY_NAMES, keyName, keysText } from './keys/key-name.ts';
import { HELP_KEYS } from './keys/help.ts';
import { LIST_KEYS, runInList } from './keys/lists.ts';
import { MOVE_KEYS } from './keys/move.ts';
import { PANE_KEYS } from './keys/panes.ts';
import { PROGRAM_KEYS } from './keys/program.ts';
import { ACCEPT, PROMPT_KEYS, typed } from './keys/prompt.ts';
import { QUESTION_KEYS } from './keys/question.ts';
import { VIEW_KEYS } from './keys/views.ts';

/** Every action with its default keys, in the order of the help. */
export const BINDINGS: readonly Binding[] = [
  ...MOVE_KEYS,
  ...PROGRAM_KEYS,
  ...FILTER_KEYS,
  ...VIEW_KEYS,
  ...DISPLAY_KEYS,
  ...HEADER_KEYS,
  ...COMMAND_KEYS,
  ...PANE_KEYS,
  ...COPY_KEYS,
  ...ACT_KEYS,
  ...LIST_KEYS,
  ...HELP_KEYS,
  ...PROMPT_KEYS,
  ...QUESTION_KEYS,
];

/** Keys that the configuration gives to actions, by id, instead of the default ones. */
export type KeyChanges = Readonly<Record<string, readonly string[]>>;

/** A binding with the keys in effect. */
export type EffectiveBinding = Binding & KeyHelp;

/** Place and key as a text, for a map. */
const slot = (place: KeyPlace, key: string): string => `${place} ${key}`;

/** Returns the first of two keys that are pressed one after the other, such as `g` of `gg`; else undefined. */
export const startOf = (key: string): string | undefined => {
  // Names such as `up` are one key.
  if (KEY_NAMES.includes(key)) return undefined;
  const [first, second, third] = Array.from(key);
  return second !== undefined && third === undefined ? first : undefined;
};

/** The keys in effect. */
export class Keymap {
  /** Every action with the keys in effect, in the order of the help. */
  readonly bindings: readonly EffectiveBinding[];
  readonly #bySlot: ReadonlyMap<string, EffectiveBinding>;
  /** First keys of two, each with its place. */
  readonly #starts: ReadonlySet<string>;

  constructor(changes: KeyChanges = {}) {
    const bindings = BINDINGS.map((binding) => {
      const keys = (Object.hasOwn(changes, binding.id) ? changes[binding.id] : undefined) ?? binding.keys;
      return { ...binding, keys, label: keysText(keys) };
    });
    this.bindings = bindings.map((it) => ({ ...it, about: withKeys(bindings, it.about) }));
    const slots = this.bindings.flatMap((it) =>
      it.keys.map((key) => ({ place: it.place ?? 'table', key, binding: it })),
    );
    this.#bySlot = new Map(slots.map(({ place, key, binding }) => [slot(place, key), binding]));
    this.#starts = new Set(
      slots.flatMap(({ place, key }) =>
        startOf(key) === undefined ? [] : [slot(place, startOf(key) ?? '')],
      ),
    );
  }

  /** Returns the binding of a key. */
  at(place: KeyPlace, key: string): EffectiveBinding | undefined {
    return this.#bySlot.get(slot(place, key));
  }

  /** Returns true if the key is the first of two. */
  isStart(place: KeyPlace, key: string): boolean {
    return this.#starts.has(slot(place, key));
  }
}

const DEFAULT_KEYMAP = new Keymap();

/** Every action with its default keys, as the help shows them. */
export const KEYS: readonly EffectiveBinding[] = DEFAULT_KEYMAP.bindings;

const run = (binding: EffectiveBinding, context: KeyContext, key: string): Action =>
  binding.run(context, binding.keys.indexOf(key));

/**
 * Returns the action of a key in the current state; undefined if the key does nothing.
 * @param full the key as blessed names it: `p`, `S-p` for P, `C-c`, `pageup`
 * @param character the text that the key types, if any
 */
export function actionOf(
  context: KeyContext,
  full: string,
  character: string | undefined,
  keymap = DEFAULT_KEYMAP,
): Action | undefined {
  const { prompt, question } = context.state;
  const key = keyName(full);
  if (question) {
    const binding = keymap.at('question', key) ?? always(keymap, key);
    return binding ? run(binding, context, key) : { type: 'question', question: null };
  }
  if (prompt) {
    const binding = keymap.at('prompt', key) ?? always(keymap, key);
    const command = prompt.kind === 'command' && binding?.id === ACCEPT && commandAction(context, keymap);
    if (command) return command;
    return binding ? run(binding, context, key) : typed(context, keymap.at('table', key), character);
  }
  return tableAction(context, key, keymap);
}

/** Returns the binding of a key that acts everywhere. */
function always(keymap: Keymap, key: string): EffectiveBinding | undefined {
  const binding = isCharacter(key) ? undefined : keymap.at('table', key);
  return binding?.always && binding;
}

/** Returns the action that runs the chosen command on the screen without the palette; undefined if none is found. */
function commandAction(context: KeyContext, keymap: Keymap): Action | undefined {
  const command = chosenCommand(context);
  const binding = command && keymap.bindings.find(({ id }) => id === command.id);
  if (!binding) return undefined;
  const without = keyContext({ ...context.state, prompt: null }, context, keymap.bindings);
  return { type: 'run-command', action: binding.run(without, command.index) };
}

/** Returns the action of a key while nothing is typed. */
function tableAction(context: KeyContext, pressed: string, keymap: Keymap): Action | undefined {
  const { list, keyStart, panes } = context.state;
  const own: readonly KeyPlace[] = panes.help ? ['help'] : list ? [list.kind] : [];
  const places: readonly KeyPlace[] = [...own, 'table'];
  /** Returns the place and the binding of the key. */
  const find = (key: string) => {
    for (const place of places) {
      const binding = keymap.at(place, key);
      if (binding) return { place, binding };
    }
    return undefined;
  };
  const both = keyStart === null ? pressed : keyStart + pressed;
  const found = find(both) ?? find(pressed);
  const key = found?.binding.keys.includes(both) ? both : pressed;
  if (found && list && !panes.help && found.place === 'table')
    return runInList(context, list, found.binding, found.binding.keys.indexOf(key));
  if (found) return run(found.binding, context, key);
  return places.some((place) => keymap.isStart(place, pressed))
    ? { type: 'key-start', key: pressed }
    : undefined;
}
