import type { Direction, Endpoint, Family } from '../../../model/socket.ts';
import { fileTimeOf } from '../layout.ts';
import { endpointKey, endpointOf, familyOf, numberAt } from './endpoints.ts';
import { EVENT_ID } from './layout.ts';
import { SLOT, SLOT_WORDS } from './ring.ts';

/** Maximum number of connections that are followed. */
const MAX_CONNECTIONS = 2 ** 16;

/** A TCP connection by the events about it. */
export interface TracedConnection {
  readonly family: Family;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Process of its start, else that of its first event. */
  readonly pid: number;
  /** FILETIME and direction of its start; undefined if that was not reported. */
  readonly startedAt: number | undefined;
  readonly opened: Direction | undefined;
  rxBytes: number;
  txBytes: number;
  /** FILETIME of its end; 0 while it is open. */
  endedAt: number;
}

/**
 * Follows TCP connections by their events, from connect or accept to disconnect.
 *
 *     connected, accepted ─▶ open ─▶ (sent, received: bytes) ─▶ disconnected ─▶ ended, taken by the next poll
 */
export class TracedConnections {
  readonly #open = new Map<string, TracedConnection>();
  #ended: TracedConnection[] = [];
  /** The last event and its key: several in a row are about one connection. */
  readonly #previous = new Int32Array(SLOT_WORDS);
  #previousKey = '';
  /** Number of events that had no room. */
  #omitted = 0;

  /** Applies an event of TCP. */
  apply(words: Int32Array, at: number): void {
    const key = this.#keyOf(words, at);
    const id = words[at + SLOT.id];
    const isStart = id === EVENT_ID.connected || id === EVENT_ID.accepted;
    let connection = isStart ? undefined : this.#open.get(key);
    if (connection === undefined) {
      const hasRoom = this.#open.size < MAX_CONNECTIONS && this.#ended.length < MAX_CONNECTIONS;
      if (!hasRoom && !this.#open.has(key)) {
        this.#omitted++;
        return;
      }
      connection = newConnection(words, at, isStart);
      this.#open.set(key, connection);
    }
    const size = numberAt(words, at, SLOT.size);
    if (id === EVENT_ID.sent) connection.txBytes += size;
    else if (id === EVENT_ID.received) connection.rxBytes += size;
    else if (id === EVENT_ID.disconnected) {
      this.#open.delete(key);
      connection.endedAt = timeOf(words, at);
      this.#ended.push(connection);
    }
  }

  /** Returns the key of the connection of an event: family and endpoints, which follow the other fields of a slot. */
  #keyOf(words: Int32Array, at: number): string {
    const last = this.#previous;
    let differences =
      this.#previousKey === '' ? 1 : (words[at + SLOT.isIpv6] ?? 0) ^ (last[SLOT.isIpv6] ?? 0);
    for (let i: number = SLOT.remotePort; i < SLOT_WORDS; i++)
      differences |= (words[at + i] ?? 0) ^ (last[i] ?? 0);
    if (differences === 0) return this.#previousKey;
    for (let i = 0; i < SLOT_WORDS; i++) last[i] = words[at + i] ?? 0;
    this.#previousKey = endpointKey(words, at, 'local') + endpointKey(words, at, 'remote');
    return this.#previousKey;
  }

  /** The connections that have not ended. */
  get open(): Iterable<TracedConnection> {
    return this.#open.values();
  }

  /** Returns the connections that ended since the last call. */
  takeEnded(): readonly TracedConnection[] {
    const ended = this.#ended;
    this.#ended = [];
    return ended;
  }

  /** Returns the number of events that had no room since the last call. */
  takeOmitted(): number {
    const omitted = this.#omitted;
    this.#omitted = 0;
    return omitted;
  }

  /**
   * Forgets connections whose end was lost, once half of the room is taken.
   * @param exists returns false if no poll sees the connection any more
   */
  prune(exists: (it: TracedConnection) => boolean): void {
    if (this.#open.size < MAX_CONNECTIONS / 2) return;
    for (const [key, it] of this.#open) if (!exists(it)) this.#open.delete(key);
  }
}

const timeOf = (words: Int32Array, at: number): number =>
  fileTimeOf(numberAt(words, at, SLOT.time), numberAt(words, at, SLOT.time + 1));

function newConnection(words: Int32Array, at: number, isStart: boolean): TracedConnection {
  return {
    family: familyOf(words, at),
    local: endpointOf(words, at, 'local'),
    remote: endpointOf(words, at, 'remote'),
    pid: numberAt(words, at, SLOT.pid),
    startedAt: isStart ? timeOf(words, at) : undefined,
    opened: isStart ? (words[at + SLOT.id] === EVENT_ID.connected ? 'out' : 'in') : undefined,
    rxBytes: 0,
    txBytes: 0,
    endedAt: 0,
  };
}
