import type { Batch } from './batch.ts';
import { Cache } from './cache.ts';
import type { Event, SocketEvent } from './event.ts';
import { socketIdOn } from './host.ts';
import type { Socket, Traffic } from './socket.ts';

/** Maximum number of distinct texts that are shared. */
const MAX_TEXTS = 5000;

/**
 * A batch, or a part of one, as it is posted to another thread. The structured clone copies an object once per message,
 * and the parts of a batch are separate messages. Therefore an event refers by index to a socket in the lists.
 */
export interface EncodedBatch extends Omit<Batch, 'events'> {
  readonly events: readonly (Event | EncodedEvent)[];
}

interface EncodedEvent extends Omit<SocketEvent, 'socket'> {
  /** Index of the socket in the concatenation of `spawned` and `changed` of all parts of the batch. */
  readonly socket: number;
}

/** Encodes batches for another thread. */
export class BatchEncoder {
  /** Index of each socket of the current batch. Unused for the baseline, which has no events. */
  readonly #indexes = new Map<Socket, number>();
  #count = 0;

  encode(batch: Batch): EncodedBatch {
    for (const list of batch.baseline ? [] : [batch.spawned, batch.changed])
      for (const socket of list) this.#indexes.set(socket, this.#count++);
    const events = batch.events.map((event) => {
      const index = event.type === 'gap' ? undefined : this.#indexes.get(event.socket);
      return index === undefined ? event : ({ ...event, socket: index } as EncodedEvent);
    });
    if (!batch.partial) {
      this.#indexes.clear();
      this.#count = 0;
    }
    return { ...batch, events };
  }
}

/**
 * Decodes batches from another thread, makes ids unique across hosts, and makes their sockets compact: equal texts
 * become one string, and each object holds its fields in place. After a structured clone every socket has its own copy
 * of `tcp`, and V8 stores the fields in a second object. A compact socket takes a third less memory.
 */
export class BatchDecoder {
  readonly #texts = new Cache<string, string>(MAX_TEXTS);
  /** Sockets of the current batch, by index. */
  #sockets: Socket[] = [];

  /** Returns the batch with compact sockets. Throws if an event refers to a socket that was not sent. */
  decode(batch: EncodedBatch): Batch {
    const text = <T extends string>(value: T): T => this.#text(value);
    const { host } = batch;
    const compact = (socket: Socket): Socket => new CompactSocket(socket, socketIdOn(host, socket.id), text);
    const spawned = batch.spawned.map(compact);
    const changed = batch.changed.map(compact);
    if (!batch.baseline) for (const socket of [...spawned, ...changed]) this.#sockets.push(socket);
    const events = batch.events.map((event): Event => {
      if (event.type === 'gap') return event;
      const socket = typeof event.socket === 'number' ? this.#sockets[event.socket] : compact(event.socket);
      if (socket === undefined) throw new Error('an event refers to a socket that was not sent');
      if (event.type === 'sum') return { ...event, socket };
      return { ...event, type: text(event.type), learntBy: text(event.learntBy), socket };
    });
    if (!batch.partial) this.#sockets = [];
    const closed = batch.closed.map((id) => socketIdOn(host, id));
    return { ...batch, spawned, changed, closed, events };
  }

  #text<T extends string>(text: T): T {
    const shared = this.#texts.get(text) as T | undefined;
    if (shared !== undefined) return shared;
    this.#texts.set(text, text);
    return text;
  }
}

type ShareText = <T extends string>(text: T) => T;

/*
 * V8 reserves space in an object for all fields that its constructor may set. Fields added to any other object go into
 * a second object.
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
  declare readonly createdAtMs?: number;
  declare readonly traffic?: Traffic;
  declare readonly peers?: NonNullable<Socket['peers']>;
  declare readonly opened?: NonNullable<Socket['opened']>;
  declare readonly timer?: NonNullable<Socket['timer']>;
  declare readonly tcp?: NonNullable<Socket['tcp']>;

  constructor(socket: Socket, id: string, text: ShareText) {
    const { local, remote, state, inode, uid, user, netns, createdAtMs, traffic, timer, opened, tcp } =
      socket;
    this.id = id;
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
    if (createdAtMs !== undefined) this.createdAtMs = createdAtMs;
    if (traffic !== undefined) this.traffic = new CompactTraffic(traffic);
    if (socket.peers !== undefined) this.peers = socket.peers;
    if (opened !== undefined) this.opened = text(opened);
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
