import { arch, homedir, hostname, platform, release, userInfo } from 'node:os';
import type { Snapshot } from '../../model/batch.ts';
import { type Bounds, boundsFor } from '../../model/bounds.ts';
import { printable } from '../../model/text.ts';
import { openSource } from '../../source/index.ts';
import { readSystem } from '../../source/system.ts';
import type { Account } from '../config/account.ts';
import { messageOf } from '../errors.ts';
import { localText } from '../locale.ts';
import type { Invocation } from '../invocation.ts';
import { memoryLimit } from '../memory.ts';
import { type Check, TOPICS } from './check.ts';
import { fileChecks } from './file-checks.ts';
import { geoChecks } from './geo-checks.ts';
import { type PrivateNames, Redactor } from './redact.ts';
import { type SourceFacts, sourceChecks } from './source-checks.ts';
import { facilityChecks, limitChecks, systemChecks } from './system-checks.ts';
import { terminalChecks } from './terminal-checks.ts';

/** Version of the JSON output: raised if a field or topic changes its meaning. */
const SCHEMA = 1;

/** The output of `netpane doctor`. */
export interface DoctorReport {
  readonly text: string;
  /** False if no source works: then netpane does not work here. */
  readonly works: boolean;
}

/** `netpane doctor`: says what works on this machine, what does not, and what helps. It polls once. */
export async function doctorReport(
  invocation: Invocation,
  version: string,
  account: Account,
): Promise<DoctorReport> {
  const memoryBytes = memoryLimit();
  const bounds = boundsFor(memoryBytes);
  const system = await readSystem();
  const polled = await pollOnce(invocation, bounds);
  const user = ownName();
  const identity = {
    netpane: version,
    node: process.version,
    system: platform(),
    kernel: release(),
    architecture: arch(),
    host: hostname(),
    user,
    isRoot: process.geteuid?.() === 0,
    filesOf: account.ids && account.user,
  };
  const { stdout } = process;
  const output = {
    isTerminal: stdout.isTTY,
    columns: stdout.isTTY ? stdout.columns : undefined,
    rows: stdout.isTTY ? stdout.rows : undefined,
    colourBits: stdout.isTTY ? stdout.getColorDepth() : undefined,
  };
  const checks = [
    ...systemChecks(identity, system),
    ...sourceChecks(typeof polled === 'string' ? polled : polled.facts),
    ...facilityChecks(system),
    ...terminalChecks(process.env, output, invocation.mouse),
    ...limitChecks(system, bounds, memoryBytes),
    ...fileChecks(invocation.configFile, account.environment, account),
    ...(await geoChecks(invocation.geoFiles, account.environment)),
  ];
  const inOrder = checks.toSorted((a, b) => TOPICS.indexOf(a.topic) - TOPICS.indexOf(b.topic));
  const names = privateNames(
    [identity.user, account.user],
    identity.host,
    system.linux?.container,
    typeof polled === 'string' ? undefined : polled.snapshot,
  );
  const homes = [account.environment['HOME'] ?? '', homedir()];
  const redactor = invocation.isRedacted ? new Redactor(names, homes) : undefined;
  const redacted = redactor ? inOrder.map((check) => redactor.check(check)) : inOrder;
  // Notices and paths may have hostile names in them.
  const shown = redacted.map((check) => ({ ...check, text: printable(check.text) }));
  return {
    text: invocation.format === 'json' ? jsonText(shown) : localText(plainText(shown), process.env),
    works: typeof polled !== 'string',
  };
}

/** Opens the source as the screen does, polls once and closes it. Resolves to the reason if that fails. */
async function pollOnce(
  { source: name, also }: Invocation,
  bounds: Bounds,
): Promise<{ readonly facts: SourceFacts; readonly snapshot: Snapshot } | string> {
  try {
    const source = await openSource(name, {
      also,
      tcpDetails: false,
      ownerBudgetMs: Infinity,
      events: true,
      bounds,
    });
    try {
      const snapshot = await source.read();
      const facts: SourceFacts = {
        name: source.name,
        sockets: snapshot.sockets.size,
        degradations: snapshot.degradations,
        facilities: source.facilities?.(),
        coverage: source.events?.coverage,
      };
      return { facts, snapshot };
    } finally {
      source.close?.();
    }
  } catch (error) {
    return messageOf(error);
  }
}

/** Returns the name of the user that netpane runs as, or its number without a name. */
function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.geteuid?.() ?? '?'}`;
  }
}

/** Returns the names that `--redact` replaces: those of the users, the machine and all that the poll has found. */
function privateNames(
  users: readonly string[],
  host: string,
  container: string | undefined,
  snapshot: Snapshot | undefined,
): PrivateNames {
  const sockets = [...(snapshot?.sockets.values() ?? [])];
  const owners = sockets.flatMap((socket) => socket.owners);
  const textOf = (some: readonly (string | undefined)[]) => some.filter((it) => it !== undefined);
  return {
    USER: new Set(textOf([...users, ...sockets.map(({ user }) => user), ...owners.map(({ user }) => user)])),
    HOST: [host, host.split('.')[0] ?? ''],
    NAMESPACE: new Set(textOf(sockets.flatMap(({ netns }) => [netns?.name]))),
    CONTAINER: textOf([container]),
    PROGRAM: new Set(textOf(owners.flatMap((it) => [it.process, it.nowProcess]))),
  };
}

const jsonText = (checks: readonly Check[]): string =>
  `${JSON.stringify({ schema: SCHEMA, checks }, undefined, 1)}\n`;

const MARKS: Readonly<Record<Check['state'], string>> = { ok: 'ok', missing: 'missing', info: '-' };

/** Returns a line for each check, and one below it for its remedy. */
function plainText(checks: readonly Check[]): string {
  const width = Math.max(...TOPICS.map((it) => it.length));
  const lines = checks.flatMap(({ topic, state, text, remedy }) => {
    const line = `${MARKS[state].padEnd(9)}${topic.padEnd(width + 2)}${text}`;
    return remedy === undefined ? [line] : [line, `${' '.repeat(9 + width + 2)}→ ${remedy}`];
  });
  return `${lines.join('\n')}\n`;
}
