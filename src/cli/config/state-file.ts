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
import { codeOf } from '../../model/error.ts';
import { MAX_HISTORY } from '../../store/history.ts';
import { FileProblem, isMissing, readText, reasonText } from './file.ts';
import { mergeStates } from './merge.ts';
import { type Environment, noPathReason, statePath } from './paths.ts';
import { checkReadable, type FileUser, processUser, trustedPath, Untrusted } from './trust.ts';
import { DamagedState, parseState, type SavedState } from './saved.ts';

/** Maximum size of the state file, bytes. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Maximum number of damaged files kept beside the state file: `state.json.bad`, `state.json.bad2`, … */
const MAX_BAD_COPIES = 9;

/** The state is not read or written; the message gives the reason. */
class Refused extends Error {}

/**
 * The file that keeps the state from one run to the next. An error with it does not stop netpane: it is reported once,
 * and netpane continues without the file.
 *
 * Saving replaces the whole file, so a reader, or a netpane that is killed, sees the old state or the new one. A
 * symbolic link in its place is neither followed nor replaced: netpane did not make it. As root the file and every
 * directory in its path must belong to root, or to the user who called sudo, and be writable by no third user
 * (`trust.ts`). Otherwise another user could decide what root does not see or where root writes. Under sudo the file is
 * read and written with the rights of the caller (`account.ts`), who stays its owner.
 */
export class StateFile {
  readonly #path: string | undefined;
  readonly #say: (message: string) => void;
  readonly #user: FileUser;
  readonly #reported = new Set<string>();
  /** The state that was loaded or saved last. */
  #before: SavedState | undefined;

  /**
   * @param say receives each message once; it may contain unprintable characters
   * @param user the user whose file it is, and whose rights are used
   */
  constructor(environment: Environment, say: (message: string) => void, user: FileUser = processUser()) {
    this.#path = statePath(environment);
    this.#say = say;
    this.#user = user;
  }

  /** Returns the saved state; undefined if there is none or it cannot be used. Never throws. */
  load(): SavedState | undefined {
    return this.#try('not loaded', (path) => (this.#before = this.#read(path)));
  }

  /**
   * Saves the state, merged with the changes of other netpanes since it was loaded. Never throws.
   *
   * If another netpane saves between the read and the replacement, its changes are lost, but no file is damaged.
   */
  save(state: SavedState): void {
    this.#try('not updated', (path) => {
      const saved = this.#read(path);
      const recent = { ...state, history: state.history.slice(-MAX_HISTORY) };
      const merged = saved ? mergeStates(saved, this.#before, recent) : recent;
      if (JSON.stringify(merged) !== JSON.stringify(saved)) this.#write(path, merged);
      this.#before = recent;
    });
  }

  /** Runs `act`; reports an error and returns undefined. @param what the failed step, for the message */
  #try<T>(what: string, act: (path: string) => T): T | undefined {
    try {
      const path = this.#path;
      if (path === undefined) throw new Refused(noPathReason());
      const { owner, run } = this.#user;
      return run(() => {
        if (owner) trustedPath(path, owner);
        return act(path);
      });
    } catch (error) {
      const isRefused = error instanceof Refused || error instanceof Untrusted;
      const why = isRefused ? error.message : `${this.#path ?? ''}: ${reasonText(error)}`;
      this.#reportOnce(why, `saved state ${what}: ${why}`);
      return undefined;
    }
  }

  /** Reports a message, unless one with the same reason was reported before. */
  #reportOnce(reason: string, message: string): void {
    if (!this.#reported.has(reason)) this.#say(message);
    this.#reported.add(reason);
  }

  /** Returns the state in the file. Moves a file that cannot be used aside. */
  #read(path: string): SavedState | undefined {
    try {
      const text = readText(path, MAX_BYTES, constants.O_NOFOLLOW, (stat) => {
        const { owner } = this.#user;
        if (owner) checkReadable(path, stat, owner);
      });
      return parseState(text);
    } catch (error) {
      if (error instanceof FileProblem || error instanceof DamagedState) {
        const why = error instanceof FileProblem ? `it ${error.message}` : error.message;
        const aside = setAside(path, why);
        this.#reportOnce(aside, `saved state is invalid: ${why}; it was moved to ${aside}`);
        return undefined;
      }
      if (codeOf(error) === 'ELOOP') throw new Refused(`${path} is a symbolic link`);
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
        // Without fsync, a loss of power could leave the name on an empty file.
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
 * Renames a file that cannot be used to a free name in the same directory. Uses link(2), which, unlike rename(2), never
 * overwrites a file.
 */
function setAside(path: string, why: string): string {
  for (let i = 1; i <= MAX_BAD_COPIES; i++) {
    const aside = `${path}.bad${i === 1 ? '' : i}`;
    try {
      linkSync(path, aside);
      unlinkSync(path);
      return aside;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') continue;
      throw new Refused(`${path} is invalid: ${why}; it cannot be moved aside: ${reasonText(error)}`);
    }
  }
  throw new Refused(`${path} is invalid: ${why}; remove its ${MAX_BAD_COPIES} older copies (${path}.bad…)`);
}
