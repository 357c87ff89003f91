import type { Degradation } from '../../../model/batch.ts';
import { sameSocket } from '../../../model/fields.ts';
import type { Owner, Socket } from '../../../model/socket.ts';
import { stageOf } from '../../lives.ts';
import { RollingMap } from '../../rolling-map.ts';
import { type SocketBounds, SocketLimiter } from '../../socket-limiter.ts';
import type { Flow } from './output.ts';

/** A socket as of the last poll, with its flow. */
interface Life {
  socket: Socket;
  flow: Flow;
}

/** Returns true if all but the process of two flows with the same endpoints is equal. */
const sameFlow = (a: Flow, b: Flow): boolean =>
  a.state === b.state &&
  a.interface === b.interface &&
  a.traffic?.rxBytes === b.traffic?.rxBytes &&
  a.traffic?.txBytes === b.traffic?.txBytes &&
  a.traffic?.rttMicros === b.traffic?.rttMicros;

/** Returns protocol and endpoints as text. */
const tupleOf = ({ protocol, family, local, remote }: Flow): string =>
  `${protocol}${family === 'ipv6' ? '6' : ''} ${local.address}:${local.port} ${
    remote ? `${remote.address}:${remote.port}` : '*'
  }`;

const isSamePid = (life: Life, { process }: Flow): boolean => life.flow.process?.pid === process?.pid;

/** Returns the items by key, in their order. */
function groupedBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

/** Returns true if a flow with the same endpoints continues a life: stage and counters of a connection never decrease. */
function continues({ socket }: Life, { protocol, remote, state, traffic }: Flow): boolean {
  if (protocol !== 'tcp' || remote === null) return true;
  const { rxBytes = 0, txBytes = 0 } = socket.traffic ?? {};
  return (
    stageOf(state) >= stageOf(socket.state) &&
    (traffic?.rxBytes ?? rxBytes) >= rxBytes &&
    (traffic?.txBytes ?? txBytes) >= txBytes
  );
}

/**
 * Tracks sockets from run to run of nettop, which has no id for them. A flow continues the life with its endpoints and
 * pid, else one with its endpoints: a socket keeps its life when another process uses it. Sockets with the same
 * endpoints and pid are matched in their order.
 */
export class FlowSockets {
  readonly #limiter: SocketLimiter;
  readonly #published = new RollingMap<Socket>();
  #byTuple = new Map<string, readonly Life[]>();
  /** Number of sockets. */
  #size = 0;
  /** Number of lives so far, which makes each id unique. */
  #serial = 0;

  constructor(bounds?: SocketBounds) {
    this.#limiter = new SocketLimiter(bounds);
  }

  /** Returns all sockets by id. An unchanged socket is the same object as before. */
  read(flows: readonly Flow[], ownersOf: (flow: Flow) => readonly Owner[]): ReadonlyMap<string, Socket> {
    this.#limiter.begin();
    const groups = groupedBy(flows, tupleOf);
    for (const [tuple, lives] of this.#byTuple)
      if (!groups.has(tuple)) lives.forEach((life) => this.#remove(life));
    const before = this.#byTuple;
    this.#byTuple = new Map();
    for (const [tuple, group] of groups) {
      const lives = this.#continued(group, before.get(tuple) ?? []);
      const next = group.flatMap((flow) => this.#apply(flow, lives.get(flow), tuple, ownersOf(flow)) ?? []);
      this.#byTuple.set(tuple, next);
    }
    return this.#published.publish();
  }

  /** Returns the life that each flow of a tuple continues, and removes those that end. */
  #continued(flows: readonly Flow[], lives: readonly Life[]): ReadonlyMap<Flow, Life> {
    const [onlyFlow, onlyLife] = [flows[0], lives[0]];
    const areSingle = flows.length === 1 && lives.length === 1;
    // Nearly all endpoints have one socket: the general match takes 1.5 times as long.
    if (areSingle && onlyFlow && onlyLife && isSamePid(onlyLife, onlyFlow) && continues(onlyLife, onlyFlow))
      return new Map([[onlyFlow, onlyLife]]);
    const found = new Map<Flow, Life>();
    const left = new Set(lives);
    const take = (flow: Flow, life: Life | undefined): void => {
      if (life === undefined) return;
      // A life that its flow does not continue has ended.
      if (continues(life, flow)) {
        found.set(flow, life);
        left.delete(life);
      }
    };
    const byPid = groupedBy(lives, (life) => life.flow.process?.pid);
    const taken = new Map<number | undefined, number>();
    for (const flow of flows) {
      const pid = flow.process?.pid;
      const count = taken.get(pid) ?? 0;
      taken.set(pid, count + 1);
      take(flow, byPid.get(pid)?.[count]);
    }
    const others = [...left];
    // Sockets without a port have nothing in common.
    const rest = flows.filter((flow) => !found.has(flow) && flow.local.port !== 0);
    rest.forEach((flow, index) => take(flow, others[index]));
    for (const life of left) this.#remove(life);
    return found;
  }

  /** Updates the life of a flow, or makes a new one. @returns undefined if the bounds are reached */
  #apply(flow: Flow, life: Life | undefined, tuple: string, owners: readonly Owner[]): Life | undefined {
    if (life) {
      const isSame = life.socket.owners === owners && sameFlow(life.flow, flow);
      life.flow = flow;
      if (isSame) return life;
      const next = socketOf(life.socket.id, flow, life.socket, owners);
      if (sameSocket(life.socket, next)) return life;
      life.socket = next;
      this.#published.set(next.id, next);
      return life;
    }
    const kind = flow.state === 'TIME_WAIT' ? 'remnant' : flow.remote === null ? 'listener' : 'connection';
    if (!this.#limiter.hasRoom(this.#size, kind)) {
      this.#limiter.countOmitted(kind);
      return undefined;
    }
    const socket = socketOf(`${tuple} ${++this.#serial}`, flow, undefined, owners);
    this.#size++;
    this.#published.set(socket.id, socket);
    return { socket, flow };
  }

  #remove({ socket }: Life): void {
    this.#size--;
    this.#published.delete(socket.id);
  }

  /** Returns notices about sockets that exceeded the bounds in this poll. */
  notices(): Degradation[] {
    return this.#limiter.notices();
  }
}

function socketOf(
  id: string,
  { protocol, family, local, remote, state, interface: name, traffic: counted }: Flow,
  before: Socket | undefined,
  owners: readonly Owner[],
): Socket {
  const traffic = counted ?? before?.traffic;
  return {
    id,
    protocol,
    family,
    local,
    remote,
    ...(state !== undefined && { state }),
    ...(name !== undefined && { interface: name }),
    ...(traffic !== undefined && { traffic }),
    owners,
  };
}
