import type { Seen } from '../../store/seen-fields.ts';
import type { Focus } from '../../store/panes.ts';
import type { List } from '../../store/state.ts';

/** The place in which a key has its action: the table and all panes, a list, the help, a prompt, or a question. */
export type KeyPlace = 'table' | List['kind'] | 'help' | 'prompt' | 'question';

/** The parts of a key binding that the help, the hints and the command palette show. */
export interface KeyHelp {
  /** Name of the action in the configuration; it never changes. */
  readonly id: string;
  /** The keys in effect, by name: `p`, `ctrl-c`, `up`; none if the action has no key. */
  readonly keys: readonly string[];
  /** The keys as the help shows them: `up k`; empty if the action has no key. */
  readonly label: string;
  /** Description in a few words, starting with a verb. */
  readonly name: string;
  /** A longer description. It may name other actions in braces, which are shown as their keys: `{undo}`. */
  readonly about: string;
  readonly group: string;
  /** @default 'table' */
  readonly place?: KeyPlace;
  /** One or two words for the line of hints; undefined for less important keys. */
  readonly hint?: string;
  /** Rank of the hint: 1 is first, and stays longest on a narrow screen. @default 10 */
  readonly hintRank?: number;
  /** Returns true once the source has shown what the action is about; the command palette leaves the action out until then. */
  readonly present?: (seen: Seen) => boolean;
  /** The hint is shown only once a socket has had this field. */
  readonly hintFor?: keyof Seen;
  /** The hint while the pane of the same name as the action is open. */
  readonly openHint?: string;
  /**
   * The hint, before all others, while a second pane can have the focus: by the pane with the focus, or `next pane` for the
   * title of the pane that gets it next.
   */
  readonly focusHint?: Partial<Readonly<Record<Focus, string>>> | 'next pane';
}

/** Returns the first key of an action; undefined if it has none. */
export const firstKey = (keys: readonly KeyHelp[], id: string): string | undefined =>
  keys.find((it) => it.id === id)?.keys[0];

/** Returns a text with the key of each action that it names in braces, such as `{undo}`. */
export const withKeys = (keys: readonly KeyHelp[], text: string): string =>
  text.replace(/\{([a-z-]+)\}/g, (_, id: string) => keyText(keys, id));

/** Returns how to start an action, for a message: its first key, else its name in the command palette. */
export function keyText(keys: readonly KeyHelp[], id: string): string {
  const action = keys.find((it) => it.id === id);
  return action?.keys[0] ?? `${firstKey(keys, 'command-palette') ?? ''} ${action?.name ?? id}`.trim();
}
