import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Connection } from './load.ts';
import type { Watcher } from './watchers.ts';

/** How many of the connections a watcher reported. All are counts. */
export interface Detections {
  readonly made: number;
  /** The client's socket was reported, alive or as a remnant. */
  readonly seen: number;
  /** Only the remnant (TIME_WAIT) was reported, which has no process. */
  readonly remnantsOnly: number;
  /** Reported with the client's process. */
  readonly right: number;
  /** Reported with another process only. */
  readonly wrong: number;
  /** Details that only netpane's events have. */
  readonly events: EventTally | undefined;
}

/** Tally of the events of `netpane watch`. */
export interface EventTally {
  /** Client sockets without a close event. */
  readonly unclosedClients: number;
  /** Server sockets without a close event. */
  readonly unclosedServers: number;
  /** Sockets whose close a poll noticed: its message may be among the missed ones. */
  readonly closedByPoll: number;
  /** Sockets with a close event that have not exactly one spawn event. */
  readonly oddSpawns: number;
  /** Sockets with more than one close event. */
  readonly oddCloses: number;
  /** Server sockets reported with the server's process. */
  readonly serversRight: number;
  /** Closes that gap events count as missed. */
  readonly missedCloses: number;
  /** Records of the trace that gap events count as missed. */
  readonly missedTrace: number;
  /** True if a gap event has no count. */
  readonly hasUncounted: boolean;
  /** Events of sockets that are not part of the load. */
  readonly foreign: number;
}

/** One socket of a connection, and what was reported about it. */
interface LoadSocket {
  readonly pid: number;
  isAlive: boolean;
  isRemnant: boolean;
  isRight: boolean;
  isWrong: boolean;
  spawns: number;
  closes: number;
  isClosedByPoll: boolean;
}

/** A socket in the output of ss, lsof or netstat. */
interface ListedSocket {
  /** `address:port`. */
  readonly local: string;
  readonly remote: string;
  readonly isRemnant: boolean;
  readonly pids: readonly number[];
}

const CLIENT_ADDRESS = '127.0.0.1';

const loadSocket = (pid: number): LoadSocket => ({
  pid,
  isAlive: false,
  isRemnant: false,
  isRight: false,
  isWrong: false,
  spawns: 0,
  closes: 0,
  isClosedByPoll: false,
});

const pidsIn = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, pid]) => Number(pid));

/** Parsers of a line of each tool; undefined for a line that is no TCP socket. */
const PARSERS = {
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
} as const satisfies Record<string, (line: string) => ListedSocket | undefined>;

/** A line of `netpane watch --json`. */
interface WatchEvent {
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

/** Both sockets of every connection of the load, by local and remote endpoint. */
class LoadSockets {
  readonly clients = new Map<string, LoadSocket>();
  readonly servers = new Map<string, LoadSocket>();

  constructor(connections: readonly Connection[]) {
    for (const { localPort, host, port, pid, serverPid } of connections) {
      const [client, server] = [`${CLIENT_ADDRESS}:${localPort}`, `${host}:${port}`];
      this.clients.set(`${client} ${server}`, loadSocket(pid));
      this.servers.set(`${server} ${client}`, loadSocket(serverPid));
    }
    // The reports of two such connections could not be distinguished.
    if (this.clients.size < connections.length) throw new Error('two connections had the same endpoints');
  }

  find(local: string, remote: string): LoadSocket | undefined {
    const key = `${local} ${remote}`;
    return this.clients.get(key) ?? this.servers.get(key);
  }
}

function recordReport(socket: LoadSocket, isRemnant: boolean, pids: readonly number[]): void {
  if (isRemnant) socket.isRemnant = true;
  else socket.isAlive = true;
  if (pids.includes(socket.pid)) socket.isRight = true;
  else if (pids.length > 0) socket.isWrong = true;
}

const count = (sockets: ReadonlyMap<string, LoadSocket>, is: (socket: LoadSocket) => boolean): number =>
  [...sockets.values()].filter(is).length;

/** Compares the output of a watcher, in `file`, with the connections that the load made. */
export async function readDetections(
  file: string,
  { format }: Watcher,
  made: readonly Connection[],
): Promise<Detections> {
  const sockets = new LoadSockets(made);
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
  let events: EventTally | undefined;
  if (format === 'netpane') events = await readEvents(lines, sockets);
  else if (format === 'nethogs') await readProcesses(lines, sockets);
  else {
    for await (const line of lines) {
      const listed = PARSERS[format](line);
      const socket = listed && sockets.find(listed.local, listed.remote);
      if (socket) recordReport(socket, listed.isRemnant, listed.pids);
    }
  }
  return {
    made: made.length,
    seen: count(sockets.clients, (it) => it.isAlive || it.isRemnant),
    remnantsOnly: count(sockets.clients, (it) => it.isRemnant && !it.isAlive),
    right: count(sockets.clients, (it) => it.isRight),
    wrong: count(sockets.clients, (it) => it.isWrong && !it.isRight),
    events,
  };
}

/** Reads nethogs, which reports processes (`path/pid/uid`) and no connections: one of a reported process counts as seen. */
async function readProcesses(lines: AsyncIterable<string>, sockets: LoadSockets): Promise<void> {
  const reported = new Set<number>();
  for await (const line of lines) for (const pid of pidsIn(line, /\/(\d+)\/\d+\t/g)) reported.add(pid);
  for (const socket of sockets.clients.values())
    if (reported.has(socket.pid)) recordReport(socket, false, [socket.pid]);
}

async function readEvents(lines: AsyncIterable<string>, sockets: LoadSockets): Promise<EventTally> {
  let [missedCloses, missedTrace, foreign, hasUncounted] = [0, 0, 0, false];
  for await (const line of lines) {
    const { type, learntBy, missed, socket: reported } = JSON.parse(line) as WatchEvent;
    if (type === 'gap') {
      hasUncounted ||= missed === undefined;
      if (learntBy === 'trace') missedTrace += missed ?? 0;
      else missedCloses += missed ?? 0;
      continue;
    }
    const socket = sockets.find(textOf(reported.local), textOf(reported.remote));
    if (socket === undefined) {
      foreign++;
      continue;
    }
    if (type === 'spawn') socket.spawns++;
    if (type === 'close') {
      socket.closes++;
      socket.isClosedByPoll ||= learntBy === 'poll';
    }
    const pids = reported.owners.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
    recordReport(socket, learntBy === 'poll' && reported.state === 'TIME_WAIT', pids);
  }
  const all = new Map([...sockets.clients, ...sockets.servers]);
  return {
    unclosedClients: count(sockets.clients, (it) => it.closes === 0),
    unclosedServers: count(sockets.servers, (it) => it.closes === 0),
    closedByPoll: count(all, (it) => it.isClosedByPoll),
    oddSpawns: count(all, (it) => it.closes > 0 && it.spawns !== 1),
    oddCloses: count(all, (it) => it.closes > 1),
    serversRight: count(sockets.servers, (it) => it.isRight),
    missedCloses,
    missedTrace,
    hasUncounted,
    foreign,
  };
}
