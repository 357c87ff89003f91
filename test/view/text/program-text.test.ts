import { expect, test } from 'vitest';
import { columnOf } from '../../../src/view/columns/columns.ts';
import { cellContext } from '../../../src/view/table/rows.ts';
import { homeText, shortCommand, shortFolder } from '../../../src/view/text/program-text.ts';
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

test('a long folder is shown by its last part', () => {
  expect([shortFolder('~/my-app'), shortFolder('/srv/www/customers/my-app')]).toEqual([
    '~/my-app',
    '…/my-app',
  ]);
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
  const later = after(both, batch({ monotonicMs: 1000, closed: ['1'] }));
  expect(shown(later, '2')).toBe('node a.js');
});
