import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach } from 'vitest';
import type { SavedState } from '../../../src/cli/config/saved.ts';
import { processUser } from '../../../src/cli/config/trust.ts';
import { StateFile } from '../../../src/cli/config/state-file.ts';
import { useFolders } from '../../helpers/folder.ts';

/** True if the tests run as root. */
export const isRoot = process.geteuid?.() === 0;

/** State without anything saved. */
export const EMPTY: SavedState = {
  version: 1,
  query: '',
  sort: { column: 'process', descending: false },
  group: null,
  columns: null,
  theme: null,
  serviceNames: false,
  views: [],
  known: [],
  history: [],
  panes: [],
};

/** State with a value in every field. */
export const FULL: SavedState = {
  version: 1,
  query: 'port:443 "a\u{1f600}\n',
  sort: { column: 'rxRate', descending: true },
  group: 'host',
  columns: [{ id: 'pid' }, { id: 'process', width: 20 }],
  theme: 'mono',
  serviceNames: true,
  views: [
    { name: 'one', query: '' },
    {
      name: 'two',
      query: 'in',
      columns: [{ id: 'age' }],
      sort: { column: 'age', descending: false },
      group: 'ns',
    },
  ],
  known: [{ process: 'sshd', remote: '*', port: 22 }],
  history: ['a', 'b'],
  panes: ['details', 'events'],
};

/** HOME and the path of the state file in it; set before each test. */
export let home: string;
export let path: string;
/** Messages of the state files that the test opened. */
export const said: string[] = [];

/** Creates a home before each test of the file. */
export function useHome(): void {
  const newFolder = useFolders();
  beforeEach(() => {
    home = newFolder();
    path = join(home, '.local', 'state', 'netpane', 'state.json');
    said.splice(0);
  });
}

/** Opens the state file of the home. */
export const open = (root = isRoot): StateFile =>
  new StateFile({ HOME: home }, (message) => said.push(message), processUser(root ? 0 : 1000));

/** Writes contents to the path of the state file. */
export function put(contents: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, contents);
}

/** Returns the text of a state file with these fields. */
export const changed = (change: Partial<Record<keyof SavedState, unknown>>): string =>
  JSON.stringify({ ...FULL, ...change });
