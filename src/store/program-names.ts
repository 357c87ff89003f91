import { firstOwner, type Socket } from '../model/socket.ts';

/** Maximum number of names kept. Further ones are ignored: a program can call itself anything, many times. */
const MAX_NAMES = 10_000;

/** Names of all programs that have had a socket, in the order in which they were first seen. */
export class ProgramNames {
  readonly #known = new Set<string>();
  /** Names of programs whose first socket was opened while netpane ran. */
  readonly #added: string[] = [];

  /** Number of names in the order of `since`. */
  get end(): number {
    return this.#added.length;
  }

  /** Takes a socket that spawned or changed. @param isBaseline it was opened before netpane started */
  take(socket: Socket, isBaseline: boolean): void {
    const { process } = firstOwner(socket);
    if (process === undefined || this.#known.has(process) || this.#known.size >= MAX_NAMES) return;
    this.#known.add(process);
    if (!isBaseline) this.#added.push(process);
  }

  /** Returns the names first seen since `end` had this value, without those of the baseline. Untrusted texts. */
  since(end: number): readonly string[] {
    return this.#added.slice(end);
  }
}
