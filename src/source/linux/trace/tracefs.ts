import { constants, existsSync, mkdirSync, openSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { codeOf } from '../../../model/error.ts';
import { removeLeftovers } from '../../leftovers.ts';
import type { FolderLeftovers } from '../../types.ts';
import { ERRNO, NativeError } from '../netlink/errno.ts';
import type { Native } from '../netlink/native.ts';
import { isForbidden } from '../netlink/system.ts';

/** Thrown if the trace is not available. The message is the reason, a clause without a full stop. */
export class TraceUnavailable extends Error {}

/** Usual mount points of tracefs (Documentation/trace/ftrace.rst). */
const MOUNT_POINTS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];

/** Prefix of the names of instances, also of those that an ended netpane left behind. */
const PREFIX = 'netpane-';

/** Maximum number of attempts to create an instance: another netpane that starts may remove it before it is open. */
const MAX_TRIES = 5;

/** A mounted tracefs: its folder, and its mount if netpane has made it. */
export interface Tracefs {
  readonly root: string;
  /** Descriptor of netpane's own mount, which lasts until it is closed; undefined if tracefs is mounted elsewhere. */
  readonly mount: number | undefined;
}

/**
 * Finds tracefs, or mounts it without a mount point, visible to no other program.
 * @throws TraceUnavailable
 */
export function findTracefs(
  native: Pick<Native, 'mountDetached'>,
  mountPoints: readonly string[] = MOUNT_POINTS,
): Tracefs {
  const root = mountPoints.find((mountPoint) => existsSync(`${mountPoint}/instances`));
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

/** Returns the error as a reason in words. */
export function unavailable(error: unknown): TraceUnavailable {
  if (error instanceof TraceUnavailable) return error;
  if (isForbidden(error)) {
    const isRoot = process.geteuid?.() === 0;
    return new TraceUnavailable(isRoot ? 'access to tracefs denied' : 'tracing needs root');
  }
  const code = codeOf(error);
  const text = error instanceof Error ? error.message : String(error);
  return new TraceUnavailable(`tracefs error: ${code || text}`);
}

/** A trace instance of netpane, independent of all other traces of the machine. */
export interface Instance extends FolderLeftovers {
  readonly cpus: readonly Cpu[];
}

/** A processor in a trace instance. */
export interface Cpu {
  /** Its folder in the instance. */
  readonly path: string;
  /** Descriptor of its `trace_pipe_raw`. While one is open, the kernel rejects the removal of the instance. */
  readonly pipe: number;
}

/** Removes the instances of ended netpanes and creates an instance. Throws the errors of node:fs. */
export function makeInstance(root: string): Instance {
  const folder = `${root}/instances`;
  for (const name of readdirSync(folder)) {
    // Fails with EBUSY for an instance in use.
    if (name.startsWith(PREFIX)) attempt(() => rmdirSync(`${folder}/${name}`));
  }
  for (let tries = 1; ; tries++) {
    const path = makeFolder(folder);
    const cpus: Cpu[] = [];
    const descriptors: number[] = [];
    try {
      attempt(() => descriptors.push(stopOnExit(path)));
      openPipes(path, cpus, descriptors);
      return { path, cpus, descriptors };
    } catch (error) {
      removeLeftovers({ path, descriptors });
      const isGone = ['ENOENT', 'ENODEV'].includes(codeOf(error));
      if (!isGone || tries === MAX_TRIES) throw error;
    }
  }
}

/** Creates a folder with a free name: this process may have several instances, and its pid may be reused. */
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
 * Makes the kernel stop the trace and free its buffers when netpane ends, even by SIGKILL. Otherwise it would record until
 * the next netpane removes the instance. Throws the errors of node:fs.
 * @returns a descriptor of `free_buffer`, to be kept open (kernel/trace/trace.c, tracing_free_buffer_release)
 */
function stopOnExit(path: string): number {
  writeFileSync(`${path}/trace_options`, 'disable_on_free', { flag: 'r+' });
  return openSync(`${path}/free_buffer`, constants.O_WRONLY);
}

/** Opens the pipe of every possible processor, including offline ones, which may come online. */
function openPipes(path: string, cpus: Cpu[], descriptors: number[]): void {
  for (const name of readdirSync(`${path}/per_cpu`)) {
    const folder = `${path}/per_cpu/${name}`;
    const pipe = openSync(`${folder}/trace_pipe_raw`, constants.O_RDONLY | constants.O_NONBLOCK);
    cpus.push({ path: folder, pipe });
    descriptors.push(pipe);
  }
}

function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // Already removed, or still in use: the caller needs neither.
  }
}
