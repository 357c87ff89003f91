import { readlinkSync } from 'node:fs';
import { type MessagePort, parentPort } from 'node:worker_threads';
import type { Batch } from '../../src/model/batch.ts';
import { firstOwner, type Socket } from '../../src/model/socket.ts';
import { Sampler } from '../../src/sampler/sampler.ts';
import { openSource } from '../../src/source/index.ts';
import { Native } from '../../src/source/linux/netlink/native.ts';
import { KernelNetlink } from '../../src/source/linux/netlink/system.ts';
import { Proc } from '../../src/source/linux/proc/proc.ts';
import { SockDiagSource } from '../../src/source/linux/sockdiag.ts';
import { ownCpuMs } from './machine.ts';
import { type Received, RecordingNetlink } from './receive-only.ts';

/** Clock that the costs of a poll are measured with: elapsed time, or CPU time of the whole process. */
export type ClockKind = 'wall' | 'cpu';

/** A request to the polling thread. */
export interface PollRequest {
  readonly clock: ClockKind;
  /** When the receive-only loop runs, relative to the poll. */
  readonly receiveOnly: 'before' | 'after' | 'never';
  /** Destination of the parts of the batch; they are dropped without it. */
  readonly port?: MessagePort;
}

/** Costs of a poll, milliseconds, and what it found. */
export interface PollCosts {
  readonly socketsMs: number;
  readonly ownersMs: number;
  readonly diffMs: number;
  /** Time of the receive-only loop over the same dumps. */
  readonly receiveOnlyMs: number | undefined;
  readonly received: Received | undefined;
  readonly sockets: number;
  /** Number of sockets whose process is known; only of the baseline. */
  readonly owned: number | undefined;
  readonly changes: number;
  /** `+1 ~2 -3`: how many sockets spawned, changed and closed. */
  readonly changesText: string;
  readonly namespaces: number;
  readonly notices: readonly string[];
}

/** Result of a first poll. */
export interface FirstPoll {
  readonly ms: number;
  /** Time to open the source: loading its modules and koffi, and one request to see that the kernel answers. */
  readonly openMs: number;
  /** Number of sockets in the namespace of the benchmark that a process can hold. */
  readonly holdable: number;
  /** How many of them have a known process. */
  readonly owned: number;
}

const CLOCKS = { wall: () => performance.now(), cpu: ownCpuMs } as const;

const NO_BUDGET = { also: [], tcpDetails: false, ownerBudgetMs: Infinity } as const;

/** TCP states of sockets that no process holds: remnants, and connections that are not yet established. */
const UNHELD_STATES: readonly (string | undefined)[] = ['TIME_WAIT', 'SYN_RECV'];

function countOwned(sockets: Iterable<Socket>): number {
  let owned = 0;
  for (const socket of sockets) if (firstOwner(socket).pid !== undefined) owned++;
  return owned;
}

/** Opens the source as the program does, its modules not yet loaded, and takes one poll with all owners. */
async function measureFirstPoll(): Promise<FirstPoll> {
  const startMs = performance.now();
  const source = await openSource('sock_diag', NO_BUDGET);
  const openMs = performance.now() - startMs;
  const { sockets } = await source.read();
  const ms = performance.now() - startMs;
  // Sockets of other namespaces may open and close faster than their owner can be found.
  const inode = Number(/\d+/.exec(readlinkSync('/proc/self/ns/net'))?.[0]);
  const holdable = [...sockets.values()].filter(
    ({ state, netns }) => !UNHELD_STATES.includes(state) && (netns === undefined || netns.inode === inode),
  );
  return { ms, openMs, holdable: holdable.length, owned: countOwned(holdable) };
}

/** The program's source and sampler, which poll on request. */
class Poller {
  #clock: () => number = CLOCKS.wall;
  readonly #netlink: RecordingNetlink;
  #sockets: ReadonlyMap<string, Socket> = new Map();
  readonly #sampler: Sampler;
  #startPoll: () => void;
  #parts: Batch[] = [];
  #onDone: () => void = () => {};

  constructor(native: Native) {
    this.#netlink = new RecordingNetlink(new KernelNetlink(native));
    const source = new SockDiagSource({
      ...NO_BUDGET,
      system: this.#netlink,
      proc: new Proc('/proc'),
      passwdPath: '../etc/passwd',
      root: '/',
      nowMs: () => this.#clock(),
      wallMs: () => Date.now(),
      isRoot: process.geteuid?.() === 0,
    });
    this.#sampler = new Sampler({
      source: {
        name: source.name,
        read: async () => {
          const snapshot = await source.read();
          this.#sockets = snapshot.sockets;
          return snapshot;
        },
      },
      intervalMs: 1000,
      clock: {
        wallMs: () => Date.now(),
        monotonicMs: () => this.#clock(),
        // No timer: the next poll starts on request.
        after: (_delayMs, action) => {
          this.#startPoll = action;
          this.#onDone();
          return () => {};
        },
      },
      onBatch: (batch) => void this.#parts.push(batch),
      onError: (error) => {
        throw error;
      },
    });
    this.#startPoll = () => this.#sampler.start();
  }

  async poll({ clock, receiveOnly, port }: PollRequest): Promise<PollCosts> {
    this.#clock = CLOCKS[clock];
    const before = receiveOnly === 'before' ? this.#receiveOnly() : undefined;
    this.#netlink.startRecording();
    this.#parts = [];
    const done = new Promise<void>((resolve) => (this.#onDone = resolve));
    this.#startPoll();
    await done;
    const last = this.#parts.at(-1);
    if (last === undefined) throw new Error('the poll gave no batch');
    const after = receiveOnly === 'after' ? this.#receiveOnly() : undefined;
    for (const part of this.#parts) port?.postMessage(part);
    const count = (list: 'spawned' | 'changed' | 'closed') =>
      this.#parts.reduce((sum, part) => sum + part[list].length, 0);
    const [spawned, changed, closed] = [count('spawned'), count('changed'), count('closed')];
    return {
      ...last.cost,
      receiveOnlyMs: (before ?? after)?.ms,
      received: (before ?? after)?.received,
      sockets: this.#sockets.size,
      owned: last.baseline ? countOwned(this.#sockets.values()) : undefined,
      changes: spawned + changed + closed,
      changesText: `+${spawned} ~${changed} -${closed}`,
      namespaces: this.#netlink.namespaces,
      notices: last.degradations.map(({ text }) => text),
    };
  }

  #receiveOnly(): { ms: number; received: Received } {
    const startMs = this.#clock();
    const received = this.#netlink.replay();
    return { ms: this.#clock() - startMs, received };
  }
}

/** Entry of the polling thread, and of the thread that takes a first poll. */
export async function runPollWorker(role: 'poll' | 'first-poll'): Promise<void> {
  const port = parentPort;
  if (!port) throw new Error('polls are taken in a thread');
  if (role === 'first-poll') {
    port.postMessage(await measureFirstPoll());
    return;
  }
  const poller = new Poller(await Native.load());
  port.on(
    'message',
    (request: PollRequest) => void poller.poll(request).then((costs) => port.postMessage(costs)),
  );
}
