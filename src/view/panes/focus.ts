import type { Action } from '../../store/actions.ts';
import type { Focus } from '../../store/panes.ts';
import type { Scene } from './pane.ts';

/** Marks the title of the pane that the keys act on, if there are two. */
export const KEYS_HERE = '▸ ';

/** Returns true if the pane with the focus covers the table: there is only room for one of the two. */
export const coversTable = ({ focus, layout }: Scene): boolean => focus !== 'table' && !layout.table;

/** Returns the action that moves the focus. To move it to a covered table closes the pane that covers it. */
export const focusOn = (scene: Scene, focus: Focus): Action =>
  focus === 'table' && scene.focus !== 'table' && coversTable(scene)
    ? { type: 'pane', pane: scene.focus, open: false }
    : { type: 'focus', focus };
