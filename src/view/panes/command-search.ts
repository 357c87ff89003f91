import type { State } from '../../store/state.ts';
import { printable } from '../../model/text.ts';
import { viewsOf } from '../../store/views.ts';
import type { KeyHelp } from '../header/key-help.ts';

/** A line of the command palette. */
export interface Command {
  /** Id of the action, and for a view its index, which is that of its key too; 0 for any other action. */
  readonly id: string;
  readonly index: number;
  readonly name: string;
  /** Its keys; empty if it has none. */
  readonly label: string;
  readonly about: string;
}

/** Actions that are not commands: one opens the palette, the other needs a number. */
const PALETTE = 'command-palette';
const VIEW_BY_NUMBER = 'view-by-number';

/** Group of the actions that move the cursor: they come last, because users press their keys instead. */
const MOVING = 'Move';

/** Returns a command for each view. */
const viewCommands = (keys: readonly KeyHelp[], state: State): Command[] =>
  viewsOf(state).map(({ name, query }, index) => ({
    id: VIEW_BY_NUMBER,
    index,
    name: `open the view ${printable(name)}`,
    label: keys.find(({ id }) => id === VIEW_BY_NUMBER)?.keys[index] ?? '',
    about: query === '' ? 'all sockets' : printable(query),
  }));

/** Returns every command: the actions of the table, and the views. */
export function commandsOf(keys: readonly KeyHelp[], state: State): readonly Command[] {
  const all = keys.filter(
    ({ id, place = 'table', present }) =>
      place === 'table' && id !== PALETTE && id !== VIEW_BY_NUMBER && (present?.(state.table.seen) ?? true),
  );
  const isMoving = ({ group }: KeyHelp) => group === MOVING;
  const ordered = [...all.filter((it) => !isMoving(it) && it.keys.length > 0), ...all.filter(isMoving)];
  const command = ({ id, name, label, about }: KeyHelp): Command => ({ id, index: 0, name, label, about });
  const withoutKey = all.filter((it) => !ordered.includes(it));
  return [...ordered.map(command), ...viewCommands(keys, state), ...withoutKey.map(command)];
}

/** Returns true if the letters of the word are in the text, in this order. */
function hasLetters(text: string, word: string): boolean {
  let at = 0;
  for (const letter of word) {
    at = text.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

const words = (text: string): string[] => text.toLowerCase().split(/[^\p{L}\p{N}/]+/u);

/** Minimum length of a word whose letters may be apart. */
const MIN_FUZZY = 3;

/** Returns how well a word that was typed fits a command, 0 for not at all. */
function scoreOf(command: Command, typed: string): number {
  if (command.label.split(' ').includes(typed)) return 6;
  const word = typed.toLowerCase();
  const name = words(command.name);
  if (name.includes(word)) return 5;
  if (name.some((it) => it.startsWith(word))) return 4;
  if (command.name.toLowerCase().includes(word) || command.id.includes(word)) return 3;
  if (words(command.about).some((it) => it.startsWith(word))) return 2;
  return word.length >= MIN_FUZZY && name.some((it) => hasLetters(it, word)) ? 1 : 0;
}

/** Returns the commands that every typed word fits, the best first, else in their order. */
export function searchCommands(commands: readonly Command[], text: string): readonly Command[] {
  const typed = text.split(/\s+/).filter((it) => it !== '');
  if (typed.length === 0) return commands;
  return commands
    .map((command) => ({ command, scores: typed.map((it) => scoreOf(command, it)) }))
    .filter(({ scores }) => !scores.includes(0))
    .map(({ command, scores }) => ({ command, sum: scores.reduce((sum, it) => sum + it, 0) }))
    .toSorted((a, b) => b.sum - a.sum)
    .map(({ command }) => command);
}
