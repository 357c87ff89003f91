import { describe, expect, test } from 'vitest';
import { AWAY_MS } from '../../src/store/presence.ts';
import { NewListeners } from '../../src/store/new-listeners.ts';
import { ProgramNames } from '../../src/store/program-names.ts';
import { SocketTable } from '../../src/store/table.ts';
import { after, baseline, batch, emptyState, LINGER_MS, listener, socket, udp } from '../helpers/fakes.ts';

const input = (atMs: number) => ({ type: 'input', atMs }) as const;
const MINUTE = 60_000;

const old = socket({ id: 'old', process: 'sshd' });
/** Returns a state after the first batch. The table changes in place, so each test has its own. */
const started = () =>
  after(emptyState(), { type: 'start', atMs: 0 }, baseline([old, listener({ process: 'nginx' })]));
const meanwhile = batch({
  monotonicMs: MINUTE,
  spawned: [
    socket({ id: 'a', process: 'curl' }),
    socket({ id: 'b', process: 'nginx' }),
    listener({ id: 'l', process: 'ncat' }),
    listener({ id: 'gone' }),
  ],
  closed: ['old'],
});

describe('the first key after an absence', () => {
  test('reports what spawned and closed since the last key', () => {
    const state = after(
      started(),
      input(10),
      meanwhile,
      batch({ monotonicMs: 2 * MINUTE, closed: ['gone'] }),
      input(10 + AWAY_MS),
    );
    expect(state.absence).toEqual({
      forMs: AWAY_MS,
      spawned: 4,
      closed: 2,
      listeners: 1,
      programs: ['curl', 'ncat'],
      endMs: 10 + AWAY_MS,
    });
  });

  test('reports nothing within two minutes, nor if nothing happened', () => {
    expect(after(started(), input(10), meanwhile, input(9 + AWAY_MS)).absence).toBeNull();
    expect(
      after(started(), input(10), batch({ monotonicMs: MINUTE }), input(10 * AWAY_MS)).absence,
    ).toBeNull();
  });

  test('reports nothing that happened before the first batch', () => {
    const state = after(emptyState(), { type: 'start', atMs: 0 }, input(3 * AWAY_MS));
    expect(state.absence).toBeNull();
    const began = after(emptyState(), { type: 'start', atMs: 0 }, baseline([old]), input(3 * AWAY_MS));
    expect(began.absence).toBeNull();
  });

  test('counts each absence from its own start', () => {
    const state = after(started(), meanwhile, input(AWAY_MS), input(AWAY_MS + 10), {
      ...batch({ monotonicMs: 3 * MINUTE, spawned: [socket({ id: 'c', process: 'curl' })] }),
    });
    expect(after(state, input(3 * AWAY_MS)).absence).toMatchObject({
      spawned: 1,
      closed: 0,
      listeners: 0,
      programs: [],
    });
  });
});

test('the report stays for ten seconds at least, until the next key', () => {
  const state = after(started(), meanwhile, input(AWAY_MS));
  expect(state.absence).toMatchObject({ spawned: 4, closed: 1, listeners: 2 });
  expect(after(state, input(AWAY_MS + 9999)).absence).toBe(state.absence);
  expect(after(state, batch({ monotonicMs: 9 * MINUTE })).absence).toBe(state.absence);
  expect(after(state, input(AWAY_MS + 10_000)).absence).toBeNull();
});

describe('names of programs', () => {
  test('of the baseline are known, also those that are found late', () => {
    const names = new ProgramNames();
    names.take(socket({ process: 'a' }), true);
    names.take(socket({ process: 'a' }), false);
    names.take({ ...socket(), owners: [{ knowledge: 'pending' }] }, false);
    const { end } = names;
    names.take(socket({ process: 'b' }), true);
    names.take(socket({ process: 'b' }), false);
    names.take(socket({ process: 'c' }), false);
    expect(names.since(end)).toEqual(['c']);
    expect(names.since(names.end)).toEqual([]);
  });

  test('are bounded', () => {
    const names = new ProgramNames();
    for (let i = 0; i < 10_500; i++) names.take(socket({ process: `p${i}` }), false);
    expect(names.end).toBe(10_000);
  });
});

describe('new listeners', () => {
  test('are listeners, and UDP sockets at the port of a server', () => {
    const listeners = new NewListeners();
    const all = [listener({ id: 'l' }), udp({ id: 'u' }), udp({ id: 'client', local: '*:40000' }), old];
    for (const it of all) listeners.take(it, 5);
    expect(all.map(({ id }) => listeners.isUnseen(id))).toEqual([true, true, false, false]);
    expect([listeners.countSince(4), listeners.countSince(5)]).toEqual([2, 0]);
    listeners.see('l');
    listeners.take(listener({ id: 'l' }), 9);
    expect([listeners.isUnseen('l'), listeners.countSince(4)]).toEqual([false, 2]);
    listeners.drop('l');
    listeners.take({ ...udp({ id: 'u' }), remote: { address: '10.0.0.1', port: 9 } }, 9);
    expect(listeners.countSince(0)).toBe(0);
  });

  const markOf = (table: SocketTable, id = 'l') => table.rows.get(id)?.mark;
  const opened = () => {
    const table = new SocketTable(LINGER_MS);
    table.apply(baseline([old]));
    table.apply(batch({ monotonicMs: 1000, spawned: [listener({ id: 'l' }), socket({ id: 's' })] }));
    return table;
  };

  test('stay marked until they are seen, and then for the linger time', () => {
    const table = opened();
    table.fade(10 * MINUTE);
    expect([markOf(table), markOf(table, 's')]).toEqual(['spawned', 'none']);
    expect(table.nextFadeMs).toBeUndefined();
    table.see('l', 10 * MINUTE);
    table.fade(10 * MINUTE + LINGER_MS - 1);
    expect(markOf(table)).toBe('spawned');
    expect(table.nextFadeMs).toBe(10 * MINUTE + LINGER_MS);
    table.fade(10 * MINUTE + LINGER_MS);
    expect(markOf(table)).toBe('none');
  });

  test('that are seen at once fade as others do', () => {
    const table = opened();
    table.see('l', 1000);
    table.fade(1000 + LINGER_MS);
    expect(markOf(table)).toBe('none');
  });

  test('keep the mark when they change, and lose it when they close', () => {
    const table = opened();
    const changed = listener({ id: 'l', pid: 81 });
    table.apply(batch({ monotonicMs: MINUTE, changed: [changed] }));
    expect(markOf(table)).toBe('spawned');
    table.apply(batch({ monotonicMs: 2 * MINUTE, closed: ['l'] }));
    expect(markOf(table)).toBe('closed');
    table.fade(3 * MINUTE);
    expect(table.rows.has('l')).toBe(false);
  });
});
