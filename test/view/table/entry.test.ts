import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import { LOCAL_HOST } from '../../../src/model/host.ts';
import { TextPool } from '../../../src/query/texts.ts';
import { takeSearchFields } from '../../../src/query/search-fields.ts';
import { NO_LOOKUPS } from '../../../src/store/lookups.ts';
import { GROUPS } from '../../../src/store/state.ts';
import { COLUMNS } from '../../../src/view/columns/columns.ts';
import { GROUPINGS } from '../../../src/view/table/grouping.ts';
import { entryOf } from '../../../src/view/table/sorted.ts';
import { anySubject } from '../../helpers/queries.ts';

test('rows that share the text which determines a key have equal sort and group keys', () => {
  const row = anySubject.map((it) => ({ ...it, id: it.socket.id, host: LOCAL_HOST }));
  fc.assert(
    fc.property(fc.array(row, { maxLength: 20 }), (rows) => {
      const pool = new TextPool();
      const entries = rows.map((it) => entryOf(it, takeSearchFields(it.socket, pool)));
      for (const { key, keyFrom } of COLUMNS) {
        if (keyFrom === undefined) continue;
        const keys = new Map(entries.map((it) => [it[keyFrom], key(it.row, NO_LOOKUPS)]));
        // Not `expect`, which takes longer than the keys.
        for (const it of entries) assert.equal(keys.get(it[keyFrom]), key(it.row, NO_LOOKUPS));
      }
      for (const { key, from, isFromText } of GROUPS.map((by) => GROUPINGS[by])) {
        const keys = new Map(
          entries.map((it) => [from(it), isFromText ? key(it.row, NO_LOOKUPS) : from(it)]),
        );
        for (const it of entries)
          if (!isFromText || from(it) >= 0) assert.equal(keys.get(from(it)), key(it.row, NO_LOOKUPS));
      }
    }),
    { numRuns: 500 },
  );
});
