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

/** Options of a source that is opened only as a test. */
const TEST_OPTIONS = { also: [], tcpDetails: false, ownerBudgetMs: 0 };

/** Maximum length of a message, UTF-16 units. A message may quote a long text. */
const MAX_MESSAGE = 8192;

/** Link to the keeper; undefined outside the command thread. */
const link = isCommandThread() ? openLink() : undefined;

/** Prints messages to stderr and ends the program. */
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

/** Runs a command. @param complaints messages about a configuration file that was ignored */
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
      // Tested here, so that a failure is a plain message: in the sampling thread it would be a crash.
      if (invocation.source !== undefined) await openSource(invocation.source, TEST_OPTIONS);
      limitHeapGrowth();
      const { startSampling } = await import('./sampling.ts');
      const bounds = boundsFor(memoryLimit());
      // The first poll runs while the screen is loaded.
      const sampling = startSampling(new URL('./worker.js', import.meta.url), { ...invocation, bounds });
      const { showLive } = await import('./live.ts');
      showLive(invocation, openLink(), bounds, sampling, complaints);
    }
  }
}

/** Returns true for a command that runs without settings, even if the configuration file has mistakes. */
const needsNoSettings = ({ command, path }: CommandLine): boolean =>
  command === 'help' || command === 'version' || path;

/** Returns the mistake in a query of the configuration file, with its column; undefined if there is none. */
function checkQuery(text: string): string | undefined {
  const parsed = parseQuery(text);
  return 'problem' in parsed ? `at column ${parsed.problem.at + 1}: ${parsed.problem.message}` : undefined;
}

// Before any program is started and any package is loaded that reads the environment.
cleanEnvironment(process.env);

// The command thread has its own listener.
if (isMainThread) process.on('uncaughtException', (error) => fail([crashText(error)], 1));

setServiceTexts(serviceTexts());

try {
  const line = parseCommandLine(process.argv.slice(2));
  const { command } = line;
  const problem =
    command === 'screen' ? noScreenText() : command === 'watch' ? closedStdoutText() : undefined;
  if (problem !== undefined) {
    // Reports a bad command line first: it would be wrong in a terminal too.
    invocationOf(line, process.env, undefined);
    fail([problem], command === 'screen' ? 2 : 1);
  }
  if (isMainThread && (command === 'screen' || command === 'watch')) {
    const { Keeper } = await import('./keeper.ts');
    new Keeper(new URL(import.meta.url), command === 'screen');
  } else {
    const complaints: string[] = [];
    const complain = (text: string): void => void complaints.push(text);
    const file = needsNoSettings(line)
      ? undefined
      : await loadConfig(line.configFile, process.env, checkQuery, complain);
    await run(invocationOf(line, process.env, file), complaints);
  }
} catch (error) {
  // Messages quote the command line, which may contain hostile text from elsewhere.
  if (error instanceof UsageError) fail(error.lines.map(printable), 2);
  else fail([shortageText(error) ?? messageOf(error)], 1);
}
