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

/** Modules of Node that the first picture does not need; together they load 35 others. */
const LATER = ['child_process', 'crypto', 'dns/promises', 'fs/promises', 'stream', 'timers/promises'];

/**
 * Starts netpane on one listener. `packages` returns the packages from which it has loaded code, `builtins` the modules of Node
 * that it has loaded, by name.
 */
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
  const all = (): string[] => [...new Set(readFileSync(list, 'utf8').trimEnd().split('\n'))];
  const builtins = (): string[] =>
    all().flatMap((it) => (it.startsWith('node:') ? [it.slice('node:'.length)] : []));
  const packages = (): string[] => {
    const files = all().filter((it) => !it.startsWith('node:'));
    const names = files.flatMap((file) => {
      const path = relative(root, file);
      const [, name = ''] = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
      // The whole path of a file outside netpane and its packages.
      return bundle[path] ?? [name.replace(/^(@koromix\/koffi)-.*/, '$1') || path];
    });
    return [...new Set(names)].sort();
  };
  return { t, listener, packages, builtins };
}

describe.skipIf(!isLinux)('loaded code (skipped elsewhere: the herd needs Linux)', () => {
  test.skipIf(!hasNetlink)(
    'is from four packages at first, and from four more when needed (skipped without netlink)',
    async () => {
      const { t, listener, packages, builtins } = await start([]);
      expect(packages()).toEqual(FIRST);
      expect(builtins()).toContain('worker_threads');
      expect(builtins().filter((it) => LATER.includes(it))).toEqual([]);
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
