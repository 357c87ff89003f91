import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { isMainThread } from 'node:worker_threads';
import { boundsFor } from '../model/bounds.ts';
import { setServiceTexts } from '../model/services.ts';
import { printable, shortened } from '../model/text.ts';
import { limitHeapGrowth } from '../sampler/churn.ts';
import { openSource } from '../source/index.ts';
import { loadConfig } from './config/load.ts';
import { parseQuery } from '../query/query.ts';
import { memoryLimit } from './memory.ts';
import { cleanEnvironment } from './environment.ts';
import { crashText, messageOf, shortageText } from './errors.ts';
import { type CommandLine, helpText, type Invocation, invocationOf, parseCommandLine } from './options.ts';
import { isUtf8, localText } from './locale.ts';
import { finish, isCommandThread, openLink } from './link.ts';
import { say } from './say.ts';
import { serviceTexts } from './services.ts';
import { closedStdoutText, isReaderGone, stdoutErrorText } from './stdout.ts';
import { UsageError } from './values.ts';

/** Options of a source that is opened only to check that it works. */
const CHECK_OPTIONS = { also: [], tcpDetails: false, ownerBudgetMs: 0 };

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

/** Returns the reason why the live screen cannot run here; undefined if it can. */
function noScreenText(): string | undefined {
  const instead = "use 'netpane ls' to print the sockets once";
  if (!isatty(0) || !isatty(1)) return `the live screen needs a terminal; ${instead}`;
  if (process.env['TERM'] === 'dumb') return `the live screen does not work with TERM=dumb; ${instead}`;
  return undefined;
}

const version = (): string => {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
};

/**
 * Runs a command.
 * @param complaints messages about a configuration file that was ignored, to print or to show on the screen
 */
async function run(invocation: Invocation, complaints: readonly string[]): Promise<void> {
  if (invocation.command !== 'screen') for (const text of complaints) say(printable(text));
  switch (invocation.command) {
    case 'help':
      return print(localText(helpText(), process.env));
    case 'version':
      return print(`netpane ${version()}\n`);
    case 'config': {
      const { configText, pathsText } = await import('./config/print.ts');
      const { configFile, path, origins } = invocation;
      const text = path
        ? pathsText(configFile, process.env)
        : configText({ ...invocation, query: invocation.query.text }, origins, isUtf8(process.env));
      return print(localText(text, process.env));
    }
    case 'ls': {
      const { list } = await import('./list.ts');
      return list(invocation, print);
    }
    case 'watch': {
      limitHeapGrowth();
      const { watch } = await import('./watch.ts');
      return watch(invocation, openLink());
    }
    case 'screen': {
      // A source that does not work is reported here as a usual error: in the sampling thread it would be a crash.
      if (invocation.source !== undefined) await openSource(invocation.source, CHECK_OPTIONS);
      limitHeapGrowth();
      const { startSampling } = await import('./sampling.ts');
      const bounds = boundsFor(memoryLimit());
      // The first poll runs while the code of the screen is loaded.
      const sampling = startSampling(new URL('./worker.js', import.meta.url), { ...invocation, bounds });
      const { showLive } = await import('./live.ts');
      showLive(invocation, openLink(), bounds, sampling, complaints);
    }
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

// Comes first: packages that are loaded later and programs that netpane starts read the environment.
cleanEnvironment(process.env);

// In the command thread, each command adds its own listener.
if (isMainThread) process.on('uncaughtException', (error) => fail([crashText(error)], 1));

setServiceTexts(serviceTexts());

try {
  const commandLine = parseCommandLine(process.argv.slice(2));
  const { command } = commandLine;
  const problem =
    command === 'screen' ? noScreenText() : command === 'watch' ? closedStdoutText() : undefined;
  if (problem !== undefined) {
    // Throws if the command line has a mistake, which the user must correct in any case: it is reported first.
    invocationOf(commandLine, process.env, undefined);
    fail([problem], command === 'screen' ? 2 : 1);
  }
  if (isMainThread && (command === 'screen' || command === 'watch')) {
    // The keeper runs this file again, in the command thread.
    const { Keeper } = await import('./keeper.ts');
    new Keeper(new URL(import.meta.url), command === 'screen');
  } else {
    const complaints: string[] = [];
    const complain = (text: string): void => void complaints.push(text);
    const file = needsNoConfigFile(commandLine)
      ? undefined
      : await loadConfig(commandLine.configFile, process.env, checkQuery, complain);
    await run(invocationOf(commandLine, process.env, file), complaints);
  }
} catch (error) {
  // A usage message quotes the command line, into which a script may have put hostile text.
  if (error instanceof UsageError) fail(error.lines.map(printable), 2);
  else fail([shortageText(error) ?? messageOf(error)], 1);
}
