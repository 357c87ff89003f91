import type { EventRing } from './ring.ts';

/** Error codes of sessions, winerror.h. */
export const TRACE_ERROR = {
  accessDenied: 5,
  /** The consumer could not begin. */
  internal: 1359,
  /** There are as many sessions as Windows allows. */
  noResources: 1450,
  /** There is no such session. */
  notFound: 4201,
} as const;

/** The calls of Windows about sessions of events; tests have fakes. A returned number is an error code, 0 for success. */
export interface TraceCalls {
  /** StartTraceW. @param handle receives that of the session */
  start(name: string, properties: Uint8Array, handle: BigUint64Array): number;
  /** EnableTraceEx2: lets Microsoft-Windows-Kernel-Network report to a session. */
  enable(handle: bigint): number;
  /** ControlTraceW: stops a session, or asks for its counters. @param which its handle or name */
  control(which: bigint | string, properties: Uint8Array, code: number): number;
  /** QueryAllTracesW. @param into one EVENT_TRACE_PROPERTIES each @param count receives the number of sessions */
  list(into: readonly Uint8Array[], count: Uint32Array): number;
  /** Starts a thread that writes the events of a session to a ring until the session is stopped. */
  startConsumer(name: string, ring: EventRing): void;
}
