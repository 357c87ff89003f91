import { parentPort, type MessagePort } from 'node:worker_threads';
import type { Batch } from '../../src/model/batch.ts';
import { firstOwner, type Socket } from '../../src/model/socket.ts';
import { Sampler } from '../../src/sampler/sampler.ts';
import { openSource } from '../../src/source/index.ts';
import { Native } from '../../src/source/linux/netlink/native.ts';
import { KernelNetlink } from '../../src/source/linux/netlink/system.ts';
import { Proc } from '../../src/source/linux/proc.ts';
import { SockDiagSource } from '../../src/source/linux/sockdiag.ts';
import { type Received, RecordedNetlink } from './bare.ts';
import { ownCpuMs } from './machine.ts';

/** Which clock the costs of a look are of: elapsed time, or CPU time of the whole process. */
export type ClockKind = 'wall' | 'cpu';

/** An order to the looking thread. */
export interface LookOrder {
  readonly clock: ClockKind;
  /** When the bare loop runs, if it does. */
  readonly bare: 'before' | 'after' | 'never';
  /** Where the parts of the batch go to; nowhere when they are of no interest. */
  readonly port?: MessagePort;
}

/** What a look cost, milliseconds. */
export interface LookCosts {
  readonly sampleMs: number;
  readonly ownersMs: number;
  readonly diffMs: number;
  /** The bare loop over the same dumps. */
  readonly bareMs: number | undefined;
  readonly received: Received | undefined;
  readonly sockets: number;
  /** Sockets of which a program is known; counted at the first look only. */
  readonly owned: number | undefined;
  readonly changes: number;
  /** `+1 ~2 -3`: how many of them spawned, changed, closed. */
  readonly kinds: string;
  readonly namespaces: number;
  readonly notices: readonly string[];
}

/** What a first sample was. */
export interface FirstSample {
  readonly ms: number;
  /** Until the source was open: its modules, koffi, and a try whether the kernel answers. */
  readonly openMs: number;
  readonly sockets: number;
  readonly owned: number;
}

const now = { wall: () => performance.now(), cpu: ownCpuMs } as const;

const NO_BUDGET = { also: [], tcpDetails: false, ownerBudgetMs: Infinity } as const;

function countOwned(sockets: Iterable<Socket>): number {
  let owned = 0;
  for (const socket of sockets) if (firstOwner(socket).pid !== undefined) owned++;
  return owned;
}

/** Opens the source as the program does, and takes one sample with all owners. Its modules are not loaded yet. */
async function takeFirst(): Promise<FirstSample> {
  const startMs = performance.now();
  const source = await openSource('sock_diag', NO_BUDGET);
  const openMs = performance.now() - startMs;
  const { sockets } = await source.read();
  const ms = performance.now() - startMs;
  return { ms, openMs, sockets: sockets.size, owned: countOwned(sockets.values()) };
}

/** The source and the sampler of the program, that look when they are told to. */
class Looker {
  #clock: () => number = now.wall;
  readonly #netlink: RecordedNetlink;
  #sockets: ReadonlyMap<string, Socket> = new Map();
  readonly #sampler: Sampler;
  #look: () => void;
  #parts: Batch[] = [];
  #onDone: () => void = () => {};

  constructor(native: Native) {
    this.#netlink = new RecordedNetlink(new KernelNetlink(native));
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
        // Never by itself.
        after: (_delayMs, action) => {
          this.#look = action;
          this.#onDone();
          return () => {};
        },
      },
      onBatch: (batch) => void this.#parts.push(batch),
      onError: (error) => {
        throw error;
      },
    });
    this.#look = () => this.#sampler.start();
  }

  async look({ clock, bare, port }: LookOrder): Promise<LookCosts> {
    this.#clock = now[clock];
    const before = bare === 'before' ? this.#bare() : undefined;
    this.#netlink.begin();
    this.#parts = [];
    const done = new Promise<void>((resolve) => (this.#onDone = resolve));
    this.#look();
    await done;
    const last = this.#parts.at(-1);
    if (last === undefined) throw new Error('a look gave no batch');
    const after = bare === 'after' ? this.#bare() : undefined;
    for (const part of this.#parts) port?.postMessage(part);
    const count = (of: 'spawned' | 'changed' | 'closed') =>
      this.#parts.reduce((sum, part) => sum + part[of].length, 0);
    const [spawned, changed, closed] = [count('spawned'), count('changed'), count('closed')];
    return {
      ...last.cost,
      bareMs: (before ?? after)?.ms,
      received: (before ?? after)?.received,
      sockets: this.#sockets.size,
      owned: last.baseline ? countOwned(this.#sockets.values()) : undefined,
      changes: spawned + changed + closed,
      kinds: `+${spawned} ~${changed} -${closed}`,
      namespaces: this.#netlink.namespaces,
      notices: last.degradations.map(({ text }) => text),
    };
  }

  #bare(): { ms: number; received: Received } {
    const startMs = this.#clock();
    const received = this.#netlink.repeat();
    return { ms: this.#clock() - startMs, received };
  }
}

/** Entry of the looking thread, and of one that takes a first sample. */
export async function beLooker(role: 'look' | 'first'): Promise<void> {
  const port = parentPort;
  if (!port) throw new Error('looking is done in a thread');
  if (role === 'first') {
    port.postMessage(await takeFirst());
    return;
  }
  const looker = new Looker(await Native.load());
  port.on('message', (order: LookOrder) => void looker.look(order).then((costs) => port.postMessage(costs)));
}
