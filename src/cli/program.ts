import { readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { setServiceTexts } from '../model/services.ts';
import { printable, shortened } from '../model/text.ts';
import { parseQuery } from '../query/query.ts';
import { invocationOf, parseCommandLine } from './command-line.ts';
import { COMMANDS } from './commands.ts';
import { type Account, openAccount } from './config/account.ts';
import { loadConfig } from './config/load.ts';
import { cleanEnvironment } from './environment.ts';
import { crashText, messageOf, shortageText } from './errors.ts';
import { columnsHelpText, commandHelpText, helpText, keysHelpText, queryHelpText } from './help.ts';
import type { CommandLine, Invocation } from './invocation.ts';
import { finish, isCommandThread, openLink } from './link.ts';
import { localText } from './locale.ts';
import type { HelpTopic } from './option.ts';
import { say } from './say.ts';
import { serviceTexts } from './services.ts';
import { closedStdoutText, isReaderGone, stdoutErrorText } from './stdout.ts';
import { UsageError } from './values.ts';

/** Maximum length of a message, UTF-16 units. A message may quote a long text. */
const MAX_MESSAGE = 8192;

/** Link to the keeper; undefined outside the command thread. */
const link = isCommandThread() ? openLink() : undefined;

/** Prints messages to stderr and ends the program. In the command thread the keeper prints them. */
function fail(texts: readonly string[], exitCode: 1 | 2): void {
  const lines = texts.map((text) => shortened(text, MAX_MESSAGE));
  if (link) finish(link, exitCode, lines);
  for (const line of lines) say(line);
  process.exit(exitCode);
}

/** Prints a text to stdout. Rejects with an Error for the user if stdout is closed. */
async function print(text: string): Promise<void> {
  const closed = closedStdoutText();
  if (closed !== undefined) throw new Error(closed);
  await new Promise<void>((resolve) => {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      // `netpane ls | head -1` is not a failure.
      if (isReaderGone(error)) process.exit(0);
      fail([stdoutErrorText(error)], 1);
    });
    process.stdout.write(text, () => resolve());
  });
}

const version = (): string => {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
};

/** Resolves to the help of a topic. @param topic undefined for the general help */
async function helpOf(topic: HelpTopic | undefined): Promise<string> {
  if (topic === undefined) return helpText();
  if (topic === 'columns') return columnsHelpText((await import('../view/columns/columns.ts')).COLUMNS);
  if (topic !== 'query' && topic !== 'keys') return commandHelpText(topic);
  const { KEYS } = await import('../tui/keymap.ts');
  return topic === 'query' ? queryHelpText(KEYS) : keysHelpText(KEYS);
}

/**
 * Runs a command.
 * @param complaints messages about files that are not used, to print or to show on the screen
 * @param account the user whose files are used
 */
async function run(invocation: Invocation, complaints: readonly string[], account: Account): Promise<void> {
  if (invocation.command !== 'screen') for (const text of complaints) say(printable(text));
  switch (invocation.command) {
    case 'help':
      return print(localText(await helpOf(invocation.topic), process.env));
    case 'version':
      return print(`netpane ${version()}\n`);
    default:
      return COMMANDS[invocation.command].run(invocation, { print, complaints, account, version });
  }
}

/** Returns true for a command that does not read the configuration file, so that its mistakes do not matter. */
const needsNoConfigFile = ({ command, path }: CommandLine): boolean =>
  command === 'help' || command === 'version' || path;

/** Returns the mistake in a query of the configuration file, with its column; undefined if there is none. */
function checkQuery(text: string): string | undefined {
  const parsed = parseQuery(text);
  return 'problem' in parsed ? `at column ${parsed.problem.at + 1}: ${parsed.problem.message}` : undefined;
}

// This comes first: packages that are loaded later and programs that netpane starts read the environment.
cleanEnvironment(process.env);

// In the command thread, each command adds its own listener.
if (isMainThread) process.on('uncaughtException', (error) => fail([crashText(error)], 1));

/** Runs the command line. */
async function main(): Promise<void> {
  try {
    const commandLine = parseCommandLine(process.argv.slice(2));
    const { command } = commandLine;
    const keeper = command === 'help' || command === 'version' ? undefined : COMMANDS[command].keeper;
    const problem = keeper?.problem();
    if (keeper && problem !== undefined) {
      // Throws if the command line has a mistake, which the user must correct in any case: it is reported first.
      invocationOf(commandLine, process.env, undefined);
      fail([problem], keeper.exitCode);
    }
    if (isMainThread && keeper) {
      // The keeper runs the program again, in the command thread.
      const { Keeper } = await import('./keeper.ts');
      new Keeper(new URL('netpane.js', import.meta.url), keeper.hasTerminal);
    } else {
      const complaints: string[] = [];
      const complain = (text: string): void => void complaints.push(text);
      const account = await openAccount(process.env, complain);
      const file = needsNoConfigFile(commandLine)
        ? undefined
        : await loadConfig(commandLine.configFile, account.environment, checkQuery, complain, account);
      await run(invocationOf(commandLine, process.env, file), complaints, account);
    }
  } catch (error) {
    // A usage message quotes the command line, into which a script may have put hostile text.
    if (error instanceof UsageError) fail(error.lines.map(printable), 2);
    else fail([shortageText(error) ?? messageOf(error)], 1);
  }
}

setServiceTexts(serviceTexts());
void main();
