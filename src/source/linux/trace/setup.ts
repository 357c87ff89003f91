import { readFileSync, writeFileSync } from 'node:fs';
import { Decoder, EVENTS } from './decoder.ts';
import { TraceUnavailable } from './tracefs.ts';

/*
 * Configures a tracefs instance, and makes it record.
 */

/** Size of the buffers, KiB. The kernel cannot swap this memory. */
const BUFFER_KIB = {
  /** Default per processor. */
  default: 2048,
  /** Minimum per processor, unless the user requests less. */
  min: 256,
  /** Maximum of all processors together by default. */
  defaultTotal: 65_536,
  /** Maximum of all processors together if the user requests a size. */
  maxTotal: 1_048_576,
} as const;

/** Returns the buffer size per processor, KiB. @param requestedKiB size per processor; undefined for the default */
export function bufferKiBFor(
  requestedKiB: number | undefined,
  processors: number,
  memoryKiB: number,
): number {
  if (requestedKiB === undefined)
    return Math.max(
      BUFFER_KIB.min,
      Math.min(BUFFER_KIB.default, Math.floor(BUFFER_KIB.defaultTotal / processors)),
    );
  const maxTotalKiB = Math.min(BUFFER_KIB.maxTotal, memoryKiB / 4);
  return Math.min(requestedKiB, Math.max(1, Math.floor(maxTotalKiB / processors)));
}

/** Writes to an existing file: tracefs files are not created by writing. */
const write = (path: string, text: string): void => writeFileSync(path, text, { flag: 'r+' });

/** Writes a setting that the kernel may not have. @returns true if it was written */
export function tryWrite(path: string, text: string): boolean {
  try {
    write(path, text);
    return true;
  } catch {
    return false;
  }
}

/** Sets clock, options and buffer size of an instance. */
export function configure(path: string, bufferKiB: number): void {
  try {
    write(`${path}/trace_clock`, 'mono');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EINVAL')
      throw new TraceUnavailable('this kernel has no monotonic trace clock');
    throw error;
  }
  // A full buffer drops its oldest page and counts its events. Without `overwrite` it would drop new events, and also
  // count those that a filter rejects later: events in an interrupt that comes while another one is written.
  write(`${path}/trace_options`, 'overwrite');
  // Avoids recording the names of both threads at every context switch of the machine.
  tryWrite(`${path}/trace_options`, 'norecord-cmd');
  // Makes a pipe readable from the first event on, as it always is before Linux 5.0.
  tryWrite(`${path}/buffer_percent`, '0');
  write(`${path}/buffer_size_kb`, String(bufferKiB));
}

/** Enables all events in `EVENTS` that this kernel has with a known layout. @returns their decoder */
export function enableEvents(path: string): Decoder {
  const decoder = new Decoder();
  for (const [name, { filter, isRequired }] of EVENTS) {
    const folder = `${path}/events/${name}`;
    const isOn =
      decoder.addEvent(name, textOf(`${folder}/format`)) &&
      (filter === undefined || tryWrite(`${folder}/filter`, filter)) &&
      tryWrite(`${folder}/enable`, '1');
    if (!isOn && isRequired) throw new TraceUnavailable('this kernel cannot trace socket states');
  }
  return decoder;
}

/** Returns the content of a file; an empty text if it cannot be read. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
