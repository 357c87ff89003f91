import type { Batch } from './batch.ts';
import type { Socket, Traffic } from './socket.ts';

/** So many different texts are shared; beyond it the memory begins anew with those of now. */
const MOST_TEXTS = 50_000;

/**
 * Makes small what has come from another thread: there every socket has texts of its own, `tcp` a hundred thousand
 * times, and its objects keep their fields outside of themselves. It takes a third off the memory of a socket.
 */
export class Compactor {
  readonly #texts = new Map<string, string>();

  /** The same batch, with other objects. */
  batch(batch: Batch): Batch {
    const text = <T extends string>(value: T): T => this.#text(value);
    // A socket that an event is about is mostly in one of the lists too.
    const made = new Map<Socket, Socket>();
    const compact = (socket: Socket): Socket => {
      const known = made.get(socket);
      if (known) return known;
      const small = new CompactSocket(socket, text);
      if (batch.events.length > 0) made.set(socket, small);
      return small;
    };
    return {
      ...batch,
      spawned: batch.spawned.map(compact),
      changed: batch.changed.map(compact),
      events: batch.events.map((event) =>
        event.type === 'gap' ? event : { ...event, socket: compact(event.socket) },
      ),
    };
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
  declare readonly timer?: NonNullable<Socket['timer']>;
  declare readonly tcp?: NonNullable<Socket['tcp']>;

  constructor(socket: Socket, text: Shared) {
    const { local, remote, state, inode, uid, user, netns, traffic, timer, tcp } = socket;
    this.id = socket.id;
    this.protocol = text(socket.protocol);
    this.family = text(socket.family);
    this.local = { address: text(local.address), port: local.port };
    this.remote = remote && { address: text(remote.address), port: remote.port };
    this.owners = socket.owners;
    if (state !== undefined) this.state = text(state);
    if (inode !== undefined) this.inode = inode;
    if (uid !== undefined) this.uid = uid;
    if (user !== undefined) this.user = text(user);
    if (socket.interface !== undefined) this.interface = text(socket.interface);
    if (netns !== undefined) this.netns = netns;
    if (traffic !== undefined) this.traffic = new CompactTraffic(traffic);
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
