import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { ERRNO, type Native, NativeError } from '../netlink/native.ts';
import { isForbidden } from '../netlink/system.ts';

/** There can be no trace here; the message says why: a clause without a full stop. */
export class TraceUnavailable extends Error {}

/** Where tracefs is mounted, where it is (Documentation/trace/ftrace.rst). */
const PLACES = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];

/** Our instances have this in common; what is called so belongs to a netpane, running or dead. */
const PREFIX = 'netpane-';

/** Another netpane that starts may take our instance for a dead one's until we hold it: so often it is made anew. */
const TRIES = 5;

export interface Tracefs {
  readonly root: string;
  /** Descriptor of a mount of our own, which goes with it. */
  readonly mount: number | undefined;
}

/**
 * Finds tracefs, or mounts it where only we see it: nothing is mounted for anybody else.
 * @throws TraceUnavailable
 */
export function findTracefs(
  native: Pick<Native, 'mountDetached'>,
  places: readonly string[] = PLACES,
): Tracefs {
  const root = places.find((place) => existsSync(`${place}/instances`));
  if (root !== undefined) return { root, mount: undefined };
  try {
    const mount = native.mountDetached('tracefs');
    return { root: `/proc/self/fd/${mount}`, mount };
  } catch (error) {
    const errno = error instanceof NativeError ? error.errno : 0;
    if (errno === ERRNO.ENODEV) throw new TraceUnavailable('this kernel has no tracefs');
    if (errno === ERRNO.ENOSYS) throw new TraceUnavailable('tracefs is not mounted');
    throw unavailable(error);
  }
}

/** Says in words why the kernel refuses. */
export function unavailable(error: unknown): TraceUnavailable {
  if (error instanceof TraceUnavailable) return error;
  if (isForbidden(error)) {
    const isRoot = process.geteuid?.() === 0;
    return new TraceUnavailable(
      isRoot ? 'tracefs may not be read' : 'the trace of every state change takes root',
    );
  }
  const code = codeOf(error);
  const text = error instanceof Error ? error.message : String(error);
  return new TraceUnavailable(`tracefs does not work (${code ?? text})`);
}

/** A trace of our own: what is recorded in it, and how, disturbs no other. */
export interface Instance extends Leftovers {
  readonly cpus: readonly Cpu[];
}

export interface Cpu {
  /** Its folder. */
  readonly path: string;
  /** Descriptor of its `trace_pipe_raw`. While one is open the kernel removes the instance for nobody. */
  readonly pipe: number;
}

/** Removes what dead netpanes left, and makes an instance. Throws what node:fs does. */
export function makeInstance(root: string): Instance {
  const folder = `${root}/instances`;
  for (const name of readdirSync(folder)) {
    // EBUSY: it is in use, so it stays.
    if (name.startsWith(PREFIX)) attempt(() => rmdirSync(`${folder}/${name}`));
  }
  for (let tries = 1; ; tries++) {
    const path = makeFolder(folder);
    const cpus: Cpu[] = [];
    const descriptors: number[] = [];
    try {
      attempt(() => descriptors.push(stopWithUs(path)));
      openPipes(path, cpus, descriptors);
      return { path, cpus, descriptors };
    } catch (error) {
      removeInstance({ path, descriptors });
      const isGone = ['ENOENT', 'ENODEV'].includes(codeOf(error) ?? '');
      if (!isGone || tries === TRIES) throw error;
    }
  }
}

/** A name that is free: a process may have several, and those that died may have had its number. */
function makeFolder(folder: string): string {
  for (let number = 1; ; number++) {
    const path = `${folder}/${PREFIX}${process.pid}-${number}`;
    try {
      mkdirSync(path);
      return path;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}

/**
 * Makes the kernel stop the trace and free its buffers when this program ends, however it ends: after SIGKILL, too, every
 * event would be recorded until the next netpane removes the instance. Throws what node:fs does.
 * @returns a descriptor of `free_buffer`, to be held (kernel/trace/trace.c, tracing_free_buffer_release)
 */
function stopWithUs(path: string): number {
  writeFileSync(`${path}/trace_options`, 'disable_on_free', { flag: 'r+' });
  return openSync(`${path}/free_buffer`, constants.O_WRONLY);
}

/** Opens the pipe of every processor that the machine may have: those that are off may be switched on. */
function openPipes(path: string, cpus: Cpu[], descriptors: number[]): void {
  for (const name of readdirSync(`${path}/per_cpu`)) {
    const folder = `${path}/per_cpu/${name}`;
    const pipe = openSync(`${folder}/trace_pipe_raw`, constants.O_RDONLY | constants.O_NONBLOCK);
    cpus.push({ path: folder, pipe });
    descriptors.push(pipe);
  }
}

/** What a trace leaves behind in a program that ends at once. */
export interface Leftovers {
  /** Folder of the instance. */
  readonly path: string;
  /** What holds it. */
  readonly descriptors: readonly number[];
}

/**
 * Removes an instance, its descriptors first, for while they are open the kernel would not. From any thread of the
 * program, once or again; never throws.
 */
export function removeInstance({ path, descriptors }: Leftovers): void {
  for (const descriptor of descriptors) {
    attempt(() => {
      // Its number may be another file's by now.
      if (readlinkSync(`/proc/self/fd/${descriptor}`).includes(`/${basename(path)}/`)) closeSync(descriptor);
    });
  }
  attempt(() => rmdirSync(path));
}

function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // It is gone already, or it stays: there is nothing to be done.
  }
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error ? String(error.code) : undefined;
