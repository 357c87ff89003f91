import { expect, test } from 'vitest';
import type { Socket } from '../../../../src/model/socket.ts';
import { SlotTable } from '../../../../src/source/linux/sockets/slot-table.ts';

const socket = (id: string, inode?: number): Socket => ({
  id,
  protocol: 'tcp',
  family: 'ipv4',
  local: { address: '192.0.2.1', port: 80 },
  remote: null,
  owners: [],
  ...(inode !== undefined && { inode }),
});

/** Returns a table with sockets in the slots 0, 1, …, each with one of the inodes. */
function tableOf(...inodes: (number | undefined)[]): SlotTable {
  const table = new SlotTable();
  for (const [slot, inode] of inodes.entries()) table.store(slot, socket(`sk:${slot}`, inode));
  return table;
}

const message = (slot: number, inode: number) => ({ slot, inode });

test('a socket is found by slot, and its slot by inode', () => {
  const table = tableOf(7, undefined, 7);
  expect(table.get(1)?.id).toBe('sk:1');
  expect([...table.slotsOf(7)]).toEqual([0, 2]);
  table.store(2, socket('sk:2', 8));
  expect([...table.slotsOf(7)]).toEqual([0]);
  expect(table.remove(0)?.id).toBe('sk:0');
  expect(table.get(0)).toBeUndefined();
  expect(table.hasInode(7)).toBe(false);
  expect(table.hasInode(8)).toBe(true);
});

test('a new inode is added, a changed one is added and removed', () => {
  const table = tableOf(7, undefined);
  expect(table.changedInodes([message(0, 8), message(1, 9)], [], [])).toEqual({
    added: [8, 9],
    removed: [7],
  });
});

test('an unchanged inode is neither added nor removed', () => {
  expect(tableOf(7).changedInodes([message(0, 7)], [], [])).toEqual({ added: [], removed: [] });
});

test('of several messages about a socket the last one counts', () => {
  expect(tableOf(7).changedInodes([message(0, 8), message(0, 9)], [], [])).toEqual({
    added: [9],
    removed: [7],
  });
  expect(tableOf(7).changedInodes([message(0, 8), message(0, 7)], [], [])).toEqual({
    added: [],
    removed: [],
  });
});

test('an inode that two sockets share is removed with the last of them', () => {
  const table = tableOf(7, 7);
  expect(table.changedInodes([], [0], [])).toEqual({ added: [], removed: [] });
  expect(table.changedInodes([], [0, 1], [])).toEqual({ added: [], removed: [7] });
});

test('an inode that another socket has now is both removed and added', () => {
  expect(tableOf(7).changedInodes([message(1, 7)], [0], [])).toEqual({ added: [7], removed: [7] });
  expect(tableOf().changedInodes([message(0, 7)], [], [7])).toEqual({ added: [7], removed: [7] });
});
