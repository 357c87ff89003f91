import {
  dropSearchFields,
  hasSameSearchFields,
  KeptNames,
  takeSearchFields,
  type SearchFields,
} from '../../query/search-fields.ts';
import { TextPool } from '../../query/texts.ts';
import type { Row } from '../../store/row.ts';
import type { Entry } from './entry.ts';
import { entryOf, setRow } from './sorted.ts';

/** All entries, shown and hidden, by the id of their row; and the texts that rows are searched, sorted and grouped by. */
export class EntryIndex {
  /** The distinct texts of the entries. */
  readonly pool = new TextPool();
  readonly #byId = new Map<string, Entry>();
  readonly #names = new KeptNames();

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): Entry | undefined {
    return this.#byId.get(id);
  }

  ids(): MapIterator<string> {
    return this.#byId.keys();
  }

  /** Returns the entries in the order of their arrival. */
  values(): MapIterator<Entry> {
    return this.#byId.values();
  }

  /** Makes an entry for a row, not shown yet, and replaces the earlier entry of the row. */
  add(row: Row, before: Entry | undefined): Entry {
    const alike = before !== undefined && hasSameSearchFields(before.row.socket, row.socket);
    const entry = entryOf(row, alike ? before : this.#take(row));
    if (before && !alike) dropSearchFields(before, this.pool);
    this.#byId.set(row.id, entry);
    return entry;
  }

  remove(entry: Entry): void {
    this.#byId.delete(entry.row.id);
    dropSearchFields(entry, this.pool);
  }

  /** Gives an entry the new version of its row. */
  setRow(entry: Entry, row: Row): void {
    if (!hasSameSearchFields(entry.row.socket, row.socket)) {
      dropSearchFields(entry, this.pool);
      Object.assign(entry, this.#take(row));
    }
    setRow(entry, row);
  }

  #take({ socket }: Row): SearchFields {
    return takeSearchFields(socket, this.pool, this.#names.of(socket));
  }
}
