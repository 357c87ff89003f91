import { readdirSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_HISTORY } from '../../../src/store/history.ts';
import { EMPTY, FULL, path, said, useHome, open, put, changed } from './state-scene.ts';

useHome();

test('loads the state that was saved', () => {
  expect(open().load()).toBeUndefined();
  open().save(FULL);
  expect(open().load()).toEqual(FULL);
  open().save(EMPTY);
  expect(open().load()).toMatchObject({ query: '', columns: null, group: null });
  expect(said).toEqual([]);
});

test('only the user can read the file, and no temporary file is left', () => {
  open().save(FULL);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  expect(readdirSync(dirname(path))).toEqual(['state.json']);
});

describe('two netpanes at once', () => {
  const [ssh, web, dns] = ['sshd', 'nginx', 'dnsmasq'].map((process) => ({ process, remote: '*', port: 1 }));
  if (!ssh || !web || !dns) throw new Error('expected three');

  test('merge additions and removals; the layout of the last one wins', () => {
    open().save({ ...EMPTY, known: [ssh], views: [{ name: 'v', query: '1' }], history: ['h'] });
    const [one, two] = [open(), open()];
    one.load();
    two.load();
    one.save({
      ...EMPTY,
      query: 'of one',
      known: [ssh, web],
      views: [
        { name: 'v', query: '1' },
        { name: 'w', query: 'w' },
      ],
      history: ['h', 'h1'],
    });
    two.save({
      ...EMPTY,
      query: 'of two',
      known: [dns],
      views: [{ name: 'v', query: '2' }],
      history: ['h', 'h2'],
    });
    expect(open().load()).toEqual({
      ...EMPTY,
      query: 'of two',
      known: [web, dns],
      views: [
        { name: 'v', query: '2' },
        { name: 'w', query: 'w' },
      ],
      history: ['h1', 'h', 'h2'],
    });
    // It never loaded what the other one added, so it does not remove it.
    two.save({ ...EMPTY, known: [] });
    expect(open().load()).toMatchObject({ known: [web], views: [{ name: 'w', query: 'w' }] });
    expect(said).toEqual([]);
  });

  test('in any order of saves, lose only what was removed', () => {
    const act = fc.record({ who: fc.nat(1), port: fc.nat(5), add: fc.boolean() });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 12 }), (acts) => {
        rmSync(path, { force: true });
        const files = [open(), open()] as const;
        const own = [new Set<number>(), new Set<number>()] as const;
        const there = new Set<number>();
        for (const file of files) file.load();
        for (const { who, port, add } of acts) {
          const [file, mine] = who === 0 ? [files[0], own[0]] : [files[1], own[1]];
          if (add && !mine.has(port)) there.add(port);
          if (!add && mine.has(port)) there.delete(port);
          if (add) mine.add(port);
          else mine.delete(port);
          const known = [...mine].map((it) => ({ process: 'p', remote: '*', port: it }));
          file.save({ ...EMPTY, known });
        }
        expect(
          new Set(
            open()
              .load()
              ?.known.map(({ port }) => port),
          ),
        ).toEqual(there);
      }),
      { numRuns: 30 },
    );
  });
});

test('keeps the last queries of the history', () => {
  const history = Array.from({ length: MAX_HISTORY + 50 }, (_, i) => `q${i}`);
  open().save({ ...EMPTY, history });
  expect(open().load()?.history).toEqual(history.slice(50));
});

test('leaves out names that another version of netpane saved', () => {
  put(
    changed({
      columns: [{ id: 'phase', width: 3 }, { id: 'pid' }],
      sort: { column: 'phase', descending: true },
      group: 'phase',
      theme: 'pink',
      panes: ['phase', 'help', 'graph'],
      views: [{ name: 'v', query: '', columns: [{ id: 'phase' }], group: 'phase' }],
      more: 1,
    } as object),
  );
  expect(open().load()).toEqual({
    ...FULL,
    columns: [{ id: 'pid' }],
    sort: EMPTY.sort,
    group: null,
    theme: null,
    panes: ['graph'],
    views: [{ name: 'v', query: '' }],
  });
  expect(said).toEqual([]);
});
