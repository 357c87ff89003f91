/**
 * How much is kept of each kind, so that the program stays within its share of the memory however much happens. The rest
 * is counted, and the count is shown.
 */
export interface Bounds {
  /** With so many sockets kept, a TIME_WAIT that is not kept yet is only counted. */
  readonly remnants: number;
  /** With so many sockets kept, any socket that is not kept yet is only counted; a listener with a tenth more. */
  readonly sockets: number;
  /** Closed rows that linger. */
  readonly closedRows: number;
  /** Events that the log keeps. */
  readonly events: number;
  /** Kernel events that wait to be taken; twice as many lives that are gone stay known. */
  readonly waitingEvents: number;
  /** Old objects of the sampling thread, MB: with more it ends with ERR_WORKER_OUT_OF_MEMORY. */
  readonly samplerMb: number;
}

const MB = 1_000_000;

/** Share of the memory that the program takes at most: where it runs, other programs run too. */
const SHARE = 0.6;

/** The program without sockets, and what V8 keeps beyond the objects that live, MB. */
const BASE_MB = 80;

/** A socket in both threads with what V8 keeps for it, KB; measured in storms (npm run bench -- --storm): 2.6 to 2.9. */
const SOCKET_KB = 3;

/** An event of the log with a socket of its own, KB. */
const EVENT_KB = 1;

/** TIME_WAIT and closed rows take so much of the room at most, where there is ample memory. */
const MOST_REMNANTS = 30_000;
const MOST_CLOSED_ROWS = 20_000;

/** Kernel events of about a second and a half in a storm. */
export const MAX_WAITING_EVENTS = 10_000;

/** Minimum of each bound, however little memory there is. */
const FEWEST = 2000;

/** With more objects than this in one thread something is wrong. */
const MOST_SAMPLER_MB = 4000;

/**
 * The bounds for so much memory.
 * @param memoryBytes what the machine, or the limit of the control group, allows
 */
export function boundsFor(memoryBytes: number): Bounds {
  const roomMb = Math.max(0, (memoryBytes / MB) * SHARE - BASE_MB);
  const most = (kilobytes: number, share: number): number =>
    Math.max(FEWEST, Math.floor((roomMb * share * 1000) / kilobytes));
  const sockets = most(SOCKET_KB, 1);
  return {
    sockets,
    remnants: Math.max(FEWEST, Math.min(Math.floor(sockets / 2), MOST_REMNANTS)),
    closedRows: Math.max(FEWEST, Math.min(Math.floor(sockets / 4), MOST_CLOSED_ROWS)),
    events: most(EVENT_KB, 0.25),
    waitingEvents: Math.max(FEWEST, Math.min(Math.floor(sockets / 8), MAX_WAITING_EVENTS)),
    samplerMb: Math.min(MOST_SAMPLER_MB, Math.max(64, Math.round((memoryBytes / MB) * SHARE))),
  };
}

/** The bounds after the sampling thread ran out of memory: a quarter of its sockets. */
export const smallerBounds = (bounds: Bounds): Bounds => ({
  ...bounds,
  sockets: Math.max(FEWEST, Math.floor(bounds.sockets / 4)),
  remnants: Math.max(FEWEST, Math.floor(bounds.remnants / 4)),
});

/** Without any bound. */
export const UNBOUNDED: Bounds = {
  remnants: Infinity,
  sockets: Infinity,
  closedRows: Infinity,
  events: Infinity,
  waitingEvents: MAX_WAITING_EVENTS,
  samplerMb: Infinity,
};
