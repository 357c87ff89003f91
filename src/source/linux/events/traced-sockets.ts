import { addActors } from '../../../model/owners.ts';
import type { Direction, Endpoint, Owner, Socket, SocketState } from '../../../model/socket.ts';
import type { KernelEvent } from '../../types.ts';
import type { DestroyRecord, StateRecord } from '../trace/records.ts';
import { isNetpane } from '../proc/netpane.ts';
import type { Actors } from './actors.ts';
import type { NewListeners } from './new-listeners.ts';

/** Maximum wait for the close message of a socket after its `tcp_destroy_sock` record, milliseconds. */
export const CLOSE_MESSAGE_WAIT_MS = 250;

/** States that a system call of the owner leads to; during any other state change an unrelated thread may run. */
const ACTING_STATES = new Set<SocketState>(['SYN_SENT', 'LISTEN', 'FIN_WAIT1', 'LAST_ACK']);

/** Acting states that close(2) leads to. */
const CLOSING_STATES = new Set<SocketState>(['FIN_WAIT1', 'LAST_ACK']);

/** Direction of a connection by its first state. */
const OPENED_BY_STATE: Partial<Record<SocketState, Direction>> = { SYN_SENT: 'out', SYN_RECV: 'in' };

/** States after the peer's FIN arrived, which the kernel counts as a received byte. */
const STATES_AFTER_FIN = new Set<SocketState>(['CLOSE_WAIT', 'LAST_ACK', 'CLOSING']);

/** A state change of a traced socket. */
interface Step {
  readonly atMs: number;
  readonly was: SocketState;
  readonly now: SocketState;
  readonly owners: readonly Owner[] | undefined;
}

/** A TCP socket in the trace, which identifies it by its address in kernel memory. */
export interface TracedSocket {
  readonly family: 'ipv4' | 'ipv6';
  local: Endpoint;
  remote: Endpoint | null;
  /** Direction of the connection; undefined if its start was not traced. */
  readonly opened: Direction | undefined;
  /** Processes that acted on the socket; undefined if none did so far. */
  owners: readonly Owner[] | undefined;
  /** Time of its first state change; undefined for a socket that is older than the trace. */
  readonly createdMs: number | undefined;
  /** Its id in snapshots, made of its cookie; undefined until that is known. */
  id: string | undefined;
  /** An event of this socket was emitted. */
  isReported: boolean;
  /** The FIN of the peer arrived: the counter of received bytes includes it. */
  hasPeerFin: boolean;
  /** State changes that are not yet emitted. */
  steps: Step[];
}

/** A socket that the trace saw destroyed and whose close message is still to come. */
export interface DestroyedSocket {
  readonly traced: TracedSocket;
  readonly id: string;
  readonly atMs: number;
}

const areKnownAndDiffer = (one: number, other: number): boolean => one !== 0 && other !== 0 && one !== other;

/**
 * Returns true if a record with these ports is about another socket: the address in kernel memory was reused, and the
 * records between were lost. A port of 0 is unknown.
 */
export const hasOtherPorts = (
  { local, remote }: TracedSocket,
  localPort: number,
  remotePort: number,
): boolean => areKnownAndDiffer(local.port, localPort) || areKnownAndDiffer(remote?.port ?? 0, remotePort);

/**
 * The TCP sockets in the trace, with the state changes that are not yet emitted.
 *
 *     first state record ──▶ by kernel address ──▶ tcp_destroy_sock (cookie) ──▶ waits for the close message ──▶ removed
 *                                 └─ changed: until `takeChanged`
 */
export class TracedSockets {
  readonly #actors: Pick<Actors, 'ownersOf'>;
  readonly #newListeners: NewListeners;
  /** By address in kernel memory. */
  readonly #living = new Map<number, TracedSocket>();
  /** Living sockets with state changes to emit. */
  readonly #changed = new Set<TracedSocket>();
  /** Sockets that wait for their close message, by id, oldest first. */
  readonly #destroyed = new Map<string, DestroyedSocket>();

  constructor(actors: Pick<Actors, 'ownersOf'>, newListeners: NewListeners) {
    this.#actors = actors;
    this.#newListeners = newListeners;
  }

  /** True if a socket waits for its close message. */
  get isPending(): boolean {
    return this.#destroyed.size > 0;
  }

  /** @param atMs time of the record on the clock of the sampler */
  applyState(record: StateRecord, atMs: number): void {
    const { sk, family, was, now, localAddress, localPort, remoteAddress, remotePort } = record;
    // A simultaneous open goes from SYN_SENT to SYN_RECV.
    const isNew = was === 'CLOSE' || (now === 'SYN_RECV' && was !== 'SYN_SENT');
    const before = this.#living.get(sk);
    if (isNew || (before && hasOtherPorts(before, localPort, remotePort))) this.#remove(sk);
    let traced = this.#living.get(sk);
    if (traced === undefined) {
      traced = {
        family,
        local: { address: localAddress, port: localPort },
        remote: null,
        opened: isNew ? OPENED_BY_STATE[now] : undefined,
        owners: undefined,
        createdMs: isNew ? atMs : undefined,
        id: undefined,
        isReported: false,
        hasPeerFin: false,
        steps: [],
      };
      this.#living.set(sk, traced);
    }
    // The local port is 0 before connect(2) chooses one, and after a reset.
    if (localPort !== 0) traced.local = { address: localAddress, port: localPort };
    if (remotePort !== 0) traced.remote = { address: remoteAddress, port: remotePort };
    if (STATES_AFTER_FIN.has(now)) traced.hasPeerFin = true;
    const actors = record.inProcess && ACTING_STATES.has(now) ? this.#actors.ownersOf(record.tid) : undefined;
    // netpane may close a copy of another process' socket last (`isNetpane`): that does not make it an owner.
    const owners = CLOSING_STATES.has(now) && isNetpane(actors?.[0]?.pid) ? undefined : actors;
    if (owners) traced.owners = addActors(traced.owners, owners);
    // The close is emitted when the socket is destroyed; an unfinished handshake emits none.
    if (now === 'CLOSE') return;
    if (now === 'LISTEN') this.#newListeners.add(traced);
    traced.steps.push({ atMs, was, now, owners: owners && traced.owners });
    this.#changed.add(traced);
  }

  /** @param atMs time of the record on the clock of the sampler */
  applyDestroy({ sk, id }: DestroyRecord, atMs: number): void {
    const traced = this.#remove(sk);
    if (traced === undefined) return;
    traced.id = id;
    this.#destroyed.set(id, { traced, id, atMs });
  }

  /** Removes and returns the socket with this id that waits for its close message; undefined if there is none. */
  takeDestroyed(id: string): DestroyedSocket | undefined {
    const destroyed = this.#destroyed.get(id);
    this.#destroyed.delete(id);
    return destroyed;
  }

  /** Removes and returns the sockets that waited for their close message for too long. */
  takeExpired(nowMs: number): readonly DestroyedSocket[] {
    const expired: DestroyedSocket[] = [];
    for (const destroyed of this.#destroyed.values()) {
      if (nowMs - destroyed.atMs < CLOSE_MESSAGE_WAIT_MS) break;
      this.#destroyed.delete(destroyed.id);
      expired.push(destroyed);
    }
    return expired;
  }

  /** Returns the living sockets with state changes since the last call. */
  takeChanged(): readonly TracedSocket[] {
    const changed = [...this.#changed];
    this.#changed.clear();
    return changed;
  }

  /** Forgets the living sockets after records were lost: their addresses may be reused. Pending state changes stay. */
  clear(): void {
    this.#living.clear();
    this.#newListeners.clear();
  }

  /** Removes and returns the socket at an address in kernel memory; undefined if none was known. */
  #remove(sk: number): TracedSocket | undefined {
    const traced = this.#living.get(sk);
    if (traced === undefined) return undefined;
    this.#living.delete(sk);
    this.#changed.delete(traced);
    this.#newListeners.delete(traced);
    return traced;
  }
}

/**
 * Removes the pending state changes of a socket and returns them as events.
 * @param socket required for the first event, which has the whole socket
 */
export function takeSteps(traced: TracedSocket, id: string, socket?: Socket): readonly KernelEvent[] {
  const { createdMs, isReported, steps } = traced;
  const events: KernelEvent[] = [];
  const first = isReported || createdMs === undefined ? undefined : steps.shift();
  if (first && socket && createdMs !== undefined) {
    const opened = { ...socket, state: first.now };
    events.push({ type: 'appeared', atMs: createdMs, socket: opened, learntBy: 'trace' });
  }
  for (const { atMs, was, now, owners } of steps)
    events.push({ type: 'state', atMs, id, was, now, ...(owners && { owners }), learntBy: 'trace' });
  traced.isReported = true;
  traced.steps = [];
  return events;
}
