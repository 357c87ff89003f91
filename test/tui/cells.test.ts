import { expect, test, vi } from 'vitest';
import { allocate, type CellRow } from '../../src/tui/cells.ts';

const newScreen = () => ({
  rows: 2,
  cols: 3,
  dattr: 7,
  lines: [] as CellRow[],
  olines: [] as CellRow[],
  program: { clear: vi.fn() },
});

test('each line of a new screen, and of what the terminal shows, has blank cells of its own', () => {
  const screen = newScreen();
  allocate.call(screen);
  const rows = [...screen.lines, ...screen.olines];
  expect(rows.map((row) => Array.from(row))).toEqual(
    Array.from({ length: 4 }, () => Array.from({ length: 3 }, () => [7, ' '])),
  );
  expect(new Set(rows.flat()).size).toBe(12);
  expect(screen.program.clear).toHaveBeenCalledTimes(1);
});

test.each([true, false])('all lines are dirty: %s', (isDirty) => {
  const screen = newScreen();
  allocate.call(screen, isDirty);
  expect(screen.lines.map((row) => row.dirty)).toEqual([isDirty, isDirty]);
});
