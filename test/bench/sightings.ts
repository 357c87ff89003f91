import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Call } from './calls.ts';
import type { Watcher } from './watchers.ts';

/** How much of the connections made a watcher has told. All are counts. */
export interface Sightings {
  readonly made: number;
  /** The caller's end was told, alive or as what is left of it. */
  readonly seen: number;
  /** Only as what is left of it (TIME_WAIT), which nobody holds. */
  readonly remnantsOnly: number;
  /** With the process that made it; with another one. */
  readonly right: number;
  readonly wrong: number;
  /** Only netpane tells these. */
  readonly books: Books | undefined;
}

/** What netpane tells beyond what it saw. */
export interface Books {
  /** Ends of connections of which no close was told: of the callers, and of the servers. */
  readonly unseenCalls: number;
  readonly unseenServed: number;
  /** Ends with more or less than one spawn, of those with a close; ends with more than one close. */
  readonly oddSpawns: number;
  readonly oddCloses: number;
  /** Ends of the servers with the server's process. */
  readonly servedRight: number;
  /** What it says was missed: closes of sockets, records of the trace. */
  readonly missedCloses: number;
  readonly missedTrace: number;
  /** It says that something was missed, and not how much. */
  readonly hasUncounted: boolean;
  /** Events of sockets that are not the load's: others on this machine. */
  readonly others: number;
}

/** One end of a connection, and what was told of it. */
interface End {
  readonly pid: number;
  isAlive: boolean;
  isRemnant: boolean;
  isRight: boolean;
  isWrong: boolean;
  spawns: number;
  closes: number;
}

/** A socket in what a rival prints. */
interface Sight {
  /** `address:port`. */
  readonly local: string;
  readonly remote: string;
  readonly isRemnant: boolean;
  readonly pids: readonly number[];
}

const CALLER_ADDRESS = '127.0.0.1';

const endOf = (pid: number): End => ({
  pid,
  isAlive: false,
  isRemnant: false,
  isRight: false,
  isWrong: false,
  spawns: 0,
  closes: 0,
});

const pidsIn = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, pid]) => Number(pid));

/** How each rival writes a TCP socket: undefined for any other line. */
const READERS = {
  ss: (line) => {
    const [protocol, state, , , local = '', remote = '', ...rest] = line.split(/\s+/);
    if (protocol !== 'tcp') return undefined;
    return { local, remote, isRemnant: state === 'TIME-WAIT', pids: pidsIn(rest.join(' '), /pid=(\d+)/g) };
  },
  netstat: (line) => {
    const [protocol, , , local = '', remote = '', state, ...rest] = line.split(/\s+/);
    if (protocol !== 'tcp') return undefined;
    return { local, remote, isRemnant: state === 'TIME_WAIT', pids: pidsIn(rest.join(' '), /^(\d+)\//g) };
  },
  lsof: (line) => {
    const [, pid, local = '', remote = '', state] =
      /^\S+\s+(\d+)\s.*\sTCP (\S+)->(\S+) \((\S+)\)$/.exec(line) ?? [];
    if (pid === undefined) return undefined;
    return { local, remote, isRemnant: state === 'TIME_WAIT', pids: [Number(pid)] };
  },
} as const satisfies Record<string, (line: string) => Sight | undefined>;

/** A line of `netpane watch --json`. */
interface Told {
  readonly type: 'spawn' | 'change' | 'close' | 'gap';
  readonly learntBy: 'poll' | 'destroy' | 'trace';
  readonly missed?: number;
  readonly socket: {
    readonly local: Address;
    readonly remote: Address | null;
    readonly state?: string;
    readonly owners: readonly { readonly pid?: number }[];
  };
}

interface Address {
  readonly address: string;
  readonly port: number;
}

const textOf = (it: Address | null) => (it ? `${it.address}:${it.port}` : '');

/** All ends of the connections made, by both endpoints. */
class Ends {
  readonly calls = new Map<string, End>();
  readonly served = new Map<string, End>();

  constructor(calls: readonly Call[]) {
    for (const { localPort, host, port, pid, serverPid } of calls) {
      const [near, far] = [`${CALLER_ADDRESS}:${localPort}`, `${host}:${port}`];
      this.calls.set(`${near} ${far}`, endOf(pid));
      this.served.set(`${far} ${near}`, endOf(serverPid));
    }
    // Else what is told of one would count for another.
    if (this.calls.size < calls.length) throw new Error('two connections had the same endpoints');
  }

  find(local: string, remote: string): End | undefined {
    const key = `${local} ${remote}`;
    return this.calls.get(key) ?? this.served.get(key);
  }
}

function mark(end: End, isRemnant: boolean, pids: readonly number[]): void {
  if (isRemnant) end.isRemnant = true;
  else end.isAlive = true;
  if (pids.includes(end.pid)) end.isRight = true;
  else if (pids.length > 0) end.isWrong = true;
}

const count = (ends: ReadonlyMap<string, End>, is: (end: End) => boolean): number =>
  [...ends.values()].filter(is).length;

/** Compares what a watcher has printed with the connections that were made. */
export async function sightingsIn(
  file: string,
  { format }: Watcher,
  made: readonly Call[],
): Promise<Sightings> {
  const ends = new Ends(made);
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
  let books: Books | undefined;
  if (format === 'netpane') books = await readEvents(lines, ends);
  else if (format === 'nethogs') await readPrograms(lines, ends);
  else {
    for await (const line of lines) {
      const sight = READERS[format](line);
      const end = sight && ends.find(sight.local, sight.remote);
      if (end) mark(end, sight.isRemnant, sight.pids);
    }
  }
  return {
    made: made.length,
    seen: count(ends.calls, (it) => it.isAlive || it.isRemnant),
    remnantsOnly: count(ends.calls, (it) => it.isRemnant && !it.isAlive),
    right: count(ends.calls, (it) => it.isRight),
    wrong: count(ends.calls, (it) => it.isWrong && !it.isRight),
    books,
  };
}

/** nethogs tells no connections, only programs: `path/pid/uid`. A connection of one it named is as good as seen. */
async function readPrograms(lines: AsyncIterable<string>, ends: Ends): Promise<void> {
  const named = new Set<number>();
  for await (const line of lines) for (const pid of pidsIn(line, /\/(\d+)\/\d+\t/g)) named.add(pid);
  for (const end of ends.calls.values()) if (named.has(end.pid)) mark(end, false, [end.pid]);
}

async function readEvents(lines: AsyncIterable<string>, ends: Ends): Promise<Books> {
  let [missedCloses, missedTrace, others, hasUncounted] = [0, 0, 0, false];
  for await (const line of lines) {
    const { type, learntBy, missed, socket } = JSON.parse(line) as Told;
    if (type === 'gap') {
      hasUncounted ||= missed === undefined;
      if (learntBy === 'trace') missedTrace += missed ?? 0;
      else missedCloses += missed ?? 0;
      continue;
    }
    const end = ends.find(textOf(socket.local), textOf(socket.remote));
    if (end === undefined) {
      others++;
      continue;
    }
    if (type === 'spawn') end.spawns++;
    if (type === 'close') end.closes++;
    const pids = socket.owners.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
    mark(end, learntBy === 'poll' && socket.state === 'TIME_WAIT', pids);
  }
  const both = new Map([...ends.calls, ...ends.served]);
  return {
    unseenCalls: count(ends.calls, (it) => it.closes === 0),
    unseenServed: count(ends.served, (it) => it.closes === 0),
    oddSpawns: count(both, (it) => it.closes > 0 && it.spawns !== 1),
    oddCloses: count(both, (it) => it.closes > 1),
    servedRight: count(ends.served, (it) => it.isRight),
    missedCloses,
    missedTrace,
    hasUncounted,
    others,
  };
}
