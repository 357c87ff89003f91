import { configText } from '../../../src/cli/config/print.ts';
import { invocationOf, parseCommandLine } from '../../../src/cli/command-line.ts';
import { helpText } from '../../../src/cli/help.ts';
import { UsageError } from '../../../src/cli/values.ts';
import { printable } from '../../../src/model/text.ts';
import { printQuery } from '../../../src/query/print.ts';
import { checkHarmless, checkMessage } from '../checks.ts';
import { mutatedText } from '../mutate.ts';
import type { Random } from '../random.ts';
import type { Target } from '../target.ts';

/** Every option of the help, commands and arguments. */
const WORDS = [
  ...['ls', 'watch', 'config', '--', '-', '-i', '-s', '-q', 'port:443', 'curl', '(', ')', 'or', 'TCP:LISTEN'],
  ...['500ms', '2s', '60m', '0', '443', '65536', '12.5%', 'mono', 'proc', 'unix,sctp', 'tcp@192.0.2.1:22'],
  ...Array.from(helpText().matchAll(/--[a-z-]+/g), ([option]) => option),
];

const ENVIRONMENTS = [{}, { NO_COLOR: '1' }, { TERM: 'vt100' }, { TERM: '', NO_COLOR: '' }];

const argument = (random: Random): string => {
  const word = random.of(WORDS);
  const text = random.oneIn(6) ? `${word}=${random.of(WORDS)}` : word;
  return random.oneIn(3) ? mutatedText(random, text) : text;
};

export const commandLine: Target = {
  about: 'arguments of a command line: parser and resulting settings',
  inputsPerSession: 1,
  suiteRuns: 500,
  open: (random) => {
    let input: string[] = [];
    return {
      input: () => JSON.stringify(input),
      next: () => {
        input = Array.from({ length: random.below(6) }, () => argument(random));
        try {
          const invocation = invocationOf(parseCommandLine(input), random.of(ENVIRONMENTS));
          if (printQuery(invocation.query.expression).length > 4096)
            throw new Error('a query that is too long');
          const { query, origins } = invocation;
          checkHarmless(
            configText({ ...invocation, query: query.text }, origins).replaceAll('\n', ''),
            'settings',
          );
          return 'accepted';
        } catch (error) {
          if (!(error instanceof UsageError)) throw error;
          for (const line of error.lines) checkMessage(printable(line), 600);
          return 'refused';
        }
      },
    };
  },
};
