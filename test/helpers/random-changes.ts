import fc from 'fast-check';
import type { Socket } from '../../src/model/socket.ts';

/** The version of each changed socket after a tick, by id; null for a socket that closes. */
export type Wanted<Version> = Readonly<Record<string, Version | null>>;

/**
 * Makes changes of sockets with these ids: few, which a table moves one by one, and many, after which it sorts all rows.
 * @param some maximum number of sockets of the changes between
 * @param many minimum number of sockets of the large changes
 */
export function anyChanges<Version>(
  version: fc.Arbitrary<Version>,
  ids: readonly string[],
  { some, many }: { some: number; many: number },
): fc.Arbitrary<Wanted<Version>> {
  const becomes = fc.option(version, { freq: 4 });
  return fc.oneof(
    fc.dictionary(fc.constantFrom(...ids.slice(0, 8)), becomes),
    fc.dictionary(fc.constantFrom(...ids), becomes, { maxKeys: some }),
    fc.dictionary(fc.constantFrom(...ids), becomes, { minKeys: many, maxKeys: ids.length }),
  );
}

/** Makes batches of changes: knows which sockets are open. */
export class OpenSockets {
  readonly #open = new Set<string>();

  /** Returns the sockets that spawn, change and close. A socket that is not open cannot close. */
  take<Version>(
    wanted: Wanted<Version>,
    socketOf: (id: string, version: Version) => Socket,
  ): { spawned: Socket[]; changed: Socket[]; closed: string[] } {
    const [spawned, changed, closed]: [Socket[], Socket[], string[]] = [[], [], []];
    for (const [id, version] of Object.entries(wanted)) {
      if (version === null) {
        if (this.#open.delete(id)) closed.push(id);
        continue;
      }
      (this.#open.has(id) ? changed : spawned).push(socketOf(id, version));
      this.#open.add(id);
    }
    return { spawned, changed, closed };
  }
}
