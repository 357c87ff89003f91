import type { Degradation } from '../model/batch.ts';
import { type Bounds, UNBOUNDED } from '../model/bounds.ts';
import { counted, countText } from '../model/text.ts';

/** The bounds that apply to a source. */
export type SocketBounds = Pick<Bounds, 'remnants' | 'sockets'> & Partial<Pick<Bounds, 'waitingEvents'>>;

/** Kind of a new socket, which decides its bound: lowest for a remnant (TIME_WAIT), highest for a listener. */
export type NewSocketKind = 'remnant' | 'connection' | 'listener';

/** Bound for listeners relative to that for connections: a flood of connections hides no new listener. */
const LISTENER_FACTOR = 1.1;

/**
 * Decides which new sockets a source keeps, and counts the others. Sockets that are already kept stay, so a flood of
 * new sockets hides none of them.
 */
export class SocketLimiter {
  readonly #bounds: SocketBounds;
  #omitsNewRemnants = false;
  /** True in the first poll after those that omit new remnants. */
  #isFirstAfter = false;
  /** Keys of the omitted remnants that this first poll found: later polls omit them, too. */
  readonly #left = new Set<unknown>();
  #omittedRemnants = 0;
  #omittedOthers = 0;

  constructor(bounds: SocketBounds = UNBOUNDED) {
    this.#bounds = bounds;
  }

  /** True if the last poll has omitted all new remnants; later polls may omit those of now, too. */
  get omitsNewRemnants(): boolean {
    return this.#omitsNewRemnants;
  }

  /**
   * Starts a poll: resets the counts of omitted sockets.
   * @param omitsNewRemnants see `PollOptions`
   */
  begin(omitsNewRemnants = false): void {
    this.#isFirstAfter = this.#omitsNewRemnants && !omitsNewRemnants;
    this.#omitsNewRemnants = omitsNewRemnants;
    if (omitsNewRemnants || this.#omittedRemnants === 0) this.#left.clear();
    this.#omittedRemnants = 0;
    this.#omittedOthers = 0;
  }

  /** Returns true while no bound is reached. Cheap, because it runs for every socket in every poll. */
  hasRoomForEveryKind(kept: number): boolean {
    return kept < this.#bounds.remnants && !this.#omitsRemnants;
  }

  /** True if this poll omits some remnants whatever the bounds. */
  get #omitsRemnants(): boolean {
    return this.#omitsNewRemnants || this.#isFirstAfter || this.#left.size > 0;
  }

  /**
   * Returns true if a new socket of this kind fits within the bounds.
   * @param kept number of sockets kept so far
   * @param key the same value for this socket in each poll; needed only where polls may omit new remnants
   */
  hasRoom(kept: number, kind: NewSocketKind, key?: unknown): boolean {
    const { remnants, sockets } = this.#bounds;
    if (kind === 'remnant')
      return kept < remnants && !this.#omitsNewRemnants && !this.#isFirstAfter && !this.#left.has(key);
    return kept < (kind === 'listener' ? sockets * LISTENER_FACTOR : sockets);
  }

  /** Counts a socket that is not kept. @param key see `hasRoom` */
  countOmitted(kind: NewSocketKind, key?: unknown): void {
    if (kind === 'remnant') {
      this.#omittedRemnants++;
      if (this.#isFirstAfter) this.#left.add(key);
    } else this.#omittedOthers++;
  }

  /** Number of sockets omitted in this poll, without those in TIME_WAIT. */
  get omitted(): number {
    return this.#omittedOthers;
  }

  /** Returns notices about the sockets omitted in this poll. */
  notices(): Degradation[] {
    const { remnants, sockets } = this.#bounds;
    const [others, inTimeWait] = [this.#omittedOthers, this.#omittedRemnants];
    return [
      ...(others === 0 ? [] : [omittedNotice('sockets', others, `netpane keeps ${countText(sockets)}`)]),
      ...(inTimeWait === 0
        ? []
        : [
            omittedNotice(
              'in TIME_WAIT',
              inTimeWait,
              this.#omitsRemnants
                ? 'after many short connections they are only counted'
                : `with more than ${countText(remnants)} sockets they are only counted`,
            ),
          ]),
    ];
  }
}

const omittedNotice = (what: 'sockets' | 'in TIME_WAIT', count: number, why: string): Degradation => {
  const [sockets, are] = [counted(count, 'socket'), count === 1 ? 'is' : 'are'];
  return {
    code: `left-out ${what}`,
    text: `${sockets}${what === 'sockets' ? '' : ' in TIME_WAIT'} ${are} not shown: ${why}, to limit memory use`,
    short: `${what === 'sockets' ? sockets : `${countText(count)} in TIME_WAIT`} not shown`,
  };
};
