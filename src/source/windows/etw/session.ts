import { terminatedText } from '../structures.ts';
import { TRACE_ERROR, type TraceCalls } from './calls.ts';
import {
  CLOCK_SYSTEM_TIME,
  CONTROL,
  EVENT_TRACE_REAL_TIME_MODE,
  PROPERTIES,
  WNODE_FLAG_TRACED_GUID,
} from './layout.ts';
import { EventRing } from './ring.ts';

/** Buffers of a session: 8 of 64 KiB, up to 64 under load. */
const BUFFER_KIB = 64;
const MINIMUM_BUFFERS = 8;
const MAXIMUM_BUFFERS = 64;

/** Longest name of a session (evntrace.h: 1024 characters with NUL), in bytes of UTF-16. */
const NAME_BYTES = 2048;

/** Maximum number of sessions that Windows has at a time. */
const MAX_SESSIONS = 64;

/** Longest wait for the end of the consumer, milliseconds: it reads the events that are left. */
const END_MS = 1000;

/** Name of a session: pid and start of its netpane. */
const NAME = /^netpane-([0-9]{1,10})-([0-9a-f]{1,16})$/;

/** A process by its pid and the FILETIME of its start. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly created: number;
}

/** Number of events and buffers that a session has lost since the last call. */
export interface TraceLosses {
  readonly events: number;
  readonly buffers: number;
}

/**
 * A session of Event Tracing for Windows with the events of Microsoft-Windows-Kernel-Network. Each netpane has its own: a
 * session outlives its program, so one of a netpane that has ended is stopped at the next start of any netpane.
 *
 *     Windows ─▶ buffers of the session ─▶ consumer thread (`consumer.ts`) ─▶ `ring` ─▶ `drain`
 */
export class TraceSession {
  readonly name: string;
  readonly ring: EventRing;
  readonly #calls: TraceCalls;
  readonly #handle: bigint;
  #lost: TraceLosses = { events: 0, buffers: 0 };
  #hasClosed = false;

  private constructor(calls: TraceCalls, name: string, handle: bigint) {
    this.#calls = calls;
    this.name = name;
    this.#handle = handle;
    this.ring = new EventRing();
    calls.startConsumer(name, this.ring);
  }

  /**
   * Starts a session.
   * @param self the process of netpane
   * @param isRunning returns true while a process runs
   * @returns the session; the reason, a clause, if Windows refuses it
   */
  static start(
    calls: TraceCalls,
    self: ProcessIdentity,
    isRunning: (it: ProcessIdentity) => boolean,
  ): TraceSession | string {
    stopStale(calls, isRunning);
    const name = `netpane-${self.pid}-${self.created.toString(16)}`;
    const handle = new BigUint64Array(1);
    const error = calls.start(name, newProperties(), handle);
    if (error !== 0) return refusalText(error);
    const [session = 0n] = handle;
    const enableError = calls.enable(session);
    if (enableError === 0) return new TraceSession(calls, name, session);
    calls.control(session, newProperties(), CONTROL.stop);
    return refusalText(enableError);
  }

  /** Returns why no more events come, a clause; undefined while they do. */
  get failure(): string | undefined {
    const error = this.ring.endedWith;
    if (error === undefined || this.#hasClosed) return undefined;
    return error === 0 ? 'another program stopped the session of events' : refusalText(error);
  }

  /** Returns the losses since the last call, in the buffers of Windows and in the ring. */
  takeLosses(): TraceLosses {
    const properties = newProperties();
    const inRing = this.ring.takeLost();
    const before = this.#lost;
    if (this.#calls.control(this.#handle, properties, CONTROL.query) === 0) {
      const view = new DataView(properties.buffer);
      this.#lost = {
        events: view.getUint32(PROPERTIES.eventsLost, true),
        buffers: view.getUint32(PROPERTIES.realTimeBuffersLost, true),
      };
    }
    return {
      events: inRing + Math.max(0, this.#lost.events - before.events),
      buffers: Math.max(0, this.#lost.buffers - before.buffers),
    };
  }

  /** Makes Windows hand over the events in buffers that are not full. */
  flush(): void {
    this.#calls.control(this.#handle, newProperties(), CONTROL.flush);
  }

  /** Stops the session, and waits until the consumer has ended. May be called again. */
  close(): void {
    if (this.#hasClosed) return;
    this.#hasClosed = true;
    stopSession(this.#calls, this.name, this.ring);
  }
}

/** Stops a session, and waits until its consumer has ended. */
export function stopSession(calls: Pick<TraceCalls, 'control'>, name: string, ring: EventRing): void {
  if (calls.control(name, newProperties(), CONTROL.stop) === 0) ring.waitForEnd(END_MS);
}

/** Stops the sessions of netpanes that have ended. */
function stopStale(calls: TraceCalls, isRunning: (it: ProcessIdentity) => boolean): void {
  const sessions = Array.from({ length: MAX_SESSIONS }, newProperties);
  const count = new Uint32Array(1);
  if (calls.list(sessions, count) !== 0) return;
  for (const session of sessions.slice(0, count[0])) {
    const name = nameOf(session);
    const [, pid, created] = NAME.exec(name) ?? [];
    if (pid === undefined || created === undefined) continue;
    if (!isRunning({ pid: Number(pid), created: Number.parseInt(created, 16) }))
      calls.control(name, newProperties(), CONTROL.stop);
  }
}

/** Returns EVENT_TRACE_PROPERTIES with the settings of a session, and room for its name and that of a file. */
function newProperties(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(PROPERTIES.size + 2 * NAME_BYTES);
  const view = new DataView(bytes.buffer);
  const set = (at: number, value: number): void => view.setUint32(at, value, true);
  set(PROPERTIES.bytes, bytes.length);
  set(PROPERTIES.clock, CLOCK_SYSTEM_TIME);
  set(PROPERTIES.flags, WNODE_FLAG_TRACED_GUID);
  set(PROPERTIES.bufferKib, BUFFER_KIB);
  set(PROPERTIES.minimumBuffers, MINIMUM_BUFFERS);
  set(PROPERTIES.maximumBuffers, MAXIMUM_BUFFERS);
  set(PROPERTIES.mode, EVENT_TRACE_REAL_TIME_MODE);
  // The shortest time after which Windows hands over a buffer that is not full.
  set(PROPERTIES.flushSeconds, 1);
  set(PROPERTIES.nameOffset, PROPERTIES.size);
  set(PROPERTIES.fileNameOffset, PROPERTIES.size + NAME_BYTES);
  return bytes;
}

/** Returns the name of a session in its properties; empty if it does not lie in them. */
function nameOf(properties: Uint8Array): string {
  const view = new DataView(properties.buffer, properties.byteOffset, properties.byteLength);
  const start = view.getUint32(PROPERTIES.nameOffset, true);
  if (start < PROPERTIES.size || start > properties.length) return '';
  return terminatedText(properties.subarray(start, start + NAME_BYTES), 0);
}

function refusalText(error: number): string {
  if (error === TRACE_ERROR.accessDenied) return 'Windows does not allow a session of events';
  if (error === TRACE_ERROR.noResources) return 'Windows has no room for another session of events';
  if (error === TRACE_ERROR.notFound) return 'Windows does not hand over the events of the session';
  return `Windows refuses a session of events with error ${error}`;
}
