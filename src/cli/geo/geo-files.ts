import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { printable } from '../../model/text.ts';
import { dateText } from '../../view/text/format.ts';
import type { GeoFile, Locations } from '../../store/locations.ts';
import { reasonText } from '../config/file.ts';
import { Mmdb } from './mmdb.ts';
import { MmdbFault } from './mmdb-values.ts';
import { type LoadedFile, LocationBook } from './location-book.ts';
import { partsOf } from './geo-paths.ts';

/** Maximum size of a file, bytes: it is kept in memory. A file of all cities has about 130 MB. */
const MAX_BYTES = 256 * 1024 * 1024;
/** Part that is read at once, bytes. */
const PART_BYTES = 4 * 1024 * 1024;
/** Time between two checks whether a file was replaced, milliseconds. */
const CHECK_MS = 60_000;

/** Open without waiting for the writer of a pipe, and without taking a terminal. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

async function readWhole(file: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size;) {
    const { bytesRead } = await file.read(bytes, at, Math.min(PART_BYTES, size - at), at);
    if (bytesRead === 0) throw new MmdbFault('it became shorter while it was read');
    at += bytesRead;
  }
  return bytes;
}

/** Reads a file. Rejects with an Error whose message completes "PATH: …". */
async function load(path: string): Promise<LoadedFile> {
  // Opening a device may have an effect, so this is tested before; and again after, because the file may be replaced.
  if (!(await stat(path)).isFile()) throw new Error('not a regular file');
  const file = await open(path, FLAGS);
  try {
    const status = await file.stat();
    if (!status.isFile()) throw new Error('not a regular file');
    if (status.size > MAX_BYTES) throw new Error(`larger than ${MAX_BYTES / 1024 / 1024} MiB`);
    const db = new Mmdb(await readWhole(file, status.size));
    const { builtAtMs, type } = db;
    return { path, db, parts: partsOf(path, type), ...(builtAtMs !== undefined && { builtAtMs }) };
  } finally {
    await file.close();
  }
}

/** Returns what identifies the content of a file; the reason if it cannot be read. */
async function identityOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs } = await stat(path);
    return `${dev} ${ino} ${size} ${mtimeMs}`;
  } catch (error) {
    return reasonText(error);
  }
}

/** A file as it was when it was last read. */
interface KnownFile {
  readonly identity: string;
  /** Absent if the file cannot be used and none was used before. */
  readonly loaded?: LoadedFile;
  readonly problem?: string;
}

/** Returns why a file cannot be used. Printable. */
const problemText = (path: string, error: unknown): string =>
  printable(`${path}: ${error instanceof MmdbFault ? `damaged: ${error.message}` : reasonText(error)}`);

const stillUsedText = ({ builtAtMs }: LoadedFile): string =>
  `the one ${builtAtMs === undefined ? 'before' : `of ${dateText(builtAtMs)}`} is still used`;

/**
 * Reads the files with the locations of addresses, and reads them again when they are replaced.
 *
 *     paths ─▶ identity (stat) ─ changed ─▶ file in memory ─▶ LocationBook ─▶ onLocations
 *                  ▲──── each minute ────┘          └─ damaged ─▶ problem; the content before stays in use
 */
export class GeoFiles {
  readonly #paths: () => Promise<readonly string[]>;
  readonly #onProblem: (text: string) => void;
  #files: ReadonlyMap<string, KnownFile> = new Map();
  #onLocations: ((locations: Locations) => void) | undefined;

  /**
   * @param paths returns the paths of the files, those with the best answers first
   * @param onProblem receives why a file cannot be used, printable; the answers have it too
   */
  constructor(paths: () => Promise<readonly string[]>, onProblem: (text: string) => void = () => undefined) {
    this.#paths = paths;
    this.#onProblem = onProblem;
  }

  /** The files in use. */
  get loaded(): readonly LoadedFile[] {
    return [...this.#files.values()].flatMap(({ loaded }) => loaded ?? []);
  }

  /** Reads the files. Never rejects: problems are part of the answer. */
  async load(): Promise<Locations> {
    await this.#read();
    return this.#book();
  }

  /** Reads the files, and again each time that one was replaced. Only the first call does something. */
  async follow(onLocations: (locations: Locations) => void, checkMs = CHECK_MS): Promise<void> {
    if (this.#onLocations) return;
    this.#onLocations = onLocations;
    onLocations(await this.load());
    const check = async (): Promise<void> => {
      if (await this.#read()) onLocations(this.#book());
      setTimeout(() => void check(), checkMs).unref();
    };
    setTimeout(() => void check(), checkMs).unref();
  }

  /** Reads the files that are new or were replaced. Returns false if all files are as before. */
  async #read(): Promise<boolean> {
    const before = this.#files;
    const files = new Map<string, KnownFile>();
    for (const path of await this.#paths()) {
      const identity = await identityOf(path);
      const known = before.get(path);
      files.set(path, known?.identity === identity ? known : await this.#readFile(path, identity, known));
    }
    this.#files = files;
    return files.size !== before.size || [...files].some(([path, file]) => before.get(path) !== file);
  }

  async #readFile(path: string, identity: string, before: KnownFile | undefined): Promise<KnownFile> {
    try {
      return { identity, loaded: await load(path) };
    } catch (error) {
      const used = before?.loaded;
      const problem = problemText(path, error) + (used ? `; ${stillUsedText(used)}` : '');
      this.#onProblem(problem);
      return { identity, problem, ...(used && { loaded: used }) };
    }
  }

  #book(): Locations {
    const files = [...this.#files.values()];
    return new LocationBook(
      this.loaded,
      files.flatMap(({ problem }) => problem ?? []),
      (file, error) => this.#drop(file, error),
    );
  }

  /** Stops using a file in which a lookup found damage. Later locations do not come from it. */
  #drop({ path }: GeoFile, error: unknown): void {
    const known = this.#files.get(path);
    if (known?.loaded === undefined) return;
    const problem = problemText(path, error);
    this.#onProblem(problem);
    this.#files = new Map([...this.#files, [path, { identity: known.identity, problem }]]);
    // The lookup may be part of a paint.
    setImmediate(() => this.#onLocations?.(this.#book()));
  }
}
