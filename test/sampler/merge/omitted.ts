import type { Socket } from '../../../src/model/socket.ts';
import { SocketLimiter } from '../../../src/source/socket-limiter.ts';
import type { Truth } from './scenario.ts';

/** Returns the remnants that the snapshot does not have. */
const newRemnants = (truths: readonly Truth[], snapshot: ReadonlyMap<string, Socket>): readonly Truth[] =>
  truths.filter(({ n, isRemnant }) => isRemnant && !snapshot.has(`s${n}`) && !snapshot.has(`r${n}`));

/** Decides which remnants polls leave out, as a source does. */
export class Omitted {
  readonly #limiter = new SocketLimiter();

  /** Returns the remnants that a poll leaves out. @param snapshot that of the poll before */
  ofPoll(
    omitsNewRemnants: boolean,
    truths: readonly Truth[],
    snapshot: ReadonlyMap<string, Socket>,
  ): readonly Truth[] {
    this.#limiter.begin(omitsNewRemnants);
    const omitted = newRemnants(truths, snapshot).filter(({ n }) => !this.#limiter.hasRoom(0, 'remnant', n));
    for (const { n } of omitted) this.#limiter.countOmitted('remnant', n);
    return omitted;
  }
}
