import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A copy of the project in which files can be planted. */
let copy: string;
beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'netpane-house-'));
  for (const name of ['src', '.config', 'tsconfig.json', 'package.json']) {
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
});
afterEach(() => rmSync(copy, { recursive: true, force: true }));

/** What the check that `npm test` runs says of the copy. */
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

const plant = (file: string, text: string): void => {
  mkdirSync(dirname(join(copy, file)), { recursive: true });
  writeFileSync(join(copy, file), `${text}\n`);
};

test('as it stands, the house is in order', () => {
  const { passed, output } = check();
  expect(output).toMatch(/no dependency violations found \(\d{2,} modules/);
  expect(passed).toBe(true);
});

/** Each rule by name, and a file that breaks it. */
const VIOLATIONS: readonly (readonly [rule: string, file: string, text: string])[] = [
  ['model-imports-only-itself', 'src/model/planted.ts', "import '../view/format.ts';"],
  // An import of types alone is an import too.
  [
    'query-imports-only-model',
    'src/query/planted.ts',
    "import type { State } from '../store/state.ts'; export type A = State;",
  ],
  ['record-imports-only-model', 'src/record/planted.ts', "import '../store/table.ts';"],
  ['export-imports-only-model-view', 'src/export/planted.ts', "import '../store/reduce.ts';"],
  ['source-imports-only-model', 'src/source/planted.ts', "import '../sampler/diff.ts';"],
  ['sampler-imports-only-model-source', 'src/sampler/planted.ts', "import '../store/table.ts';"],
  ['store-imports-only-model-query', 'src/store/planted.ts', "import '../view/width.ts';"],
  ['view-imports-only-model-store-query', 'src/view/planted.ts', "import '../tui/theme.ts';"],
  ['tui-imports-only-model-store-view-query', 'src/tui/planted.ts', "import '../source/lives.ts';"],
  ['no-cycles', 'src/view/planted-a.ts', "import './planted-b.ts';"],
  ['no-cycles', 'src/view/planted-b.ts', "import './planted-a.ts';"],
  ['only-tui-knows-blessed', 'src/cli/planted.ts', "import 'blessed';"],
  ['only-sources-call-foreign-functions', 'src/cli/planted-g.ts', "import 'koffi';"],
  ['only-the-edges-touch-the-system', 'src/view/planted-c.ts', "import 'node:fs';"],
  [
    'only-the-edges-touch-the-system',
    'src/tui/planted-d.ts',
    "export const load = () => import('node:child_process');",
  ],
  ['a-platform-never-imports-another', 'src/source/portable/planted.ts', "import '../linux/proc.ts';"],
  ['sampler-sees-only-the-table-of-sources', 'src/sampler/planted-e.ts', "import '../source/lives.ts';"],
  ['only-the-table-of-sources-names-a-platform', 'src/cli/planted-h.ts', "import '../source/linux/proc.ts';"],
  ['resolvable', 'src/model/planted-f.ts', "import './nowhere.ts';"],
];

test('every rule bites', () => {
  for (const [, file, text] of VIOLATIONS) plant(file, text);
  const { passed, output } = check();
  expect(passed).toBe(false);
  const lines = output.split('\n');
  const unpunished = VIOLATIONS.filter(
    ([rule, file]) => !lines.some((line) => line.includes(` ${rule}: `) && line.includes(file)),
  );
  expect(unpunished).toEqual([]);
});

test('every rule of the house is among those that were seen to bite', () => {
  const config = readFileSync(join(copy, '.config', 'dependency-cruiser.cjs'), 'utf8');
  const rooms = [...config.matchAll(/^ {2}(\w+): \[.*\],$/gm)].map(([, room]) => room);
  const names = [...config.matchAll(/name: '([\w-]+)'/g)].map(([, name]) => name);
  expect(rooms.length + names.length).toBeGreaterThan(10);
  const bitten = VIOLATIONS.map(([rule]) => rule);
  for (const name of names) expect(bitten).toContain(name);
  for (const room of rooms)
    expect(
      bitten.some((rule) => rule.startsWith(`${room}-imports-only-`)),
      room,
    ).toBe(true);
});

test.each([
  ['a checker that finds no module', "'^nothing/'", 'the imports of'],
  ['a checker that overlooks a room', "'^(src/(?!view/)|node_modules)'", 'files were not looked at'],
])('%s fails', (_, includeOnly, message) => {
  const file = join(copy, '.config', 'dependency-cruiser.cjs');
  const config = readFileSync(file, 'utf8');
  writeFileSync(file, config.replace('options: {', `options: { includeOnly: ${includeOnly},`));
  const { passed, output } = check();
  expect(output).toContain(message);
  expect(output).toContain('no dependency violations found');
  expect(passed).toBe(false);
});
