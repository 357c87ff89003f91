import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { onDetached } from '../../src/cli/detached.ts';
import { useFolders } from '../helpers/folder.ts';

const folder = useFolders();
let end = () => {};
afterEach(() => end());

/** Returns a file in place of the socket of a tmux. */
function tmuxSocket(mode: number): string {
  const path = join(folder(), 'tmux');
  writeFileSync(path, '');
  chmodSync(path, mode);
  return path;
}

/** Returns the reports about a tmux. */
function reportsOf(TMUX: string): readonly boolean[] {
  const reports: boolean[] = [];
  end = onDetached({ TMUX }, (isDetached) => reports.push(isDetached));
  return reports;
}

test('reports when the last terminal leaves tmux, and when one comes back', async () => {
  const socket = tmuxSocket(0o770);
  const reports = reportsOf(`${socket},1,0`);
  expect(reports).toEqual([]);
  chmodSync(socket, 0o660);
  await vi.waitFor(() => expect(reports).toEqual([true]));
  chmodSync(socket, 0o770);
  await vi.waitFor(() => expect(reports).toEqual([true, false]));
});

test('reports at once if no terminal is attached', () => {
  expect(reportsOf(`${tmuxSocket(0o660)},1,0`)).toEqual([true]);
});

test.each(['', 'tmux,1,0', '/missing/tmux,1,0'])('reports nothing outside of tmux: TMUX=%j', (TMUX) => {
  expect(reportsOf(TMUX)).toEqual([]);
});
