// Shared by the tests of finding sockets: the sizes of their screens, and readers of a screen.
import type { Terminal } from '../helpers/terminal.ts';
import { socketCounts } from './scene.ts';

export const FINDING_SIZES = [
  [80, 24],
  [120, 40],
  [200, 50],
  [40, 10],
] as const;

export const toShow = (t: Terminal, count: number, which = '') =>
  t.until(`${count} sockets ${which}`, () => socketCounts(t).shown === count);

/** Presses escape and waits: escape and a key right after it would be one alt key. */
export async function escape(t: Terminal, until: () => unknown): Promise<void> {
  t.press('escape');
  await t.until('the screen after escape', until);
}

/** Returns the lines of the table below its titles, without a diagnosis about sockets of others, which is below them. */
const linesBelowTitles = (t: Terminal): string[] =>
  t
    .rows()
    .slice(4, -1)
    .filter((row) => !row.startsWith('! '));

/** Returns the lines of the table that are not empty. */
export const tableLines = (t: Terminal): string[] => linesBelowTitles(t).filter((row) => row.trim() !== '');

/** Returns the number of lines for which the table has room. */
export const tableRoom = (t: Terminal): number => linesBelowTitles(t).length;
