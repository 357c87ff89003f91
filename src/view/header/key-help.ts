import type { Seen } from '../../store/seen-fields.ts';
import type { Focus } from '../../store/state.ts';

/** The parts of a key binding that the help and the hints show. */
export interface KeyHelp {
  /** Display name of its keys: `p`, `ctrl-c`, `up k`. */
  readonly label: string;
  readonly about: string;
  readonly group: string;
  /** One or two words for the line of hints; undefined for less important keys. */
  readonly hint?: string;
  /** The hint is shown only once the source has shown this. */
  readonly hintFor?: keyof Seen;
  /** First hints while keys move in a second pane, by the pane that the keys act on, or the name of the next pane. */
  readonly focusHint?: Partial<Readonly<Record<Focus, string>>> | 'next pane';
}
