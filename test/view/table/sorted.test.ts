import fc from 'fast-check';
import { expect, test } from 'vitest';
import { after, emptyState, baseline, socket } from '../../helpers/fakes.ts';
import type { Entry } from '../../../src/view/table/entry.ts';
import {
  comparator,
  entryOf,
  exchangeSorted,
  reverseKeys,
  sortInto,
} from '../../../src/view/table/sorted.ts';
import { takeSearchFields } from '../../../src/query/search-fields.ts';
import { TextPool } from '../../../src/query/texts.ts';

const port = fc.oneof(fc.constantFrom(0, 80, 2047, 2048, 65_535, 0xffff_fffe, 0xffff_ffff), fc.nat(65_535));

const entry = fc
  .record({
    id: fc.stringMatching(/^[a-c]{1,3}$/),
    key: fc.oneof(
      fc.constantFrom(null, -1, 0, 7, 1e12, '', 'a', 'b', 'é'),
      fc.double({ noNaN: true }),
      fc.string(),
    ),
    pid: fc.option(fc.constantFrom(0, 1, 4_194_304), { nil: undefined }),
    local: port,
    remote: fc.option(port, { nil: null }),
  })
  .map(({ id, key, pid, local, remote }): Entry => {
    const it = {
      ...socket({ id, owners: [{ knowledge: 'exact', ...(pid !== undefined && { pid }) }] }),
      local: { address: 'x', port: local },
      remote: remote === null ? null : { address: 'y', port: remote },
    };
    const row = after(emptyState(), baseline([it])).table.rows.get(id);
    if (row === undefined) throw new Error('there is no row');
    return { ...entryOf(row, takeSearchFields(it, new TextPool())), key };
  });

test('the radix sort gives the same order as comparing', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(entry, { selector: ({ row }) => row.id, maxLength: 30 }),
      fc.boolean(),
      (entries, descending) => {
        const found: Entry[] = [];
        sortInto(found, entries, descending);
        expect(found).toEqual(entries.toSorted(comparator(descending)));
        expect(reverseKeys(found)).toEqual(entries.toSorted(comparator(!descending)));
      },
    ),
    { numRuns: 500 },
  );
});

test('removing and inserting gives the same order as sorting all', () => {
  const fates = fc.array(fc.constantFrom('stays', 'goes', 'comes'), { minLength: 30, maxLength: 30 });
  fc.assert(
    fc.property(
      fc.uniqueArray(entry, { selector: ({ row }) => row.id, maxLength: 30 }),
      fates,
      (entries, fates) => {
        const compare = comparator(false);
        const of = (...wanted: string[]) => entries.filter((_, i) => wanted.includes(fates[i] ?? ''));
        const all = of('stays', 'goes').sort(compare);
        exchangeSorted(all, of('goes'), of('comes'), compare);
        expect(all).toEqual(of('stays', 'comes').sort(compare));
      },
    ),
    { numRuns: 500 },
  );
});
