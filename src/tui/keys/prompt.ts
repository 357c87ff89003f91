import type { Edit } from '../../store/actions.ts';
import type { Command } from '../command.ts';

/** Keys that edit the text of a prompt. */
const EDITS: Readonly<Record<string, Edit>> = {
  backspace: { type: 'delete', what: 'before' },
  'C-h': { type: 'delete', what: 'before' },
  delete: { type: 'delete', what: 'after' },
  'C-d': { type: 'delete', what: 'after' },
  'C-w': { type: 'delete', what: 'word' },
  'C-u': { type: 'delete', what: 'to-start' },
  left: { type: 'move', to: 'left' },
  right: { type: 'move', to: 'right' },
  home: { type: 'move', to: 'start' },
  'C-a': { type: 'move', to: 'start' },
  end: { type: 'move', to: 'end' },
  'C-e': { type: 'move', to: 'end' },
};

const PROMPT_COMMANDS: Readonly<Record<string, Command>> = {
  enter: { type: 'accept-prompt' },
  linefeed: { type: 'accept-prompt' },
  escape: { type: 'cancel-prompt' },
  'C-c': { type: 'cancel-prompt' },
  'C-z': { type: 'suspend' },
  up: { type: 'recall', by: -1 },
  down: { type: 'recall', by: 1 },
  tab: { type: 'complete-prompt', by: 1 },
  'S-tab': { type: 'complete-prompt', by: -1 },
};

/** Returns the command of a key while a prompt is open. Parameters as in `commandOf`. */
export function promptCommandOf(name: string, character: string | undefined): Command | undefined {
  const edit = Object.hasOwn(EDITS, name) ? EDITS[name] : undefined;
  if (edit) return { type: 'edit', edit };
  if (Object.hasOwn(PROMPT_COMMANDS, name)) return PROMPT_COMMANDS[name];
  // Control characters are not typed. An alt key has a name and no character.
  const types = character !== undefined && !/\p{Cc}/u.test(character);
  return types ? { type: 'edit', edit: { type: 'insert', text: character } } : undefined;
}
