import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/cli/config/load.ts';
import { parseConfig } from '../../src/cli/config/parse.ts';
import { invocationOf, parseCommandLine } from '../../src/cli/command-line.ts';
import { helpText } from '../../src/cli/help.ts';
import { saveSockets } from '../../src/cli/save.ts';
import { SETTINGS } from '../../src/cli/settings.ts';
import { UsageError } from '../../src/cli/values.ts';
import { parseQuery } from '../../src/query/query.ts';
import { endsWithin } from '../helpers/guard.ts';

/** Limit for a line of a message, with the text that it quotes, in characters. */
const MAX_LINE = 600;
/** Limit for a line that quotes up to two paths in full: PATH_MAX is 4096. */
const MAX_LINE_WITH_PATHS = MAX_LINE + 2 * 4096;

const LONG = 'x'.repeat(100_000);

/** Runs a function that fails and returns the lines of its message. */
async function complaint(run: () => unknown): Promise<readonly string[]> {
  try {
    await run();
  } catch (error) {
    if (error instanceof UsageError) return error.lines;
    if (error instanceof Error) return [error.message];
  }
  throw new Error('it did not fail');
}

/** Returns the message about a command line; empty if it is valid. */
function argsComplaint(args: readonly string[]): readonly string[] {
  try {
    invocationOf(parseCommandLine(args), {});
    return [];
  } catch (error) {
    if (error instanceof UsageError) return error.lines;
    throw error;
  }
}

/** Returns the problem of a query; undefined if it is valid. */
const queryProblem = (text: string): string | undefined => {
  const parsed = parseQuery(text);
  return 'problem' in parsed ? parsed.problem.message : undefined;
};

/** Every option with a value. */
const OPTIONS = [...helpText().matchAll(/--([a-z-]+) ([A-Z]+)/g)].map(([, name = '']) => `--${name}`);

describe('a message quotes only part of a long text', () => {
  test.each(OPTIONS)('the value of %s', (option) => {
    for (const text of [LONG, `1${LONG}`, `${LONG},tcp`, `TCP:${LONG}`, `:${LONG}`]) {
      // A few options accept any text.
      const lines = argsComplaint([option, text]);
      for (const line of lines) expect(line.length).toBeLessThan(MAX_LINE);
    }
  });

  test.each([
    ['a query', [`/${LONG}`]],
    ['a query of three long words', `${LONG} `.repeat(3).split(' ')],
    ['a query by -q', ['-q', `port:${LONG}`]],
    ['a command', [LONG]],
    ['an option', [`--${LONG}`]],
    ['a short option', [`-${LONG}`]],
    ['a short option of punctuation', [`-${';'.repeat(100_000)}`]],
    ['very many arguments', Array<string>(150_000).fill('x')],
    ['very many options', Array<string>(150_000).fill('-l')],
    ["very many of lsof's option -i", Array<string>(150_000).fill('-i')],
    ['a value for an option that takes none', [`--listen=${LONG}`]],
    ['a word after config', ['config', LONG]],
    ["a form of lsof's -i", ['ls', '-i', `tcp@${LONG}`]],
    ["a form of lsof's -s", ['ls', '-s', LONG]],
  ])('%s', (_, args) => {
    let lines: readonly string[] = [];
    // Each takes only a few milliseconds.
    expect(endsWithin(5000, () => void (lines = argsComplaint(args)))).toBe(true);
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line.length).toBeLessThan(MAX_LINE);
  });

  test('but a short text completely', () => {
    expect(argsComplaint(['ls', `port:${'x'.repeat(150)}`])).toEqual([
      expect.stringContaining(`bad query at column 6 of 'port:${'x'.repeat(150)}'`),
    ]);
  });

  test.each(Object.values(SETTINGS))('the value of $key in the configuration', async ({ key }) => {
    const values = [`"${LONG}"`, `["${LONG}"]`, `[["${LONG}"]]`, `[{"${LONG}" = 1}]`, `{ x = "${LONG}" }`];
    for (const value of values) {
      const lines = await complaint(() => parseConfig('f', `${key} = ${value}`, queryProblem));
      for (const line of lines) expect(line.length).toBeLessThan(MAX_LINE);
    }
  });

  test.each([
    ['a key', `${LONG} = 1`],
    ['a key of many parts', `${'x.'.repeat(1000)}x = 1`],
    ['the same key twice', `"${LONG}" = 1\n"${LONG}" = 2`],
    ['the same table twice', `[${LONG}]\n[${LONG}]`],
    ['text that is not TOML', `query = ${LONG}`],
    ['a string that is not closed', `query = "${LONG}`],
    ['two views with the same name', `[[view]]\nname = "${LONG}"\n[[view]]\nname = "${LONG}"`],
  ])('%s in the configuration', async (_, text) => {
    const lines = await complaint(() => parseConfig('f', text, queryProblem));
    for (const line of lines) expect(line.length).toBeLessThan(MAX_LINE);
  });

  test('the name of a configuration file', async () => {
    for (const name of [LONG, `/${LONG}`, `${'a/'.repeat(50_000)}x`]) {
      const lines = await complaint(() => loadConfig(name, {}, queryProblem, expect.unreachable));
      for (const line of lines) expect(line.length).toBeLessThan(MAX_LINE_WITH_PATHS);
    }
  });

  test('the name of a file to save to', async () => {
    for (const name of [LONG, `${LONG}.csv`, `/${'a/'.repeat(50_000)}x.csv`, `a\0${LONG}.csv`]) {
      const [line = ''] = await complaint(() => saveSockets(name, []));
      expect(line.length).toBeLessThan(MAX_LINE_WITH_PATHS);
    }
  });
});
