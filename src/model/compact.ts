import type { Batch } from './batch.ts';
import type { Event, SocketEvent } from './event.ts';
import type { Socket, Traffic } from './socket.ts';

/** So many different texts are shared; beyond it the memory begins anew with those of now. */
const MOST_TEXTS = 50_000;

/**
 * A batch, or a part of one, as it goes from thread to thread. Each object is copied once for each message that it is
 * in; so an event whose socket is in a list of the same batch has but its number there.
 */
export interface EncodedBatch extends Omit<Batch, 'events'> {
  readonly events: readonly (Event | EncodedEvent)[];
}

interface EncodedEvent extends Omit<SocketEvent, 'socket'> {
  /** Of those that spawned and changed, in all parts of the batch. */
  readonly socket: number;
}

/** Makes batches ready for another thread. */
export class BatchEncoder {
  /** The sockets of the batch under way, by their number. Of the baseline there are no events. */
  readonly #numbers = new Map<Socket, number>();
  #count = 0;

  encode(batch: Batch): EncodedBatch {
    for (const list of batch.baseline ? [] : [batch.spawned, batch.changed])
      for (const socket of list) this.#numbers.set(socket, this.#count++);
    const events = batch.events.map((event) => {
      const number = event.type === 'gap' ? undefined : this.#numbers.get(event.socket);
      return number === undefined ? event : ({ ...event, socket: number } as EncodedEvent);
    });
    if (!batch.partial) {
      this.#numbers.clear();
      this.#count = 0;
    }
    return { ...batch, events };
  }
}

/**
 * Makes small what has come from another thread: there every socket has texts of its own, `tcp` a hundred thousand
 * times, and its objects keep their fields outside of themselves. It takes a third off the memory of a socket.
 */
export class BatchDecoder {
  readonly #texts = new Map<string, string>();
  /** The sockets of the batch under way, by their number. */
  #sockets: Socket[] = [];

  /** The same batch, with other objects. */
  decode(batch: EncodedBatch): Batch {
    const text = <T extends string>(value: T): T => this.#text(value);
    const compact = (socket: Socket): Socket => new CompactSocket(socket, text);
    const spawned = batch.spawned.map(compact);
    const changed = batch.changed.map(compact);
    if (!batch.baseline) for (const socket of [...spawned, ...changed]) this.#sockets.push(socket);
    const events = batch.events.map((event): Event => {
      if (event.type === 'gap') return event;
      const socket = typeof event.socket === 'number' ? this.#sockets[event.socket] : compact(event.socket);
      if (socket === undefined) throw new Error('an event is about a socket that has not come');
      return { ...event, socket };
    });
    if (!batch.partial) this.#sockets = [];
    return { ...batch, spawned, changed, events };
  }

  #text<T extends string>(text: T): T {
    const known = this.#texts.get(text) as T | undefined;
    if (known !== undefined) return known;
    if (this.#texts.size >= MOST_TEXTS) this.#texts.clear();
    this.#texts.set(text, text);
    return text;
  }
}

type Shared = <T extends string>(text: T) => T;

/*
 * V8 gives an object that a constructor makes room for all the fields which the constructor may set, and keeps those
 * of any other that grew in a second object.
 */

class CompactSocket implements Socket {
  declare readonly id: Socket['id'];
  declare readonly protocol: Socket['protocol'];
  declare readonly family: Socket['family'];
  declare readonly local: Socket['local'];
  declare readonly remote: Socket['remote'];
  declare readonly owners: Socket['owners'];
  declare readonly state?: NonNullable<Socket['state']>;
  declare readonly inode?: number;
  declare readonly uid?: number;
  declare readonly user?: string;
  declare readonly interface?: string;
  declare readonly netns?: NonNullable<Socket['netns']>;
  declare readonly traffic?: Traffic;
  declare readonly opened?: NonNullable<Socket['opened']>;
  declare readonly timer?: NonNullable<Socket['timer']>;
  declare readonly tcp?: NonNullable<Socket['tcp']>;

  constructor(socket: Socket, text: Shared) {
    const { local, remote, state, inode, uid, user, netns, traffic, timer, opened, tcp } = socket;
    this.id = socket.id;
    this.protocol = text(socket.protocol);
    this.family = text(socket.family);
    const { protocol } = local;
    this.local = {
      address: text(local.address),
      port: local.port,
      ...(protocol !== undefined && { protocol }),
    };
    this.remote = remote && { address: text(remote.address), port: remote.port };
    this.owners = socket.owners;
    if (state !== undefined) this.state = text(state);
    if (inode !== undefined) this.inode = inode;
    if (uid !== undefined) this.uid = uid;
    if (user !== undefined) this.user = text(user);
    if (socket.interface !== undefined) this.interface = text(socket.interface);
    if (netns !== undefined) this.netns = netns;
    if (traffic !== undefined) this.traffic = new CompactTraffic(traffic);
    if (opened !== undefined) this.opened = opened;
    if (timer !== undefined) this.timer = timer;
    if (tcp !== undefined) this.tcp = tcp;
  }
}

class CompactTraffic implements Traffic {
  declare readonly rxBytes?: number;
  declare readonly txBytes?: number;
  declare readonly rxSegments?: number;
  declare readonly txSegments?: number;
  declare readonly retransmits?: number;
  declare readonly rttMicros?: number;
  declare readonly rttVarMicros?: number;
  declare readonly cwnd?: number;
  declare readonly deliveryRate?: number;
  declare readonly recvQueue?: number;
  declare readonly sendQueue?: number;
  declare readonly lastSentAtMs?: number;
  declare readonly lastReceivedAtMs?: number;

  constructor(traffic: Traffic) {
    const { rxBytes, txBytes, rxSegments, txSegments, retransmits, rttMicros, rttVarMicros, cwnd } = traffic;
    const { deliveryRate, recvQueue, sendQueue, lastSentAtMs, lastReceivedAtMs } = traffic;
    if (rxBytes !== undefined) this.rxBytes = rxBytes;
    if (txBytes !== undefined) this.txBytes = txBytes;
    if (rxSegments !== undefined) this.rxSegments = rxSegments;
    if (txSegments !== undefined) this.txSegments = txSegments;
    if (retransmits !== undefined) this.retransmits = retransmits;
    if (rttMicros !== undefined) this.rttMicros = rttMicros;
    if (rttVarMicros !== undefined) this.rttVarMicros = rttVarMicros;
    if (cwnd !== undefined) this.cwnd = cwnd;
    if (deliveryRate !== undefined) this.deliveryRate = deliveryRate;
    if (recvQueue !== undefined) this.recvQueue = recvQueue;
    if (sendQueue !== undefined) this.sendQueue = sendQueue;
    if (lastSentAtMs !== undefined) this.lastSentAtMs = lastSentAtMs;
    if (lastReceivedAtMs !== undefined) this.lastReceivedAtMs = lastReceivedAtMs;
  }
}
