// `npm run check:lint` checks the sizes of the project itself; these tests check that it finds what is too long.
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import { expect, test } from 'vitest';

const cwd = fileURLToPath(new URL('..', import.meta.url));
const eslint = new ESLint({ cwd, overrideConfigFile: '.config/eslint.config.mjs' });

/** Returns the rules that a file breaks, in the order of its lines. */
async function broken(text: string): Promise<(string | null)[]> {
  // A file without types: the rules are the same, and the linter is faster.
  const [result] = await eslint.lintText(text, { filePath: 'test/helpers/added.mjs' });
  return result?.messages.map(({ ruleId }) => ruleId) ?? [];
}

const file = (lines: number) => 'void 0;\n'.repeat(lines);
const classOf = (lines: number) => `export class Long {\n${'\n'.repeat(lines - 2)}}\n`;

test('a file has at most 350 lines', async () => {
  expect([await broken(file(350)), await broken(file(351))]).toEqual([[], ['max-lines']]);
  expect(await broken('\n'.repeat(351))).toEqual(['max-lines']);
});

test('a class has at most 250 lines', async () => {
  expect([await broken(classOf(250)), await broken(classOf(251))]).toEqual([[], ['own/max-class-lines']]);
  expect(await broken(`export const Long = ${classOf(251).slice('export '.length)}`)).toEqual([
    'own/max-class-lines',
  ]);
});

test('an exception says why', async () => {
  expect(await broken(`/* eslint-disable max-lines -- one table */\n${file(350)}`)).toEqual([]);
  expect(await broken(`/* eslint-disable max-lines */\n${file(350)}`)).toEqual(['own/disable-says-why']);
  expect(await broken(`/* eslint max-lines: off */\n${file(350)}`)).toEqual(['own/disable-says-why']);
});

test.each(['src/cli/added.ts', 'test/cli/added.test.ts'])('the rules hold for %s', async (path) => {
  const { rules } = (await eslint.calculateConfigForFile(path)) as { rules: Record<string, unknown> };
  expect(rules).toMatchObject({
    'max-lines': [2, { max: 350 }],
    'own/max-class-lines': [2, 250],
    'own/disable-says-why': [2],
  });
});
