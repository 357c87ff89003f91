import { sameOwners, sameSocket } from '../../model/fields.ts';
import { type Owner, sameEndpoint, type Socket } from '../../model/socket.ts';
import { RollingMap } from '../rolling-map.ts';
import { type NewSocketKind, type SocketBounds, SocketLimiter } from '../socket-limiter.ts';
import type { WindowsApi } from './api.ts';
import { KeptTable } from './kept-table.ts';
import { millisecondsOf, TABLE_NAMES } from './layout.ts';
import { RowCounts } from './row-counts.ts';
import { type Row, tupleOf } from './row.ts';
import { type Life, TableLives, type TablePoll } from './table-lives.ts';

/** Returns the owners of a row. @param before those of the same socket in the last poll */
export type OwnersOf = (row: Row, before: readonly Owner[] | undefined) => readonly Owner[];

/** The facts and options of a poll besides the rows. */
export interface PollFacts {
  readonly ownersOf: OwnersOf;
  /** Pids whose process changed: their sockets get new owners. */
  readonly changedPids: ReadonlySet<number>;
  /** True if addresses have other interfaces than at the last poll. */
  readonly hasNewInterfaces: boolean;
  /** See `PollOptions`. */
  readonly omitsNewRemnants?: boolean | undefined;
}

/**
 * All sockets of the four tables, by id.
 *
 *     readTables ─▶ which lives changed ─▶ (owners are read) ─▶ update ─▶ (traffic: replace) ─▶ publish
 */
export class WindowsSockets {
  readonly #tables: readonly TableLives[];
  readonly #limiter: SocketLimiter;
  /** Returns the interface with an address; undefined if it is unknown. */
  readonly #interfaceOf: (address: string) => string | undefined;
  readonly #published = new RollingMap<Socket>();
  /** Lives by the id of their socket. An ended one keeps its id until the next publication: no other socket may have it. */
  readonly #ids = new Map<string, Life>();
  #endedIds: string[] = [];
  /** Number of new sockets with the endpoints and time of another one. It makes their ids unique. */
  #duplicates = 0;
  /** Number of lives with a socket. */
  #kept = 0;
  /** Number of lives that the last publication had no room for. */
  #omitted = 0;
  /** Lives that are new or have another row since the last `update`, and have not ended. */
  readonly #changed = new Set<Life>();
  /** Lives that have left the tables since the last `update`. */
  #ended: Life[] = [];
  readonly #counts = new RowCounts();

  constructor(
    api: WindowsApi,
    interfaceOf: (address: string) => string | undefined,
    bounds: SocketBounds | undefined,
  ) {
    this.#interfaceOf = interfaceOf;
    this.#tables = TABLE_NAMES.map((name) => new TableLives(new KeptTable(api, name), api.isElevated));
    this.#limiter = new SocketLimiter(bounds);
  }

  /** Reads the tables. @throws CallFailed if one cannot be read; those before it may have been read */
  readTables(): void {
    for (const table of this.#tables) {
      const poll = table.poll();
      this.#counts.apply(poll);
      for (const life of poll.changed) this.#changed.add(life);
      for (const life of poll.ended) {
        // It is still in `#changed` if the poll in which it changed failed at a later table.
        this.#changed.delete(life);
        this.#ended.push(life);
        const { socket } = life;
        if (socket === undefined) continue;
        this.#published.delete(socket.id);
        this.#endedIds.push(socket.id);
        this.#kept--;
      }
    }
  }

  /** Returns the pids in the tables. */
  pids(): Set<number> {
    return this.#counts.pids();
  }

  /** Number of rows with a state that netpane does not know. */
  get unknownStates(): number {
    return this.#counts.unknownStates;
  }

  /** Number of rows that Windows counted but did not return. */
  get missing(): number {
    return this.#tables.reduce((sum, { missing }) => sum + missing, 0);
  }

  /**
   * Makes the sockets of new and changed rows, and of those whose process or interface has changed.
   * @returns the lives that are new or have another row, and those that have left the tables
   */
  update({ ownersOf, changedPids, hasNewInterfaces, omitsNewRemnants }: PollFacts): TablePoll {
    this.#limiter.begin(omitsNewRemnants);
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const life of changed) this.#update(life, ownersOf);
    if (hasNewInterfaces || changedPids.size > 0 || this.#omitted > 0) {
      for (const life of this.lives())
        if (hasNewInterfaces || life.socket === undefined || changedPids.has(life.row.pid))
          this.#update(life, ownersOf);
    }
    this.#omitted = this.#count - this.#kept;
    if (this.#omitted > 0) {
      for (const life of this.lives())
        if (life.socket === undefined) this.#limiter.countOmitted(kindOf(life.row), life);
    }
    const ended = this.#ended;
    this.#ended = [];
    return { changed, ended };
  }

  /** Ends a poll. @returns every socket by id; the same map as before if nothing changed */
  publish(): ReadonlyMap<string, Socket> {
    for (const id of this.#endedIds) this.#ids.delete(id);
    this.#endedIds = [];
    return this.#published.publish();
  }

  /** Number of rows. */
  get #count(): number {
    return this.#tables.reduce((sum, { lives }) => sum + lives.length, 0);
  }

  /** Makes or updates the socket of a life, if there is room for it. */
  #update(life: Life, ownersOf: OwnersOf): void {
    const { row, socket: before } = life;
    if (before === undefined) {
      if (!this.#limiter.hasRoom(this.#kept, kindOf(row), life)) return;
      this.#kept++;
    }
    const owners = ownersOf(row, before?.owners);
    const kept = before && sameOwners(before.owners, owners) ? before.owners : owners;
    const next = makeSocket(
      row,
      { id: before?.id ?? this.#newId(life), owners: kept, interface: this.#interfaceOf(row.local.address) },
      before,
    );
    if (before === undefined || !sameSocket(before, next)) this.replace(life, next);
  }

  /** Returns an id: endpoints and time of creation, with a number after it if another socket has the same. */
  #newId(life: Life): string {
    const { row } = life;
    const base = `${tupleOf(row)} ${row.created}`;
    const id = this.#ids.has(base) ? `${base} ${++this.#duplicates}` : base;
    this.#ids.set(id, life);
    return id;
  }

  /** Returns notices about sockets that exceeded the bounds. */
  notices() {
    return this.#limiter.notices();
  }

  /** Yields the lives of all tables. */
  *lives(): Generator<Life> {
    for (const { lives } of this.#tables) yield* lives;
  }

  /** Returns the life of a socket; undefined if it has ended. */
  lifeOf(id: string): Life | undefined {
    return this.#ids.get(id);
  }

  /** Stores a new version of the socket of a life for the next publication. */
  replace(life: Life, socket: Socket): void {
    life.socket = socket;
    this.#published.set(socket.id, socket);
  }
}

const kindOf = ({ state, remote }: Row): NewSocketKind =>
  state === 'TIME_WAIT' ? 'remnant' : remote === null ? 'listener' : 'connection';

function makeSocket(
  row: Row,
  { id, owners, interface: name }: Pick<Socket, 'id' | 'owners'> & { readonly interface: string | undefined },
  before: Socket | undefined,
): Socket {
  const { protocol, family, local, remote, state, created } = row;
  // A row in TIME_WAIT may have lost its time of creation.
  const createdAtMs = before?.createdAtMs ?? millisecondsOf(created);
  return {
    id,
    protocol,
    family,
    local: before && sameEndpoint(before.local, local) ? before.local : local,
    remote: before && sameEndpoint(before.remote, remote) ? before.remote : remote,
    ...(state !== undefined && { state }),
    ...(createdAtMs !== undefined && { createdAtMs }),
    ...(name !== undefined && { interface: name }),
    ...(before?.traffic && { traffic: before.traffic }),
    ...(before?.peers && { peers: before.peers }),
    owners,
  };
}
