// The packages whose code netpane loads: a compromised package outside this list does no harm.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../helpers/herd.ts';
import { cleanUp, hasNetlink, isLinux, newHerd, rowOf, startNetpane, uniqueName } from './netpane.ts';

/** The packages that the build bundles into each file of dist/. */
const bundle = JSON.parse(readFileSync(join(root, 'dist', 'dev', 'bundle.json'), 'utf8')) as Readonly<
  Record<string, readonly string[]>
>;

/** Packages loaded for the first picture. The binary of koffi is a separate package, named after the system. */
const FIRST = ['@koromix/koffi', 'blessed', 'get-east-asian-width', 'koffi'];
const FIRST_PORTABLE = ['blessed', 'get-east-asian-width', 'systeminformation'];
const GRAPH = ['blessed-contrib', 'sparkline'];
const USAGE = ['pidusage'];
const REGEX = ['re2js'];

/** Starts netpane on one listener. `packages` returns the packages from which it has loaded code. */
async function start(args: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'netpane-modules-'));
  cleanUp(() => rmSync(folder, { recursive: true }));
  const list = join(folder, 'list');
  writeFileSync(list, '');
  const name = uniqueName();
  const listener = await (await newHerd().spawn({ title: name })).listen();
  const t = startNetpane({
    args: ['--process', name, ...args],
    nodeArgs: ['--import', join(root, 'test', 'helpers', 'modules.mjs')],
    env: { NETPANE_MODULES: list },
  });
  await t.until('the listener', () => rowOf(t, listener)?.process);
  const packages = (): string[] => {
    const files = new Set(readFileSync(list, 'utf8').trimEnd().split('\n'));
    const names = [...files].flatMap((file) => {
      const path = relative(root, file);
      const [, name = ''] = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
      // The whole path of a file outside netpane and its packages.
      return bundle[path] ?? [name.replace(/^(@koromix\/koffi)-.*/, '$1') || path];
    });
    return [...new Set(names)].sort();
  };
  return { t, listener, packages };
}

describe.skipIf(!isLinux)('loaded code (skipped elsewhere: the herd needs Linux)', () => {
  test.skipIf(!hasNetlink)(
    'is from four packages at first, and from four more when needed (skipped without netlink)',
    async () => {
      const { t, listener, packages } = await start([]);
      expect(packages()).toEqual(FIRST);
      t.write('M');
      await t.until('the graph', () => /[▁▂▃▄▅▆▇█]/.test(t.text()));
      expect(packages()).toEqual([...FIRST, ...GRAPH].sort());
      t.press('enter');
      await t.until('the usage', () => /usage +CPU/.test(t.text()));
      expect(packages()).toEqual([...FIRST, ...GRAPH, ...USAGE].sort());
      t.write('/process:/(np)+/');
      await t.until('the regex', () => t.text().includes('process:/(np)+/') && rowOf(t, listener));
      expect(packages()).toEqual([...FIRST, ...GRAPH, ...USAGE, ...REGEX].sort());
    },
  );

  test('is from systeminformation and not from koffi with --source systeminformation', async () => {
    const { packages } = await start(['--source', 'systeminformation']);
    expect(packages()).toEqual(FIRST_PORTABLE);
  });
});
