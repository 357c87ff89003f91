import { boundsFor } from '../model/bounds.ts';
import type { Glimpse } from '../query/subject.ts';
import { compileLate, LATE, limitHeapGrowth } from '../sampler/heap.ts';
import { openSource } from '../source/index.ts';
import type { Account } from './config/account.ts';
import type { Invocation } from './invocation.ts';
import { openLink } from './link.ts';
import { isUtf8, localText } from './locale.ts';
import { memoryLimit } from './memory.ts';
import { noScreenText } from './no-screen.ts';
import type { CommandName, HelpTopic } from './option.ts';
import { closedStdoutText } from './stdout.ts';

/** Inputs of a command besides its invocation. */
export interface CommandTools {
  /** Prints a text to stdout. Rejects with an Error for the user if stdout is closed. */
  readonly print: (text: string) => Promise<void>;
  /** Messages about a configuration file that was ignored, for the screen to show. */
  readonly complaints: readonly string[];
  /** The user whose configuration, saved state and files are used. */
  readonly account: Account;
  /** Returns the version of netpane. */
  readonly version: () => string;
}

/** All that belongs to a command, except its options: each option lists its commands in `Option.commands`. */
interface Command {
  readonly usage: string;
  readonly about: string;
  /** Name in messages. */
  readonly name: string;
  /** True if it accepts every option that sets a setting, also those of other commands, and no query. */
  readonly takesOnlySettings?: true;
  /** Facts about a socket that the command has when it tests a query. Absent if it polls several times, or tests no socket. */
  readonly glimpse?: Glimpse;
  /**
   * Present for a command that runs until the user ends it, in a thread of its own beside the keeper (`keeper.ts`).
   * Absent for a command that ends by itself.
   */
  readonly keeper?: {
    /** The keeper reads keys and restores the terminal. */
    readonly hasTerminal: boolean;
    /** Returns why the command cannot run here; undefined if it can. */
    readonly problem: () => string | undefined;
    /** Exit code for that problem. */
    readonly exitCode: 1 | 2;
  };
  /** Runs the command. Loads its modules only then, because they take time. */
  readonly run: (invocation: Invocation, tools: CommandTools) => Promise<void>;
}

/** Options of a source that is opened only to check that it works. */
const CHECK_OPTIONS = { also: [], tcpDetails: false, ownerBudgetMs: 0 };

/** Every command, in the order of the help. */
export const COMMANDS: Readonly<Record<CommandName, Command>> = {
  screen: {
    usage: '[options] [query]',
    about: 'live screen (press ? for its keys)',
    name: 'the live screen',
    keeper: { hasTerminal: true, problem: noScreenText, exitCode: 2 },
    run: async (invocation, { complaints, account }) => {
      // A source that does not work is reported here as a usual error: in the sampling thread it would be a crash.
      if (invocation.source !== undefined) await openSource(invocation.source, CHECK_OPTIONS);
      const problems: string[] = [];
      const rules =
        invocation.on.length === 0
          ? []
          : await (
              await import('./on/rules.ts')
            ).readRules(invocation, account.environment, (text) => void problems.push(text));
      const { startSampling } = await import('./sampling.ts');
      const bounds = boundsFor(memoryLimit());
      const startNames = invocation.names && (await import('./names-thread.ts')).startNames;
      const names = startNames ? startNames(new URL('./names.js', import.meta.url)) : undefined;
      const setup = { ...invocation, bounds };
      // The first poll runs while the code of the screen is loaded.
      const sampling = startSampling(new URL('./worker.js', import.meta.url), setup, names);
      process.once('exit', () => {
        sampling.end();
        names?.end();
      });
      const { showLive } = await import('./live.ts');
      const messages = [...complaints, ...problems];
      showLive(invocation, openLink(), bounds, { sampling, names }, messages, account, rules);
    },
  },
  ls: {
    usage: 'ls [options] [query]',
    about: 'print the sockets once',
    name: "'netpane ls'",
    glimpse: 'poll',
    run: async (invocation, { print, account }) => {
      const { list } = await import('./list.ts');
      if (!(await list(invocation, account.environment, print))) process.exitCode = 1;
    },
  },
  watch: {
    usage: 'watch [options] [query]',
    about: 'print events as they happen, one per line',
    name: "'netpane watch'",
    glimpse: 'event',
    keeper: { hasTerminal: false, problem: closedStdoutText, exitCode: 1 },
    run: async (invocation, { account }) => {
      const { watch } = await import('./watch.ts');
      // Flags of V8. They are set after the code is loaded: V8 rejects a code cache that was made with other flags.
      limitHeapGrowth();
      compileLate(LATE.watch);
      return watch(invocation, openLink(), account);
    },
  },
  kill: {
    usage: 'kill [options] QUERY',
    about: 'end the programs that hold sockets, such as :3000',
    name: "'netpane kill'",
    glimpse: 'poll',
    run: async (invocation, { account }) => {
      const { kill } = await import('./kill.ts');
      if (!(await kill(invocation, account.environment))) process.exitCode = 1;
    },
  },
  config: {
    usage: 'config [options]',
    about: 'print the settings in effect and where each comes from',
    name: "'netpane config'",
    takesOnlySettings: true,
    run: async ({ query, configFile, path, ...settings }, { print, account }) => {
      const { configText, pathsText } = await import('./config/print.ts');
      const text = path
        ? pathsText(configFile, account.environment)
        : configText({ ...settings, query: query.text }, settings.origins, isUtf8(process.env));
      return print(localText(text, process.env));
    },
  },
  doctor: {
    usage: 'doctor [options]',
    about: 'say what works here, what does not, and what helps',
    name: "'netpane doctor'",
    takesOnlySettings: true,
    run: async (invocation, { print, account, version }) => {
      const { doctorReport } = await import('./doctor/doctor.ts');
      const { text, works } = await doctorReport(invocation, version(), account);
      await print(text);
      if (!works) process.exitCode = 1;
    },
  },
};

/** Names of all commands, in the order of the help. */
export const COMMAND_NAMES = Object.keys(COMMANDS) as CommandName[];

/** All commands but the screen: the command line starts with their names. */
export const NAMED_COMMANDS = COMMAND_NAMES.filter((name) => name !== 'screen');

/** Topics of `netpane help`. */
export const HELP_TOPICS: readonly HelpTopic[] = [...NAMED_COMMANDS, 'query', 'columns', 'keys'];
