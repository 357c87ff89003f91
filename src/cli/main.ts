#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { boundsFor } from '../model/bounds.ts';
import { printable, shortened } from '../model/text.ts';
import { growSlowly } from '../sampler/churn.ts';
import { openSource } from '../source/index.ts';
import { loadConfig } from './config/load.ts';
import { parseQuery } from '../query/query.ts';
import { memoryLimit } from './memory.ts';
import { cleanEnvironment } from './environment.ts';
import { messageOf } from './errors.ts';
import { type CommandLine, helpText, type Invocation, invocationOf, parseCommandLine } from './options.ts';
import { UsageError } from './values.ts';

/** For a source that is opened only to see whether it can be. */
const NO_DEMANDS = { also: [], tcpDetails: false, ownerBudgetMs: 0 };

/** No message is longer, UTF-16 units: what it quotes may be. */
const MOST_MESSAGE = 8192;

/** Ends with a line on stderr that says what is wrong. */
function fail(message: string, exitCode: 1 | 2): void {
  process.stderr.write(`netpane: ${shortened(message, MOST_MESSAGE)}\n`);
  process.exitCode = exitCode;
}

const version = (): string => {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
};

/** @param complaints what was wrong with the configuration file, though not so that it stops netpane */
async function run(invocation: Invocation, complaints: readonly string[]): Promise<void> {
  if (invocation.command !== 'screen')
    for (const text of complaints) process.stderr.write(`netpane: ${printable(text)}\n`);
  switch (invocation.command) {
    case 'help':
      process.stdout.write(helpText());
      return;
    case 'version':
      process.stdout.write(`netpane ${version()}\n`);
      return;
    case 'config': {
      const { configText, pathsText } = await import('./config/print.ts');
      const { configFile, path, origins } = invocation;
      process.stdout.write(
        path
          ? pathsText(configFile, process.env)
          : configText({ ...invocation, query: invocation.query.text }, origins),
      );
      return;
    }
    case 'ls': {
      const { list } = await import('./list.ts');
      await list(invocation);
      return;
    }
    case 'watch': {
      growSlowly();
      const { watch } = await import('./watch.ts');
      await watch(invocation);
      return;
    }
    case 'screen': {
      if (!process.stdin.isTTY || !process.stdout.isTTY) {
        fail("the live screen needs a terminal; 'netpane ls' prints the sockets once, to anywhere", 2);
        return;
      }
      if (process.env['TERM'] === 'dumb') {
        fail("the live screen needs more than a TERM=dumb terminal; 'netpane ls' prints the sockets once", 2);
        return;
      }
      // Here, where it is a plain message: the thread could only crash on it.
      if (invocation.source !== undefined) await openSource(invocation.source, NO_DEMANDS);
      growSlowly();
      const { startSampling } = await import('./sampling.ts');
      const bounds = boundsFor(memoryLimit());
      // The first sample is taken while the screen is being loaded.
      const sampling = startSampling(new URL('./worker.js', import.meta.url), { ...invocation, bounds });
      const { showLive } = await import('./live.ts');
      showLive(invocation, bounds, sampling, complaints);
    }
  }
}

/** Where there is nothing to set, or only the paths are asked for, a file with mistakes is in nobody's way. */
const isSettled = ({ command, path }: CommandLine): boolean =>
  command === 'help' || command === 'version' || path;

/** What is wrong with a query of the configuration file. */
function checkQuery(text: string): string | undefined {
  const parsed = parseQuery(text);
  return 'problem' in parsed ? `at column ${parsed.problem.at + 1}: ${parsed.problem.message}` : undefined;
}

// Before anything is started, and before any package that reads it is loaded.
cleanEnvironment(process.env);

// Whoever reads our output may go at any time (`netpane ls | head -1`): that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  const line = parseCommandLine(process.argv.slice(2));
  const complaints: string[] = [];
  const say = (text: string): void => void complaints.push(text);
  const file = isSettled(line) ? undefined : await loadConfig(line.configFile, process.env, checkQuery, say);
  await run(invocationOf(line, process.env, file), complaints);
} catch (error) {
  // It quotes what was given, which may be a name that a script has from elsewhere.
  if (error instanceof UsageError) for (const text of error.lines) fail(printable(text), 2);
  else fail(messageOf(error), 1);
}
