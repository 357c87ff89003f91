import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { FileProblem, isMissing, readText, reasonText } from './file.ts';
import { mergeStates } from './merge.ts';
import { type Environment, statePath } from './paths.ts';
import { checkOwnedByRoot, trustedPath, Untrusted } from './trust.ts';
import { DamagedState, MAX_HISTORY, parseState, type SavedState } from './saved.ts';

/** The largest state that is read or written, bytes. */
const MAX_BYTES = 4 * 1024 * 1024;

/** So many damaged files are kept beside it: `state.json.bad`, `state.json.bad2`, … */
const MAX_BAD_COPIES = 9;

/** The state is kept as it is for a reason that the message tells. */
class Refused extends Error {}

/**
 * The file in which the state is kept from one run to the next. Nothing that goes wrong with it stops netpane: it is
 * told once, and netpane goes on without.
 *
 * The file is never written through: what is there is replaced as a whole, so that a reader, or a netpane that is
 * killed, sees the old state or the new one. A symbolic link in its place is neither followed nor replaced, for it is
 * not netpane's. As root (sudo that keeps HOME) every directory on the way and the file have to be root's, and not
 * to be written by others (`trust.ts`): otherwise another user could say what root does not see, or choose where root
 * writes; and that user could not read his own state any more.
 */
export class StateFile {
  readonly #path: string | undefined;
  readonly #say: (message: string) => void;
  readonly #isRoot: boolean;
  readonly #told = new Set<string>();
  /** What was loaded, or saved last. */
  #before: SavedState | undefined;

  /**
   * @param say hears what is wrong, each thing once; it may hold what is not printable
   * @param isRoot whether only what is root's is to be trusted
   */
  constructor(
    environment: Environment,
    say: (message: string) => void,
    isRoot: boolean = process.geteuid?.() === 0,
  ) {
    this.#path = statePath(environment);
    this.#say = say;
    this.#isRoot = isRoot;
  }

  /** The state that was saved; undefined where there is none that can be used. Never throws. */
  load(): SavedState | undefined {
    return this.#try('not loaded', (path) => (this.#before = this.#read(path)));
  }

  /**
   * Saves the state, together with what others have added since it was loaded. Never throws.
   *
   * Between the look at what is there and the replacement another netpane can come in for a moment; then what it added
   * is lost, but no file is damaged.
   */
  save(state: SavedState): void {
    this.#try('not updated', (path) => {
      const there = this.#read(path);
      const recent = { ...state, history: state.history.slice(-MAX_HISTORY) };
      const merged = there ? mergeStates(there, this.#before, recent) : recent;
      if (JSON.stringify(merged) !== JSON.stringify(there)) this.#write(path, merged);
      this.#before = recent;
    });
  }

  #try<T>(what: string, act: (path: string) => T): T | undefined {
    try {
      if (this.#path === undefined) throw new Refused('HOME is not set');
      if (this.#isRoot) trustedPath(this.#path);
      return act(this.#path);
    } catch (error) {
      const isRefused = error instanceof Refused || error instanceof Untrusted;
      const why = isRefused ? error.message : `${this.#path ?? ''}: ${reasonText(error)}`;
      this.#tell(why, `saved state ${what}: ${why}`);
      return undefined;
    }
  }

  /** @param why that which is told once, whatever it stops */
  #tell(why: string, message: string): void {
    if (!this.#told.has(why)) this.#say(message);
    this.#told.add(why);
  }

  /** What is saved now. What cannot be used is set aside. */
  #read(path: string): SavedState | undefined {
    try {
      const text = readText(path, MAX_BYTES, constants.O_NOFOLLOW, (stat) => {
        if (this.#isRoot) checkOwnedByRoot(path, stat);
      });
      return parseState(text);
    } catch (error) {
      if (error instanceof FileProblem || error instanceof DamagedState) {
        const why = error instanceof FileProblem ? `it ${error.message}` : error.message;
        const aside = setAside(path, why);
        this.#tell(aside, `saved state is invalid: ${why}; it was moved to ${aside}`);
        return undefined;
      }
      if ((error as NodeJS.ErrnoException).code === 'ELOOP') throw new Refused(`${path} is a symbolic link`);
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  #write(path: string, state: SavedState): void {
    const text = `${JSON.stringify(state, undefined, 1)}\n`;
    if (Buffer.byteLength(text) > MAX_BYTES)
      throw new Refused(`it is larger than ${MAX_BYTES / 1024 / 1024} MiB`);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
    const fd = openSync(temporary, 'wx', 0o600);
    try {
      try {
        writeFileSync(fd, text);
        // Otherwise, after a loss of power, the name may lead to a file without its contents.
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }
}

/**
 * Gives a file that cannot be used a name beside its own. Nothing is overwritten: a link fails where the name is taken,
 * which a renaming does not.
 */
function setAside(path: string, why: string): string {
  for (let i = 1; i <= MAX_BAD_COPIES; i++) {
    const aside = `${path}.bad${i === 1 ? '' : i}`;
    try {
      linkSync(path, aside);
      unlinkSync(path);
      return aside;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw new Refused(`${path} is invalid: ${why}; it cannot be moved aside: ${reasonText(error)}`);
    }
  }
  throw new Refused(`${path} is invalid: ${why}; remove its ${MAX_BAD_COPIES} older copies (${path}.bad…)`);
}
