// `npm run check:imports` checks the project itself; these tests check that it finds every violation.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, test } from 'vitest';
import { useFolders } from './helpers/folder.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const newFolder = useFolders();
/** Folder with a copy of the project's configuration, to which tests add files. */
let copy: string;
beforeEach(() => {
  copy = newFolder();
  for (const name of ['.config', 'tsconfig.json', 'package.json']) copyOf(name);
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
});

const copyOf = (name: string): void => cpSync(join(ROOT, name), join(copy, name), { recursive: true });

/** Runs the import check of `npm test` on the copy. */
function check(): { passed: boolean; output: string } {
  const { scripts } = JSON.parse(readFileSync(join(copy, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const [command = '', ...args] = (scripts['check:imports'] ?? '').split(' ');
  expect(command).toBe('node');
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: copy,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { passed: status === 0, output: stdout + stderr };
}

const addFile = (file: string, text: string): void => {
  mkdirSync(dirname(join(copy, file)), { recursive: true });
  writeFileSync(join(copy, file), `${text}\n`);
};

/** Each rule by name, with a file that breaks it. */
const VIOLATIONS: readonly (readonly [rule: string, file: string, text: string])[] = [
  ['model-imports-only-itself', 'src/model/added.ts', "import '../view/text/format.ts';"],
  // A type-only import is an import too.
  [
    'query-imports-only-model',
    'src/query/added.ts',
    "import type { State } from '../store/state.ts'; export type A = State;",
  ],
  ['export-imports-only-model-view', 'src/export/added.ts', "import '../store/reduce.ts';"],
  ['source-imports-only-model', 'src/source/added.ts', "import '../sampler/diff.ts';"],
  ['sampler-imports-only-model-source', 'src/sampler/added.ts', "import '../store/table.ts';"],
  ['names-imports-only-model-source', 'src/names/added.ts', "import '../store/table.ts';"],
  ['names-import-only-captured-packets', 'src/names/added-b.ts', "import '../source/index.ts';"],
  ['store-imports-only-model-query', 'src/store/added.ts', "import '../view/text/width.ts';"],
  ['view-imports-only-model-store-query', 'src/view/added.ts', "import '../tui/theme.ts';"],
  ['tui-imports-only-model-store-view-query', 'src/tui/added.ts', "import '../source/lives.ts';"],
  ['linux-netlink-imports-only-itself', 'src/source/linux/netlink/added.ts', "import '../proc/proc.ts';"],
  ['linux-proc-imports-only-netlink', 'src/source/linux/proc/added.ts', "import '../owners/owners.ts';"],
  ['linux-owners-imports-only-proc', 'src/source/linux/owners/added.ts', "import '../netlink/dump.ts';"],
  [
    'linux-procnet-imports-only-netlink-proc-owners',
    'src/source/linux/procnet/added.ts',
    "import '../namespaces/network.ts';",
  ],
  [
    'linux-namespaces-imports-only-netlink-proc',
    'src/source/linux/namespaces/added.ts',
    "import '../owners/owners.ts';",
  ],
  [
    'linux-trace-imports-only-netlink-proc',
    'src/source/linux/trace/added.ts',
    "import '../events/events.ts';",
  ],
  ['linux-confine-imports-only-netlink', 'src/source/linux/confine/added.ts', "import '../proc/proc.ts';"],
  [
    'linux-evidence-imports-only-proc-namespaces',
    'src/source/linux/evidence/added.ts',
    "import '../trace/trace.ts';",
  ],
  ['linux-firewall-imports-only-evidence', 'src/source/linux/firewall/added.ts', "import '../proc/proc.ts';"],
  [
    'linux-names-imports-only-netlink-proc-namespaces',
    'src/source/linux/names/added.ts',
    "import '../trace/trace.ts';",
  ],
  ['linux-act-imports-only-netlink-proc', 'src/source/linux/act/added.ts', "import '../trace/trace.ts';"],
  [
    'linux-ledger-imports-only-netlink-proc',
    'src/source/linux/ledger/added.ts',
    "import '../owners/owners.ts';",
  ],
  [
    'linux-sockets-imports-only-netlink-proc-owners-procnet-namespaces-ledger',
    'src/source/linux/sockets/added.ts',
    "import '../events/events.ts';",
  ],
  // The files that put the rooms together belong to none of them.
  [
    'linux-events-imports-only-netlink-proc-owners-namespaces-trace-ledger-sockets',
    'src/source/linux/events/added.ts',
    "import '../sockdiag.ts';",
  ],
  ['macos-native-imports-only-itself', 'src/source/macos/native/added.ts', "import '../table/rows.ts';"],
  ['macos-table-imports-only-itself', 'src/source/macos/table/added.ts', "import '../native/calls.ts';"],
  ['macos-owners-imports-only-native-table', 'src/source/macos/owners/added.ts', "import '../open.ts';"],
  ['macos-act-imports-only-native-owners', 'src/source/macos/act/added.ts', "import '../table/rows.ts';"],
  [
    'macos-events-imports-only-native-table-owners',
    'src/source/macos/events/added.ts',
    "import '../open.ts';",
  ],
  ['macos-nettop-imports-only-owners', 'src/source/macos/nettop/added.ts', "import '../native/calls.ts';"],
  ['view-text-imports-only-itself', 'src/view/text/added.ts', "import '../columns/columns.ts';"],
  ['view-columns-imports-only-text', 'src/view/columns/added.ts', "import '../table/order.ts';"],
  ['view-table-imports-only-text-columns', 'src/view/table/added.ts', "import '../header/notices.ts';"],
  ['view-header-imports-only-text-table', 'src/view/header/added.ts', "import '../panes/help.ts';"],
  // The layout belongs to no room.
  ['view-panes-imports-only-text-columns-table-header', 'src/view/panes/added.ts', "import '../layout.ts';"],
  ['no-cycles', 'src/view/added-a.ts', "import './added-b.ts';"],
  ['no-cycles', 'src/view/added-b.ts', "import './added-a.ts';"],
  ['only-tui-imports-blessed', 'src/cli/added.ts', "import 'blessed';"],
  ['only-sources-call-foreign-functions', 'src/cli/added-g.ts', "import 'koffi';"],
  ['only-source-sampler-worker-and-cli-access-the-system', 'src/view/added-c.ts', "import 'node:fs';"],
  [
    'only-source-sampler-worker-and-cli-access-the-system',
    'src/tui/added-d.ts',
    "export const load = () => import('node:child_process');",
  ],
  ['no-imports-between-platforms', 'src/source/portable/added.ts', "import '../linux/proc/proc.ts';"],
  ['sampler-imports-only-the-source-table', 'src/sampler/added-e.ts', "import '../source/lives.ts';"],
  [
    'only-the-table-of-sources-names-a-platform',
    'src/cli/added-h.ts',
    "import '../source/linux/proc/proc.ts';",
  ],
  ['resolvable', 'src/model/added-f.ts', "import './nowhere.ts';"],
];

/**
 * Adds an empty file for each import of a violation, except the one that must not resolve. A copy of src/ would take three
 * times as long.
 */
function addImported(): void {
  for (const [rule, file, text] of VIOLATIONS) {
    const [, path] = /'(\.[^']+)'/.exec(text) ?? [];
    const imported = path === undefined ? undefined : join(dirname(file), path);
    if (imported === undefined || rule === 'resolvable' || existsSync(join(copy, imported))) continue;
    addFile(imported, 'export {};');
  }
}

test('each rule reports the file that breaks it', () => {
  for (const [, file, text] of VIOLATIONS) addFile(file, text);
  addImported();
  const { passed, output } = check();
  expect(passed).toBe(false);
  const lines = output.split('\n');
  const unreported = VIOLATIONS.filter(
    ([rule, file]) => !lines.some((line) => line.includes(` ${rule}: `) && line.includes(file)),
  );
  expect(unreported).toEqual([]);
});

test('each rule of the configuration has a violation in this test', () => {
  const config = readFileSync(join(copy, '.config', 'dependency-cruiser.cjs'), 'utf8');
  const rooms = [...config.matchAll(/^ {2}(\w+): \[.*\],$/gm)].map(([, room]) => room);
  const names = [...config.matchAll(/name: '([\w-]+)'/g)].map(([, name]) => name);
  expect(rooms.length + names.length).toBeGreaterThan(10);
  const tested = VIOLATIONS.map(([rule]) => rule);
  for (const name of names) expect(tested).toContain(name);
  for (const room of rooms)
    expect(
      tested.some((rule) => rule.includes(`${room}-imports-only-`)),
      room,
    ).toBe(true);
});

test.each([
  ['finds no module', "'^nothing/'", 'the imports of'],
  ['skips a folder', "'^(src/(?!view/)|node_modules)'", 'files were not checked'],
])('the check fails if it %s', (_, includeOnly, message) => {
  const file = join(copy, '.config', 'dependency-cruiser.cjs');
  const config = readFileSync(file, 'utf8');
  writeFileSync(file, config.replace('options: {', `options: { includeOnly: ${includeOnly},`));
  // These files exist: only the configuration makes the check miss them.
  for (const folder of ['model', 'view']) addFile(`src/${folder}/added.ts`, 'export const a = 1;');
  const { passed, output } = check();
  expect(output).toContain(message);
  expect(output).toContain('no dependency violations found');
  expect(passed).toBe(false);
});
