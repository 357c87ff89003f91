import { basename } from 'node:path';
import { formatRow } from '../../export/formats.ts';
import type { Event, SocketEvent } from '../../model/event.ts';
import { counted, printable, shortened } from '../../model/text.ts';
import { parseQuery, type Query } from '../../query/query.ts';
import type { Lookups } from '../../store/lookups.ts';
import { endpointText, ownerText } from '../../view/text/format.ts';
import { slowText } from '../../view/text/query-notices.ts';
import type { Account } from '../config/account.ts';
import { EventFilter } from '../event-filter.ts';
import type { Environment } from '../config/paths.ts';
import { geoFilesOf, lookupsFor } from '../geo/lookups.ts';
import type { Invocation } from '../invocation.ts';
import { CommandRuns } from './command-runs.ts';
import { type Changes, FirstMatches } from './first-matches.ts';
import { notificationCommand, sessionEnvironment } from './notification.ts';
import type { OnRule } from './rule.ts';

/** Maximum number of matches of a rule that are acted on at once; after that, the maximum number per minute. */
export const BURST = 10;
const MINUTE_MS = 60_000;

/** Maximum length of a query in a message, UTF-16 units. */
const MAX_QUERY = 60;

/** Something to show to the user. */
export interface OnReport {
  /** Printable. */
  readonly text: string;
  readonly isError: boolean;
  /** Ring the bell of the terminal. */
  readonly bell: boolean;
}

/** Inputs of the rules from outside. A test replaces parts. */
export interface OnTools {
  readonly account: Pick<Account, 'environment' | 'ids'>;
  readonly report: (report: OnReport) => void;
  readonly runs?: CommandRuns;
  readonly nowMs?: () => number;
}

/** Returns a few words that name the socket of an event. */
function subjectText({ socket }: SocketEvent): string {
  const { protocol, local, remote } = socket;
  const place =
    remote === null ? endpointText(local, socket) : `:${local.port} - ${endpointText(remote, socket)}`;
  return `${ownerText(socket)} ${protocol} ${place}`;
}

/** Carries out one rule, at a limited rate. */
class RunningRule {
  readonly #rule: OnRule;
  readonly #tools: Required<OnTools>;
  /** True if the rule was given on the command line. */
  readonly #isGiven: boolean;
  /** Number of matches that may run the command now, with a fraction. */
  #allowed = BURST;
  #allowedAtMs: number;
  /** Matches since the last report that did not run the command. */
  #skipped = 0;
  #skipTimer: NodeJS.Timeout | undefined;
  #lastFailure: string | undefined;

  constructor(rule: OnRule, isGiven: boolean, tools: Required<OnTools>) {
    this.#rule = rule;
    this.#tools = tools;
    this.#isGiven = isGiven;
    this.#allowedAtMs = tools.nowMs();
  }

  /** Carries out the rule for a socket, or counts it. */
  act(event: SocketEvent): void {
    if (!this.#mayRun()) {
      this.#skip(`more than ${BURST} matches a minute`);
      return;
    }
    const { command, bell, notify } = this.#rule;
    const [program] = command;
    const text = `${this.#name} matched ${subjectText(event)}${program === undefined ? '' : ` → ${basename(program)}`}`;
    if (program !== undefined && !this.#run(command, event)) {
      this.#skip('too many commands wait');
      return;
    }
    this.#tools.report({ text: printable(text), isError: false, bell });
    if (notify) this.#notify(printable(text));
  }

  /** Reports what was counted, and ends the timer. */
  stop(): void {
    clearTimeout(this.#skipTimer);
    this.#reportSkipped();
  }

  get #name(): string {
    return `on: ${shortened(this.#rule.query, MAX_QUERY) || 'every socket'}`;
  }

  /** Returns true if the rate allows one more match. */
  #mayRun(): boolean {
    const nowMs = this.#tools.nowMs();
    this.#allowed = Math.min(BURST, this.#allowed + ((nowMs - this.#allowedAtMs) * BURST) / MINUTE_MS);
    this.#allowedAtMs = nowMs;
    if (this.#allowed < 1) return false;
    this.#allowed--;
    return true;
  }

  #skip(why: string): void {
    this.#skipped++;
    this.#skipTimer ??= setTimeout(() => {
      this.#skipTimer = undefined;
      this.#reportSkipped();
    }, MINUTE_MS).unref();
    if (this.#skipped > 1) return;
    this.#fail(`${why}: further ones are only counted`);
  }

  #reportSkipped(): void {
    if (this.#skipped > 0) this.#fail(`${counted(this.#skipped, 'match', 'matches')} not acted on`);
    this.#skipped = 0;
  }

  #fail(text: string): void {
    this.#tools.report({ text: printable(`${this.#name}: ${text}`), isError: true, bell: false });
  }

  /** Runs the command. Returns false if too many wait. */
  #run(command: readonly string[], event: SocketEvent): boolean {
    const { account, runs } = this.#tools;
    const input = formatRow('json').eventLines?.([event]) ?? '';
    // A command of the configuration file runs as the user who owns the file, also under sudo.
    const how = this.#isGiven ? { env: process.env } : { env: account.environment, ids: account.ids };
    return runs.add({ command, input, ...how, onEnd: (failure) => this.#end(command, failure) });
  }

  #notify(text: string): void {
    const { account, runs } = this.#tools;
    const command = notificationCommand(text, process.platform);
    const uid = account.ids?.uid ?? process.geteuid?.() ?? 0;
    const env = sessionEnvironment(account.environment, uid);
    const isAdded = runs.add({
      command,
      input: '',
      env,
      ids: account.ids,
      onEnd: (failure) => this.#end(command, failure),
    });
    if (!isAdded) this.#fail('no notification: too many commands wait');
  }

  /** Reports a failure, the same one only once. */
  #end([program = '']: readonly string[], failure: string | undefined): void {
    if (failure === undefined) return;
    const text = `${basename(program)} failed: ${failure}`;
    if (text === this.#lastFailure) return;
    this.#lastFailure = text;
    this.#fail(text);
  }
}

/** A rule that is ready to start. */
export interface ReadRule {
  readonly rule: OnRule;
  readonly query: Query;
  readonly lookups: Lookups;
  /** True if it was given on the command line. */
  readonly isGiven: boolean;
}

/**
 * Resolves to the rules of an invocation, with the lookups that their queries need.
 * @param environment that of the user whose files are used
 * @param complain receives why a file with locations cannot be used
 * @throws Error, for the user, about a bad query, a host without an address or a missing file
 */
export async function readRules(
  { on, origins, geoFiles }: Pick<Invocation, 'on' | 'origins' | 'geoFiles'>,
  environment: Environment,
  complain: (text: string) => void,
): Promise<ReadRule[]> {
  const files = geoFilesOf(geoFiles, environment, complain);
  const isGiven = origins.on.from === 'command line';
  return Promise.all(
    on.map(async (rule) => {
      const parsed = parseQuery(rule.query);
      if ('problem' in parsed) throw new Error(`bad query: ${parsed.problem.message}`);
      const { query } = parsed;
      return { rule, query, lookups: await lookupsFor(query, files), isGiven };
    }),
  );
}

/** All rules of `--on` and `[[on]]`. */
export class OnRules {
  readonly #rules: readonly RunningRule[];
  readonly #matches: readonly FirstMatches[];
  readonly #runs: CommandRuns;

  constructor(
    rules: readonly ReadRule[],
    { account, report, runs = new CommandRuns(), nowMs = () => performance.now() }: OnTools,
  ) {
    this.#runs = runs;
    const tooSlow = (regex: string): void =>
      report({ text: printable(slowText(regex)), isError: true, bell: false });
    const running = rules.map(({ rule, query, lookups, isGiven }) => ({
      rule: new RunningRule(rule, isGiven, { account, report, runs, nowMs }),
      filter: new EventFilter(query, lookups, tooSlow),
    }));
    this.#rules = running.map(({ rule }) => rule);
    this.#matches = running.map(({ rule, filter }) => new FirstMatches(filter, (event) => rule.act(event)));
  }

  /** True if there are no rules. */
  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** Tests events. In `watch` they come before the batch that has their sockets. */
  takeEvents(events: readonly Event[]): void {
    for (const matches of this.#matches) matches.takeEvents(events);
  }

  /** Takes a batch, with its events if it has some. */
  take(batch: Changes): void {
    for (const matches of this.#matches) matches.take(batch);
  }

  /** Ends the running commands, and reports what was only counted. */
  stop(): void {
    this.#runs.stop();
    for (const rule of this.#rules) rule.stop();
  }
}
