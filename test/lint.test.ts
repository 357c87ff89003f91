// `npm run check:lint` checks the project itself; these tests check that it finds every violation.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { useFolders } from './helpers/folder.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Copy of the linter's configuration, to which tests add files. */
const newFolder = useFolders();

/** Lints files by the command of `npm run check`. Returns the rules that each file breaks, by its path. */
function lint(files: Readonly<Record<string, string>>): {
  passed: boolean;
  broken: Record<string, string[]>;
} {
  const folder = newFolder();
  for (const name of ['.config/oxlint.jsonc', '.config/lint-rules.mjs', 'tsconfig.json', 'package.json'])
    cpSync(join(ROOT, name), join(folder, name));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const [file, text] of Object.entries({ 'test/good.ts': '', ...files })) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const [command = '', ...args] = (scripts['check:lint'] ?? '').split(' ');
  const bin = join(ROOT, 'node_modules', '.bin', command);
  const { status, stdout } = spawnSync(process.execPath, [bin, ...args, '--format', 'json'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const { diagnostics } = JSON.parse(stdout) as {
    diagnostics: { filename: string; code?: string; message: string }[];
  };
  const broken = Object.fromEntries(Object.keys(files).map((file): [string, string[]] => [file, []]));
  for (const { filename, code, message } of diagnostics) (broken[filename] ??= []).push(code ?? message);
  return { passed: status === 0, broken };
}

/** Code that breaks a rule, by its name in the configuration. */
const VIOLATIONS: Readonly<Record<string, string>> = {
  eqeqeq: 'export const a = (b: number) => b == 1;',
  'no-array-constructor': 'export const a = new Array(1, 2);',
  'no-console': 'console.log(1);',
  'no-unused-expressions': 'export const a = (b: number) => { b; };',
  'no-unused-vars': 'const unused = 1; export {};',
  'no-useless-constructor': 'export class A { constructor() {} a = 1; }',
  'no-var': 'export var a = 1;',
  'prefer-const': 'let a = 1; export const b = a;',
  'prefer-rest-params': 'export function a() { return arguments; }',
  'prefer-spread':
    'export const a = (b: (...c: number[]) => void, d: number[]) => { b.apply(undefined, d); };',
  'typescript/await-thenable': 'export const a = async () => { await 1; };',
  'typescript/ban-ts-comment': '// @ts-ignore\nexport const a = 1;',
  'typescript/no-array-delete': 'export const a = (b: number[]) => { delete b[0]; };',
  'typescript/no-base-to-string': 'export const a = (b: { c: 1 }) => String(b);',
  'typescript/no-confusing-void-expression':
    'export const a = (b: () => void) => { const c = b(); return [c]; };',
  'typescript/no-deprecated': '/** @deprecated old */\nconst a = 1; export const b = a;',
  'typescript/no-duplicate-enum-values': 'export const a = 1; enum A { B = 1, C = 1 } export type D = A;',
  'typescript/no-duplicate-type-constituents': 'export type A = string | string;',
  'typescript/no-dynamic-delete': 'export const a = (b: Record<string, 1>, c: string) => { delete b[c]; };',
  'typescript/no-empty-object-type': 'export type A = {};',
  'typescript/no-explicit-any': 'export type A = any;',
  'typescript/no-extra-non-null-assertion': 'export const a = (b?: { c: 1 }) => b!!.c;',
  'typescript/no-extraneous-class': 'export class A { static a = 1; }',
  'typescript/no-floating-promises': 'Promise.resolve(1);',
  'typescript/no-for-in-array': 'export const a = (b: number[]) => { for (const c in b) void c; };',
  'typescript/no-generated-empty-object-type': "export type A = Omit<{ a: 1 }, 'a'>;",
  'typescript/no-implied-eval': "setTimeout('a', 1);",
  'typescript/no-invalid-void-type': 'export type A = { b: void };',
  'typescript/no-meaningless-void-operator': 'export const a = (b: () => void) => { void b(); };',
  'typescript/no-misused-new': 'export interface A { new (): A }',
  'typescript/no-misused-promises': 'export const a = (b: Promise<1>) => { if (b) return 1; return 2; };',
  'typescript/no-misused-spread': 'export const a = (b: Map<1, 1>) => ({ ...b });',
  'typescript/no-mixed-enums': "enum A { B = 1, C = 'c' } export type D = A;",
  'typescript/no-namespace': 'export namespace A { export type B = 1; }',
  'typescript/no-non-null-asserted-nullish-coalescing': 'export const a = (b: { c?: 1 }) => b.c! ?? 2;',
  'typescript/no-non-null-asserted-optional-chain': 'export const a = (b?: { c: 1 }) => b?.c!;',
  'typescript/no-non-null-assertion': 'export const a = (b?: { c: 1 }) => b!.c;',
  'typescript/no-redundant-type-constituents': 'export type A = unknown | 1;',
  'typescript/no-require-imports': "import a = require('node:fs'); export const b = a;",
  'typescript/no-this-alias': 'export class A { a() { const b = this; return () => b; } }',
  'typescript/no-unnecessary-boolean-literal-compare': 'export const a = (b: boolean) => b === true;',
  'typescript/no-unnecessary-condition': 'export const a = (b: { c: 1 }) => b?.c;',
  'typescript/no-unnecessary-template-expression': "export const a = `${'b'}`;",
  'typescript/no-unnecessary-type-arguments': 'export type A<B = 1> = B[]; export type C = A<1>;',
  'typescript/no-unnecessary-type-assertion': 'export const a = (b: number) => b as number;',
  'typescript/no-unnecessary-type-constraint': 'export const a = <B extends unknown>(b: B, c: B) => [b, c];',
  'typescript/no-unnecessary-type-conversion': 'export const a = (b: string) => String(b);',
  'typescript/no-unnecessary-type-parameters': 'export const a = <B,>(b: B) => { void b; };',
  'typescript/no-unsafe-argument': "export const a = () => Number.parseInt(JSON.parse('1'));",
  'typescript/no-unsafe-assignment': "export const a = () => { const b = JSON.parse('1'); void b; };",
  'typescript/no-unsafe-call': "export const a = () => { JSON.parse('1')(); };",
  'typescript/no-unsafe-declaration-merging': 'export interface A { a: 1 } export class A { b = 1; }',
  'typescript/no-unsafe-enum-assignment': 'enum A { B = 1 } export const a = (b: A) => { b = 1; void b; };',
  'typescript/no-unsafe-enum-comparison': 'enum A { B = 1 } export const a = (b: A) => b === 1;',
  'typescript/no-unsafe-function-type': 'export type A = Function;',
  'typescript/no-unsafe-member-access': "export const a = () => { void JSON.parse('1').a; };",
  'typescript/no-unsafe-return': "export const a = () => JSON.parse('1');",
  'typescript/no-unsafe-unary-minus': 'export const a = (b: string) => -b;',
  'typescript/no-useless-default-assignment': 'export const a = ({ b = 1 }: { b: number }) => b;',
  'typescript/no-wrapper-object-types': 'export type A = String;',
  'typescript/only-throw-error': "export const a = () => { throw 'b'; };",
  'typescript/prefer-as-const': "export const a = 'b' as 'b';",
  'typescript/prefer-literal-enum-member': 'const a = 1; enum A { B = a } export type C = A;',
  'typescript/prefer-namespace-keyword': 'export module A { export type B = 1; }',
  'typescript/prefer-promise-reject-errors': "export const a = () => Promise.reject('b');",
  'typescript/prefer-reduce-type-parameter':
    'export const a = (b: 1[]) => b.reduce((c, d) => c.concat(d), [] as number[]);',
  'typescript/prefer-return-this-type': 'export class A { a(): A { return this; } }',
  'typescript/related-getter-setter-pairs': 'export interface A { get b(): string; set b(value: number); }',
  'typescript/restrict-plus-operands': "export const a = (b: number) => b + 'c';",
  'typescript/restrict-template-expressions': 'export const a = (b: { c: 1 } | null) => `${b}`;',
  'typescript/return-await':
    'export const a = async (b: Promise<1>) => { try { return b; } catch { return 2; } };',
  'typescript/triple-slash-reference': '/// <reference path="./good.ts" />\nexport {};',
  'typescript/unbound-method': 'class A { a() { return this; } } export const b = new A().a;',
  'typescript/unified-signatures': 'export interface A { (b: 1): void; (b: 2): void }',
  'typescript/use-unknown-in-catch-callback-variable':
    'export const a = (b: Promise<1>) => b.catch((c) => { void c; });',
};

/** Returns the path of the file that breaks a rule. */
const placeOf = (rule: string): string => `src/${rule.replace('/', '-')}.ts`;

/** Returns a rule as the linter prints it. */
const printed = (rule: string): string =>
  rule.includes('/') ? `${rule.replace('/', '(')})` : `eslint(${rule})`;

const lines = (count: number): string => 'void 0;\n'.repeat(count);
const classOf = (count: number): string => `export class Long {\n  a = 1;\n${'\n'.repeat(count - 3)}}\n`;

const UNUSED = 'Unused oxlint-disable directive (no problems were reported).';
const LITERAL = 'own(regex-literals)';
const GLOBAL = 'eslint(no-restricted-globals)';
const PROPERTY = 'eslint(no-restricted-properties)';

/** Each file, with the rules that it breaks. */
const FILES: readonly (readonly [file: string, text: string, rules: readonly string[]])[] = [
  ['src/good.ts', 'export const a = 1;', []],
  ['src/types.ts', "export const a: number = 'b';", ['typescript(TS2322)']],
  ['.config/types.ts', "export const a: number = 'b';", ['typescript(TS2322)']],
  ['src/unused.ts', '// oxlint-disable-next-line eqeqeq -- old\nexport {};', [UNUSED]],

  // A file has at most 350 lines.
  ['src/lines-350.ts', lines(350), []],
  ['src/lines-351.ts', lines(351), ['eslint(max-lines)']],
  ['test/lines-351.test.ts', lines(351), ['eslint(max-lines)']],
  ['test/lines-351.mjs', lines(351), ['eslint(max-lines)']],
  ['src/blank-351.ts', '\n'.repeat(351), ['eslint(max-lines)']],
  // A class has at most 250.
  ['src/class-250.ts', classOf(250), []],
  ['src/class-251.ts', classOf(251), ['own(max-class-lines)']],
  ['test/class-251.ts', `export const Long = ${classOf(251).slice(7)}`, ['own(max-class-lines)']],
  // An exception says why.
  ['src/says-why.ts', `/* oxlint-disable max-lines -- one table */\n${lines(350)}`, []],
  ['src/says-nothing.ts', `/* oxlint-disable max-lines */\n${lines(350)}`, ['own(disable-says-why)']],
  ['src/eslint.ts', `/* eslint-disable max-lines */\n${lines(350)}`, ['own(disable-says-why)']],
  ['test/next.ts', '// oxlint-disable-next-line no-var\nexport var a = 1;', ['own(disable-says-why)']],

  // A regex of the program is a literal that runs in linear time.
  ['src/regex.ts', "export const a = [new RegExp('b'), RegExp('c')];", [LITERAL, LITERAL]],
  ['src/backtracking.ts', 'export const a = /^\\w*\\d*$/;', ['regexp(no-super-linear-backtracking)']],
  ['src/move.ts', 'export const a = /b*$/;', ['regexp(no-super-linear-move)']],
  ['test/regex.ts', "export const a = [new RegExp('b'), /b*$/];", []],

  // An exported value does not change.
  ['src/mutable.ts', 'export let a = 1; a = 2;', ['import(no-mutable-exports)']],
  ['test/mutable.ts', 'export let a = 1; a = 2;', []],

  // The state and the view depend on actions only.
  ['src/store/globals.ts', 'export const a = [setTimeout, process];', [GLOBAL, GLOBAL]],
  [
    'src/view/a/globals.ts',
    'export const a = [setInterval, setImmediate, performance];',
    [GLOBAL, GLOBAL, GLOBAL],
  ],
  ['src/store/a/properties.ts', 'export const a = [Date.now(), Math.random()];', [PROPERTY, PROPERTY]],
  ['src/tui/globals.ts', 'export const a = [setTimeout, Date.now()];', []],
];

let found: ReturnType<typeof lint>;
beforeAll(() => {
  const violations = Object.entries(VIOLATIONS).map(([rule, text]) => [placeOf(rule), text] as const);
  found = lint(Object.fromEntries([...violations, ...FILES.map(([file, text]) => [file, text] as const)]));
});

test('each rule for TypeScript reports the file that breaks it', () => {
  const config = readFileSync(join(ROOT, '.config', 'oxlint.jsonc'), 'utf8');
  const [, rules = ''] = /"files": \["\*\*\/\*\.ts"\],\n +"rules": \{\n([^]*?)\n {6}\}/.exec(config) ?? [];
  const names = [...rules.matchAll(/^ {8}"([\w/-]+)":/gm)].map(([, name]) => name);
  expect(Object.keys(VIOLATIONS)).toEqual(names);
  const unreported = names.filter((rule = '') => !found.broken[placeOf(rule)]?.includes(printed(rule)));
  expect(unreported).toEqual([]);
  expect(found.passed).toBe(false);
});

test.each(FILES)('the rules for %s', (file, _, rules) => {
  expect(found.broken[file]).toEqual(rules);
});
