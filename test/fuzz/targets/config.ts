import { readFileSync } from 'node:fs';
import { parseConfig } from '../../../src/cli/config/parse.ts';
import { configText } from '../../../src/cli/config/print.ts';
import { invocationOf, parseCommandLine } from '../../../src/cli/command-line.ts';
import type { FileSettings } from '../../../src/cli/resolve.ts';
import { UsageError } from '../../../src/cli/values.ts';
import { printable } from '../../../src/model/text.ts';
import { parseQuery } from '../../../src/query/query.ts';
import { checkHarmless, checkMessage } from '../checks.ts';
import { mutatedText } from '../mutate.ts';
import type { Target } from '../target.ts';

const TEXTS = [
  ...['printed', 'mistakes'].map((name) => readFileSync(`fixtures/config/${name}.toml`, 'utf8')),
  'interval = "2s"\nquery = "port:443"\nsort="-rxRate"\ncolumns=["process:20","pid"]\n[[view]]\nname="mail"\nquery="port:25"\n',
];

/** Maximum number of lines of an error: 100 mistakes, and the number of the others. */
const MAX_LINES = 101;
/** Maximum length of such a line: it has a name of up to 60 characters, and may have a message about a query. */
const MAX_LINE_LENGTH = 1000;

const check = (text: string): string | undefined => {
  const parsed = parseQuery(text);
  return 'problem' in parsed ? parsed.problem.message : undefined;
};

const settingsOf = (text: string): FileSettings => parseConfig('f', text, check);

/** Throws if the printed settings, read as a file, are not the same settings. */
function checkSettings(file: FileSettings): void {
  const invocation = invocationOf(parseCommandLine([]), {}, file);
  const text = configText({ ...invocation, query: invocation.query.text }, invocation.origins);
  checkHarmless(text.replaceAll('\n', ''), 'printed settings');
  const again = invocationOf(parseCommandLine([]), {}, settingsOf(text));
  const printed = configText({ ...again, query: again.query.text }, invocation.origins);
  if (printed !== text) throw new Error('the printed settings, read again, are others');
}

export const config: Target = {
  about: 'text of a configuration file: parser and printer',
  inputsPerSession: 1,
  suiteRuns: 150,
  open: (random) => {
    let input = '';
    return {
      input: () => input,
      next: () => {
        input = mutatedText(random, random.of(TEXTS));
        let file: FileSettings;
        try {
          file = settingsOf(input);
        } catch (error) {
          if (!(error instanceof UsageError)) throw error;
          if (error.lines.length > MAX_LINES)
            throw new Error(`${error.lines.length} lines of mistakes`, { cause: error });
          for (const line of error.lines) checkMessage(printable(line), MAX_LINE_LENGTH);
          return 'refused';
        }
        checkSettings(file);
        return 'accepted';
      },
    };
  },
};
