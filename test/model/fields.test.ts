import { describe, expect, test } from 'vitest';
import { previousFields } from '../../src/model/event.ts';
import { sameOwner, sameOwners, sameSocket } from '../../src/model/fields.ts';
import { isNotable, type Owner, type Socket } from '../../src/model/socket.ts';
import { EVERY_FIELD, FIELD_CHANGES } from '../helpers/every-field.ts';

const copy = (it: Socket): Socket => ({ ...structuredClone(it), ...(it.tcp && { tcp: it.tcp }) });

describe('equality', () => {
  test('holds for copies', () => {
    expect(sameSocket(EVERY_FIELD, copy(EVERY_FIELD))).toBe(true);
    const { traffic: _, netns: __, timer: ___, ...less } = EVERY_FIELD;
    expect(sameSocket(less, copy(less))).toBe(true);
    expect(sameSocket(less, EVERY_FIELD)).toBe(false);
    expect(sameSocket(EVERY_FIELD, less)).toBe(false);
  });

  test.each(FIELD_CHANGES)('fails for another value in $name', ({ changed }) => {
    expect(sameSocket(EVERY_FIELD, changed)).toBe(false);
    expect(sameSocket(changed, EVERY_FIELD)).toBe(false);
  });

  test('fails for another object of TCP details, or without one', () => {
    expect(sameSocket(EVERY_FIELD, { ...EVERY_FIELD, tcp: { sndMss: 1 } })).toBe(false);
  });

  test('of owners requires the same number in the same order', () => {
    const [one, other]: readonly Owner[] = [
      { knowledge: 'exact', pid: 1 },
      { knowledge: 'exact', pid: 2 },
    ];
    if (!one || !other) throw new Error('two owners');
    expect(sameOwner(one, undefined)).toBe(false);
    expect(sameOwners([one, other], [{ ...one }, { ...other }])).toBe(true);
    expect(sameOwners([one, other], [other, one])).toBe(false);
    expect(sameOwners([one], [one, other])).toBe(false);
  });
});

test.each(FIELD_CHANGES)('a change of $name is an event if the table says so', ({ row, changed }) => {
  const notable = row.notable ?? false;
  expect(isNotable(EVERY_FIELD, changed)).toBe(notable);
  expect(Object.keys(previousFields(EVERY_FIELD, changed)).length > 0).toBe(notable);
});
