import { isIdentified, targetOf } from '../../model/process.ts';
import { firstOwner } from '../../model/socket.ts';
import { counted } from '../../model/text.ts';
import type { Action } from '../../store/actions.ts';
import { pictureOf } from '../../store/picture.ts';
import { scopesOf, signalAt } from '../../store/process-actions.ts';
import type { Row } from '../../store/row.ts';
import { socketText } from '../../view/header/question-line.ts';
import { keyText } from '../../view/header/key-help.ts';
import { type Binding, rowOf, say } from './binding.ts';
import type { KeyContext } from './context.ts';

const READ_ONLY = say('netpane runs with --read-only: it does not act on programs');

/** Opens the process of the selected row, to send a signal to it. */
function openProcess(context: KeyContext): Action {
  if (context.state.readOnly) return READ_ONLY;
  const { item } = context;
  const row = item?.type === 'group' ? item.first : rowOf(context);
  const socket = context.socket ?? row?.socket;
  if (socket === undefined) return say('no row selected: select a row of the program');
  const owner = firstOwner(socket);
  const target = targetOf(owner);
  if (target === undefined) return say(`no process known for this row (${owner.knowledge})`);
  const its = pictureOf(context.state).rows.get(socket.id);
  if (!isIdentified(owner, its !== undefined && isOpen(its)))
    return say(`process ${target.pid} has ended, or its start is unknown: another one may have its pid now`);
  return { type: 'open-process', target };
}

const isOpen = ({ mark }: Row): boolean => mark !== 'closed';

/** Returns the rows to close: the marked ones, those of the selected group, or the selected one. */
function chosenRows(context: KeyContext): readonly Row[] {
  const { state, item, order } = context;
  const { rows } = pictureOf(state);
  const marked = [...state.marked].flatMap((id) => rows.get(id) ?? []).filter(isOpen);
  if (marked.length > 0) return marked;
  if (item?.type === 'group') return order.rowsIn(item).filter(isOpen);
  const row = rowOf(context);
  return row && isOpen(row) ? [row] : [];
}

/** Returns a description of sockets. @param group the label of their group; undefined for marked or selected sockets */
const describe = (rows: readonly Row[], group: string | undefined): string => {
  const [first] = rows;
  if (rows.length === 1 && first) return socketText(first);
  return group === undefined
    ? counted(rows.length, 'marked socket')
    : `${counted(rows.length, 'socket')} of ${group}`;
};

/** Asks whether to close the chosen sockets. */
function close(context: KeyContext): Action {
  if (context.state.readOnly) return READ_ONLY;
  const rows = chosenRows(context);
  if (rows.length === 0) return say('no open socket selected: select one, or mark some');
  const sockets = rows.map(({ socket }) => socket);
  const { item, state } = context;
  const group = state.marked.size === 0 && item?.type === 'group' ? item.label : undefined;
  return { type: 'question', question: { kind: 'close', sockets, what: describe(rows, group) } };
}

const MENU = { group: 'In the list of signals', place: 'signals' } as const;

/** Keys that act on programs and sockets. */
export const ACT_KEYS: readonly Binding[] = [
  {
    id: 'signals',
    keys: ['K', 'F9'],
    name: 'send a signal to the program',
    about: 'end the program of the selected row, or send it another signal; shows the process and asks which',
    group: 'Act',
    hint: 'end program',
    run: openProcess,
  },
  {
    id: 'close-sockets',
    keys: ['X'],
    name: 'close the socket',
    about: 'close the marked sockets, those of the selected group, or the selected one (as root); asks first',
    group: 'Act',
    run: close,
  },
  {
    id: 'mark',
    keys: ['m'],
    name: 'mark the row',
    about: 'mark the selected row for {close-sockets}, or remove its mark',
    group: 'Act',
    run: (context) => {
      const row = rowOf(context);
      return row ? { type: 'mark', id: row.id } : say('no row selected: select the row to mark');
    },
  },
  {
    ...MENU,
    id: 'signal-send',
    keys: ['enter'],
    name: 'send the signal',
    about: 'send the signal under the cursor',
    run: ({ state }) => {
      const signal = signalAt(state);
      return signal ? { type: 'signal', signal } : { type: 'list', list: null };
    },
  },
  {
    ...MENU,
    id: 'signal-scope',
    keys: ['tab'],
    name: 'process, group or service',
    about: 'send it to the process, to its process group, or to its systemd service',
    run: ({ state, keys }) =>
      state.process && scopesOf(state.process.facts).length === 1
        ? say(`no other processes in its group or service; ${keyText(keys, 'signal-send')} sends`)
        : { type: 'next-scope' },
  },
];
