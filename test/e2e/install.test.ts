// netpane as npm installs it: from the package of `npm pack`, in a new folder, without the registry.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HerdSocket, root } from '../helpers/herd.ts';
import { isLinux, newHerd, rowOf, startNetpane, uniqueName } from './netpane.ts';

const whyNot = spawnSync('npm', ['--version']).status === 0 ? '' : ' (skipped: there is no npm)';

describe.skipIf(!isLinux || whyNot !== '')(`an installed netpane${whyNot}`, () => {
  let folder: string;
  let file: string;
  const name = uniqueName();
  let listener: HerdSocket;
  beforeAll(async () => {
    listener = await (await newHerd().spawn({ title: name })).listen();
    folder = mkdtempSync(join(tmpdir(), 'netpane-install-'));
    const npm = (...args: string[]) =>
      execFileSync('npm', [...args, '--ignore-scripts', '--loglevel=error'], { cwd: root, encoding: 'utf8' });
    npm('pack', '--pack-destination', folder);
    const [archive = ''] = readdirSync(folder);
    // npm takes koffi from its cache or leaves it out: it is optional.
    npm('install', '--global', '--prefix', folder, '--offline', join(folder, archive));
    file = join(folder, 'lib', 'node_modules', 'netpane', 'dist', 'netpane.js');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('has no package but koffi, and none of the development tools', () => {
    const packages = join(file, '..', '..', 'node_modules');
    const names = existsSync(packages) ? readdirSync(packages) : [];
    expect(names.filter((name) => !name.startsWith('.') && name !== 'koffi' && name !== '@koromix')).toEqual(
      [],
    );
    expect(existsSync(join(file, '..', 'dev'))).toBe(false);
    expect(existsSync(join(file, '..', 'LICENCES.txt'))).toBe(true);
  });

  test.each(['proc', 'systeminformation'])(
    'lists sockets with the source %s, filtered by a regex',
    (source) => {
      const args = ['ls', '--source', source, '--json', `process:/(${name})+/`];
      const { stdout, status } = spawnSync(join(folder, 'bin', 'netpane'), args, { encoding: 'utf8' });
      expect(status).toBe(0);
      const rows = JSON.parse(stdout) as { local: { port: number } }[];
      expect(rows.map(({ local }) => local.port)).toEqual([listener.local.port]);
    },
  );

  test('shows the table, the graph and the usage of a process', async () => {
    const t = startNetpane({ file, args: ['--source', 'proc', '--process', name] });
    await t.until('the listener', () => rowOf(t, listener)?.process);
    t.write('M');
    await t.until('the graph', () => /[▁▂▃▄▅▆▇█]/.test(t.text()));
    t.press('enter');
    await t.until('the usage', () => /usage +CPU/.test(t.text()));
    t.press('ctrl-c');
    expect(await t.exited).toMatchObject({ exitCode: 0 });
  });
});
