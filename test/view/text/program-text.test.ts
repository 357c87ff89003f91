import { expect, test } from 'vitest';
import { columnOf } from '../../../src/view/columns/columns.ts';
import { cellIn } from '../../../src/view/table/row-line.ts';
import { cellContext } from '../../../src/view/table/rows.ts';
import { folderAndCommand, homeText, shortCommand } from '../../../src/view/text/program-text.ts';
import { after, baseline, batch, emptyState, socket } from '../../helpers/fakes.ts';

test.each([
  ['node', 'node /srv/node_modules/.bin/next dev', 'next dev'],
  ['node', '/usr/bin/node server.js', 'server.js'],
  ['node', 'node', 'node'],
  ['nginx', 'nginx: worker process', 'nginx: worker process'],
  ['python3', 'python3 -m http.server', '-m http.server'],
])('the command line of %s without its name: %s', (process, command, text) => {
  expect(shortCommand({ knowledge: 'exact', process, command })).toBe(text);
});

test.each([
  ['ana', '/home/ana/my-app', '~/my-app'],
  ['ana', '/home/anabel/my-app', '/home/anabel/my-app'],
  ['root', '/root', '~'],
  [undefined, '/home/ana', '/home/ana'],
])('a program of user %s in %s has the folder %s', (user, directory, text) => {
  expect(homeText({ knowledge: 'exact', directory, ...(user !== undefined && { user }) })).toBe(text);
});

test.each([
  // The end of the folder comes first, then the command, then more of the folder.
  ['/srv/shop/api', 'server.js 8080', 1, 40, '/srv/shop/api · server.js 8080'],
  ['/srv/shop/api', 'server.js 8080', 1, 28, 'shop/api · server.js 8080'],
  ['/srv/shop/api', 'server.js 8080', 1, 20, 'api · server.js 8080'],
  ['/srv/shop/api', 'server.js 8080', 1, 17, 'api · server.js …'],
  ['/srv/shop/api', 'server.js 8080', 1, 12, 'api · serve…'],
  ['/srv/shop/api', 'server.js 8080', 1, 10, 'api'],
  ['/srv/a.example/current', 'server.js', 2, 34, '/srv/a.example/current · server.js'],
  ['/srv/a.example/current', 'server.js', 2, 33, 'a.example/current · server.js'],
  ['/srv/a.example/current', 'server.js', 2, 14, 'a.examp…urrent'],
  ['/', 'server.js', 1, 13, '/ · server.js'],
  ['~/shop', '·', 1, 10, '~/shop · ·'],
  ['/srv/日本語/日本語', 'x'.repeat(30), 1, 20, '日本語 · xxxxxxxxxx…'],
])('folder %s, command %s, %i distinguishing parts, %i cells: %s', (folder, command, parts, width, text) => {
  expect(folderAndCommand(folder, command, parts, width)).toBe(text);
});

test('COMMAND names the directory where it distinguishes programs of one name', () => {
  const node = (id: string, pid: number, directory: string) =>
    socket({
      id,
      owners: [{ knowledge: 'exact', pid, process: 'node', command: 'node a.js', directory, user: 'ana' }],
    });
  const both = after(
    emptyState(),
    baseline([node('1', 1, '/home/ana/one'), node('2', 2, '/srv/two'), node('3', 2, '/srv/two')]),
  );
  const shown = (state: typeof both, id: string) => {
    const row = state.table.rows.get(id);
    return row && columnOf('command')?.tableText?.(row, cellContext(state));
  };
  expect([shown(both, '1'), shown(both, '2')]).toEqual(['~/one · node a.js', '/srv/two · node a.js']);
  const narrow = (id: string, width: number) => {
    const row = both.table.rows.get(id);
    const column = columnOf('command');
    return row && column && cellIn({ column, left: 0, width }, row, cellContext(both));
  };
  expect([narrow('1', 12), narrow('2', 12)]).toEqual(['~/one · a.js', 'two · a.js']);
  const later = after(both, batch({ monotonicMs: 1000, closed: ['1'] }));
  expect(shown(later, '2')).toBe('node a.js');
});

test('COMMAND names a whole directory where ~ would be that of two users', () => {
  const of = (user: string, pid: number) =>
    socket({
      id: user,
      owners: [{ knowledge: 'exact', pid, process: 'node', directory: `/home/${user}/app`, user }],
    });
  const state = after(emptyState(), baseline([of('ana', 1), of('ben', 2)]));
  const shown = [...state.table.rows.values()].map((row) =>
    columnOf('command')?.tableText?.(row, cellContext(state)),
  );
  expect(shown).toEqual(['/home/ana/app', '/home/ben/app']);
});
