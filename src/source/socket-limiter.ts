import type { Degradation } from '../model/batch.ts';
import { type Bounds, UNBOUNDED } from '../model/bounds.ts';

/** The part of the bounds that a source keeps to. */
export type SocketBounds = Pick<Bounds, 'remnants' | 'sockets'> & Partial<Pick<Bounds, 'waitingEvents'>>;

/** Kind of a new socket, which decides how much room there is: TIME_WAIT has the least, a listener the most. */
export type NewSocketKind = 'remnant' | 'connection' | 'listener';

/** Listeners may be so many times more than other sockets: a flood of connections hides no new listener. */
const LISTENER_ROOM = 1.1;

/**
 * Decides which new sockets a source keeps, and counts the others. A kept socket stays: a flood of new ones hides none
 * that was there before.
 */
export class SocketLimiter {
  readonly #bounds: SocketBounds;
  #remnants = 0;
  #others = 0;

  constructor(bounds: SocketBounds = UNBOUNDED) {
    this.#bounds = bounds;
  }

  /** Begins a reading: what is left out is counted anew. */
  begin(): void {
    this.#remnants = 0;
    this.#others = 0;
  }

  /** Returns true while there is room for every kind. One comparison: it is asked for each socket of each reading. */
  hasRoomForEveryKind(kept: number): boolean {
    return kept < this.#bounds.remnants;
  }

  /** Returns true if a new socket of this kind fits beside so many that are kept. */
  hasRoom(kept: number, kind: NewSocketKind): boolean {
    const { remnants, sockets } = this.#bounds;
    if (kind === 'remnant') return kept < remnants;
    return kept < (kind === 'listener' ? sockets * LISTENER_ROOM : sockets);
  }

  /** Counts a socket that is not kept. */
  countOmitted(kind: NewSocketKind): void {
    if (kind === 'remnant') this.#remnants++;
    else this.#others++;
  }

  /** Sockets that were left out of this reading, without those in TIME_WAIT. */
  get omitted(): number {
    return this.#others;
  }

  /** Returns notices of the sockets left out of this reading. */
  notices(): Degradation[] {
    const { remnants, sockets } = this.#bounds;
    const [more, rests] = [this.#others, this.#remnants];
    return [
      ...(more === 0 ? [] : [omittedNotice('sockets', more, `${sockets} are kept`)]),
      ...(rests === 0
        ? []
        : [omittedNotice('in TIME_WAIT', rests, `beyond ${remnants} sockets they are only counted`)]),
    ];
  }
}

const omittedNotice = (what: 'sockets' | 'in TIME_WAIT', count: number, why: string): Degradation => ({
  code: `left-out ${what}`,
  text: `${count} ${what === 'sockets' ? 'sockets are' : 'sockets in TIME_WAIT are'} not shown: ${why}, to bound the memory of netpane`,
  short: `${count} ${what} not shown`,
});
