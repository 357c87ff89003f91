// `npm run check:imports` checks the project itself; these tests check that it finds every violation.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A copy of the project's configuration, to which tests add files. */
class Copy {
  readonly folder: string;

  /** @param folder its folder, which does not exist yet */
  constructor(folder: string) {
    this.folder = folder;
    for (const file of ['.config', 'tsconfig.json', 'package.json'])
      cpSync(join(ROOT, file), join(this.folder, file), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'));
  }

  has(file: string): boolean {
    return existsSync(join(this.folder, file));
  }

  add(file: string, text: string): void {
    mkdirSync(dirname(join(this.folder, file)), { recursive: true });
    writeFileSync(join(this.folder, file), `${text}\n`);
  }

  /** Adds options to the configuration of the check. */
  configure(options: string): void {
    const file = join(this.folder, '.config', 'dependency-cruiser.cjs');
    const config = readFileSync(file, 'utf8');
    writeFileSync(file, config.replace('options: {', `options: { ${options},`));
  }
}
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
function addImported(copy: Copy): void {
  for (const [rule, file, text] of VIOLATIONS) {
    const [, path] = /'(\.[^']+)'/.exec(text) ?? [];
    const imported = path === undefined ? undefined : join(dirname(file), path);
    if (imported === undefined || rule === 'resolvable' || copy.has(imported)) continue;
    copy.add(imported, 'export {};');
  }
}

/** Options with which the check misses files, and its message. */
const BLIND = [
  ['finds no module', "includeOnly: '^nothing/'", 'the imports of 2 files were not checked'],
  [
    'skips a folder',
    "includeOnly: '^(src/(?!view/)|node_modules)'",
    'the imports of 1 files were not checked',
  ],
] as const;

/** Result of the check on a copy. */
interface Result {
  readonly passed: boolean;
  readonly output: string;
}

/** Runs the script of each folder, and prints its exit code and the end of its output. */
const RUN_EACH = `
const [script, ...folders] = process.argv.slice(1);
for (const folder of folders) {
  process.exitCode = undefined;
  await import(folder + '/' + script);
  process.stdout.write('\\0' + process.exitCode + '\\0');
  process.stderr.write('\\0\\0');
}
process.exitCode = 0;`;

/** Runs the import check of `npm test` on each copy, in one process: it takes longer to start than to check. */
function check(copies: ReadonlyMap<string, Copy>): Map<string, Result> {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const [command, script = '', ...more] = (scripts['check:imports'] ?? '').split(' ');
  expect([command, more]).toEqual(['node', []]);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', RUN_EACH, script, ...Array.from(copies.values(), (it) => it.folder)],
    { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } },
  );
  expect(status, stderr).toBe(0);
  const [printed, errors] = [stdout.split('\0'), stderr.split('\0')];
  return new Map(
    Array.from(copies.keys(), (name, i) => {
      const output = `${printed[2 * i]}${errors[2 * i]}`;
      return [name, { passed: printed[2 * i + 1] === '0', output }];
    }),
  );
}

let folder: string;
/** Results for the violations, and for each of `BLIND`. */
let results: Map<string, Result>;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'netpane-house-'));
  const broken = new Copy(join(folder, 'violations'));
  for (const [, file, text] of VIOLATIONS) broken.add(file, text);
  addImported(broken);
  const copies = new Map([['violations', broken]]);
  for (const [name, options] of BLIND) {
    const copy = new Copy(join(folder, name));
    copy.configure(options);
    // These files exist: only the configuration makes the check miss them.
    for (const room of ['model', 'view']) copy.add(`src/${room}/added.ts`, 'export const a = 1;');
    copies.set(name, copy);
  }
  results = check(copies);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('each rule reports the file that breaks it', () => {
  const { passed, output = '' } = results.get('violations') ?? {};
  expect(passed).toBe(false);
  const lines = output.split('\n');
  const unreported = VIOLATIONS.filter(
    ([rule, file]) => !lines.some((line) => line.includes(` ${rule}: `) && line.includes(file)),
  );
  expect(unreported).toEqual([]);
});

test('each rule of the configuration has a violation in this test', () => {
  const config = readFileSync(join(ROOT, '.config', 'dependency-cruiser.cjs'), 'utf8');
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

test.each(BLIND)('the check fails if it %s', (name, _, message) => {
  const { passed, output } = results.get(name) ?? {};
  expect(output).toContain(message);
  expect(output).toContain('no dependency violations found');
  expect(passed).toBe(false);
});
