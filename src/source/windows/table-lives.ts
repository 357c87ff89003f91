import type { Socket } from '../../model/socket.ts';
import { stageOf } from '../lives.ts';
import type { KeptTable } from './kept-table.ts';
import { connectionOf, decodeRow, type Row, tupleOf } from './row.ts';

/** One socket from its first row to its last. */
export interface Life {
  /** Its row in the last poll. */
  row: Row;
  /** Undefined until the first poll that had room for it. */
  socket: Socket | undefined;
  /** See `connectionOf`; only with `keepsConnections`. */
  readonly connection: Uint8Array | undefined;
  /** True once Windows counts its traffic, or has refused to. */
  isTrafficRequested: boolean;
  hasEnded: boolean;
  /** The row by which it is counted in `RowCounts`. */
  countedRow: Row | undefined;
}

/** Findings of a poll of one table. */
export interface TablePoll {
  /** New lives, and those with another row. */
  readonly changed: readonly Life[];
  readonly ended: readonly Life[];
}

const UNCHANGED: TablePoll = { changed: [], ended: [] };

/**
 * Returns true if a row with the same protocol and endpoints is a later row of the same socket. The times of creation
 * decide if both are known. A connection in TIME_WAIT no longer has its socket: its row may have no time, or another one.
 */
function continues(before: Row, now: Row): boolean {
  const isRemnant = now.state === 'TIME_WAIT' && before.state !== 'TIME_WAIT';
  if (before.created !== 0 && now.created !== 0 && !isRemnant) return before.created === now.created;
  return stageOf(now.state) >= stageOf(before.state);
}

/** Follows the sockets of one table from poll to poll: decides which row continues which life. */
export class TableLives {
  readonly #table: KeptTable;
  readonly #keepsConnections: boolean;
  /** By row of the last poll. */
  #lives: Life[] = [];
  /** Unused array: the next poll fills it. */
  #free: Life[] = [];

  /** @param keepsConnections true if calls about single connections are possible */
  constructor(table: KeptTable, keepsConnections: boolean) {
    this.#table = table;
    this.#keepsConnections = keepsConnections;
  }

  /** The lives of the last poll. */
  get lives(): readonly Life[] {
    return this.#lives;
  }

  /** Number of rows that Windows counted in the last poll but did not return. */
  get missing(): number {
    return this.#table.missing;
  }

  /** Reads the table. @throws CallFailed; the lives stay as they are */
  poll(): TablePoll {
    const table = this.#table;
    if (!table.read()) return UNCHANGED;
    const { matches, left } = table.matchRows();
    const unmatched = new UnmatchedLives(left.map((row) => this.#lives[row] as Life));
    const { view } = table;
    const changed: Life[] = [];
    const lives = this.#free;
    lives.length = matches.length;
    const undecided: { readonly place: number; readonly row: Row }[] = [];
    for (let place = 0; place < matches.length; place++) {
      let life = this.#lives[matches[place] as number];
      if (life === undefined) {
        const row = decodeRow(view, table.offsetOf(place), table.layout);
        // A known time of creation leaves no doubt about the life. The other rows are matched with the remaining lives below.
        life = unmatched.takeByCreation(row);
        if (life === undefined) {
          undecided.push({ place, row });
          continue;
        }
        life.row = row;
        changed.push(life);
      }
      lives[place] = life;
    }
    for (const { place, row } of undecided) {
      const life = unmatched.takeByEndpoints(row) ?? this.#newLife(row, view, place);
      life.row = row;
      changed.push(life);
      lives[place] = life;
    }
    this.#free = this.#lives;
    this.#lives = lives;
    const ended = unmatched.rest();
    for (const life of ended) life.hasEnded = true;
    return { changed, ended };
  }

  #newLife(row: Row, view: DataView, place: number): Life {
    const { layout } = this.#table;
    const hasConnection = this.#keepsConnections && row.remote !== null;
    const connection = hasConnection ? connectionOf(view, this.#table.offsetOf(place), layout) : undefined;
    return {
      row,
      socket: undefined,
      connection,
      isTrafficRequested: false,
      hasEnded: false,
      countedRow: undefined,
    };
  }
}

/** Lives of the last poll whose row is not in this poll. A new row may continue each of them, once. */
class UnmatchedLives {
  readonly #byCreation = new Map<string, Life[]>();
  readonly #byEndpoints = new Map<string, Life[]>();
  readonly #left = new Set<Life>();

  constructor(lives: readonly Life[]) {
    for (const life of lives) {
      this.#left.add(life);
      const tuple = tupleOf(life.row);
      add(this.#byEndpoints, tuple, life);
      if (life.row.created !== 0) add(this.#byCreation, `${tuple} ${life.row.created}`, life);
    }
  }

  /** Removes and returns a life with the endpoints and the time of creation of a row. */
  takeByCreation(row: Row): Life | undefined {
    if (row.created === 0 || this.#left.size === 0) return undefined;
    return this.#take(this.#byCreation.get(`${tupleOf(row)} ${row.created}`));
  }

  /** Removes and returns a life with the endpoints of a row that the row may continue. */
  takeByEndpoints(row: Row): Life | undefined {
    if (this.#left.size === 0) return undefined;
    return this.#take(this.#byEndpoints.get(tupleOf(row)), (life) => continues(life.row, row));
  }

  /** Removes and returns the last life of a list that no row has taken; undefined if there is none or it does not fit. */
  #take(lives: Life[] | undefined, fits: (life: Life) => boolean = () => true): Life | undefined {
    for (let life = lives?.at(-1); life !== undefined; life = lives?.at(-1)) {
      if (this.#left.has(life)) {
        if (!fits(life)) return undefined;
        this.#left.delete(life);
        return life;
      }
      lives?.pop();
    }
    return undefined;
  }

  /** Returns the lives that no row has taken. */
  rest(): Life[] {
    return [...this.#left];
  }
}

function add(map: Map<string, Life[]>, key: string, life: Life): void {
  const list = map.get(key);
  if (list) list.push(life);
  else map.set(key, [life]);
}
