import { expect, test } from 'vitest';
import { listColumns } from '../../src/cli/list-columns.ts';
import { NO_LOOKUPS } from '../../src/store/lookups.ts';
import { COLUMN_IDS } from '../../src/store/columns.ts';

const context = { nowMs: 0, takenAtMs: 0, serviceNames: false, lookups: NO_LOOKUPS };
const titles = (
  ...how: Parameters<typeof listColumns> extends [infer A, infer B, unknown] ? [A, B] : never
) => listColumns(...how, context).map(({ title }) => title);

test('the titles of all columns of ls are distinct', () => {
  const all = titles(COLUMN_IDS, []);
  expect(new Set(all).size).toBe(all.length);
  expect(all).toHaveLength(COLUMN_IDS.length);
  const usual = titles(undefined, []);
  expect(usual).toEqual(['PROCESS', 'PID', 'USER', 'PROTO', 'LOCAL', 'LPORT', 'REMOTE', 'RPORT', 'STATE']);
});

test('extra columns follow the others, once', () => {
  expect(titles(['pid', 'inode'], ['uid', 'inode'])).toEqual(['PID', 'INODE', 'UID']);
  expect(titles(undefined, ['timer']).at(-1)).toBe('TIMER');
});
