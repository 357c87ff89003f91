import { DamagedState, parseState, type SavedState } from '../../../src/cli/config/saved.ts';
import { invocationOf, parseCommandLine } from '../../../src/cli/command-line.ts';
import { restoredState, savedStateOf } from '../../../src/cli/restore.ts';
import { UNBOUNDED } from '../../../src/model/bounds.ts';
import { RowOrder } from '../../../src/view/table/order.ts';
import { after } from '../../helpers/fakes.ts';
import { BATCHES } from '../../helpers/scene.ts';
import { checkMessage } from '../checks.ts';
import { mutatedJson, mutatedText } from '../mutate.ts';
import type { Target } from '../target.ts';

const SAVED = {
  version: 1,
  query: 'port:443 !loopback',
  sort: { column: 'rxRate', descending: true },
  group: 'process',
  columns: [{ id: 'process', width: 20 }, { id: 'pid' }],
  theme: 'mono',
  serviceNames: true,
  views: [
    {
      name: 'mail',
      query: 'port:25',
      columns: [{ id: 'pid' }],
      sort: { column: 'age', descending: false },
      group: 'user',
    },
  ],
  known: [{ process: 'curl', remote: '192.0.2.4', port: 443 }],
  history: ['a', 'b:1', '/x/'],
  panes: ['events', 'details'],
} satisfies SavedState;

const TEXT = JSON.stringify(SAVED);
const INVOCATION = invocationOf(parseCommandLine([]), {});

/** Throws if a screen restored from the state does not save a state that restores the same screen. */
function checkState(saved: SavedState): void {
  const state = restoredState(INVOCATION, UNBOUNDED, saved, []);
  const order = new RowOrder();
  order.update(after(state, ...BATCHES));
  if (order.rows().length > state.table.rows.size) throw new Error('more rows than sockets');
  const text = JSON.stringify(savedStateOf(state, saved, INVOCATION));
  const again = parseState(text);
  if (
    JSON.stringify(savedStateOf(restoredState(INVOCATION, UNBOUNDED, again, []), again, INVOCATION)) !== text
  )
    throw new Error('the state saved again is another one');
}

export const state: Target = {
  about: 'text of a state file: parser, restored screen, and writer',
  inputsPerSession: 1,
  suiteRuns: 300,
  open: (random) => {
    let input = '';
    return {
      input: () => input,
      next: () => {
        input = random.oneIn(2) ? mutatedText(random, TEXT) : JSON.stringify(mutatedJson(random, SAVED));
        let saved: SavedState;
        try {
          saved = parseState(input);
        } catch (error) {
          if (!(error instanceof DamagedState)) throw error;
          checkMessage(error.message, 200);
          return 'refused';
        }
        checkState(saved);
        return 'accepted';
      },
    };
  },
};
