/**
 * Maximum numbers of sockets, rows and events kept in memory, and a heap limit. What exceeds a bound is counted, and
 * the count is shown.
 */
export interface Bounds {
  /** Once this many sockets of any state are kept, new TIME_WAIT sockets are only counted. */
  readonly remnants: number;
  /** Once this many sockets are kept, new ones are only counted. New listeners are kept up to 110 % of it. */
  readonly sockets: number;
  /** Maximum number of closed rows that are still shown. */
  readonly closedRows: number;
  /** Maximum number of events in the log. */
  readonly events: number;
  /**
   * Maximum number of events and changed lives that wait in the sampler while no batch is taken. The sampler also keeps up
   * to twice this number of lives that are gone. It also decides how many close messages wait in an event source, per
   * namespace (`MESSAGES_PER_EVENT`).
   */
  readonly waitingEvents: number;
  /**
   * Maximum number of connections in a batch of the screen that opened and closed between two polls and have a row and
   * events each; further ones are only counted, by program and peer.
   */
  readonly shortLives: number;
  /** Old-generation heap limit of the sampling thread, MB; beyond it the thread ends with ERR_WORKER_OUT_OF_MEMORY. */
  readonly samplerMb: number;
}

const MB = 1_000_000;

/** Share of the memory for netpane and its sockets. The event log may take a quarter of the sockets' part on top. */
const MEMORY_SHARE = 0.6;

/** Memory of netpane without sockets, MB; includes garbage that V8 has not collected yet. */
const BASE_MB = 80;

/** Memory of one socket in both threads, with V8 overhead, KB. Measured by `npm run bench -- --storm`: 2.6 to 2.9. */
const SOCKET_KB = 3;

/** Memory of one event of the log, KB. The event has its own copy of the socket. */
const EVENT_KB = 1;

/** Upper limits for TIME_WAIT sockets and closed rows, however much memory there is. */
const MAX_REMNANTS = 20_000;
const MAX_CLOSED_ROWS = 10_000;

/** Upper limit for `Bounds.waitingEvents`: about 1.5 s at 7000 events per second. */
export const MAX_WAITING_EVENTS = 10_000;

/** `Bounds.shortLives`: 5000 events, which are half of the log, and more than a user reads in a second. */
const SHORT_LIVES = 2500;

/** Lower limit of each bound on a number, however little memory there is. */
const MIN_BOUND = 2000;

/** Upper limit for the heap of the sampling thread, MB; a thread that needs more has a leak. */
const MAX_SAMPLER_MB = 4000;

/**
 * Returns the bounds that fit a memory size.
 * @param memoryBytes Memory of the machine, or the limit of its control group.
 */
export function boundsFor(memoryBytes: number): Bounds {
  const availableMb = Math.max(0, (memoryBytes / MB) * MEMORY_SHARE - BASE_MB);
  /** Returns how many items of a size fit into a share of the available memory. */
  const boundFor = (itemKb: number, share: number): number =>
    Math.max(MIN_BOUND, Math.floor((availableMb * share * 1000) / itemKb));
  const sockets = boundFor(SOCKET_KB, 1);
  return {
    sockets,
    remnants: Math.max(MIN_BOUND, Math.min(Math.floor(sockets / 2), MAX_REMNANTS)),
    closedRows: Math.max(MIN_BOUND, Math.min(Math.floor(sockets / 4), MAX_CLOSED_ROWS)),
    events: boundFor(EVENT_KB, 0.25),
    waitingEvents: Math.max(MIN_BOUND, Math.min(Math.floor(sockets / 8), MAX_WAITING_EVENTS)),
    shortLives: SHORT_LIVES,
    samplerMb: Math.min(MAX_SAMPLER_MB, Math.max(64, Math.round((memoryBytes / MB) * MEMORY_SHARE))),
  };
}

/** Returns the bounds to use after the sampling thread ran out of memory: a quarter of the sockets and remnants. */
export const smallerBounds = (bounds: Bounds): Bounds => ({
  ...bounds,
  sockets: Math.max(MIN_BOUND, Math.floor(bounds.sockets / 4)),
  remnants: Math.max(MIN_BOUND, Math.floor(bounds.remnants / 4)),
});

/** No bounds, except for waiting events. */
export const UNBOUNDED: Bounds = {
  remnants: Infinity,
  sockets: Infinity,
  closedRows: Infinity,
  events: Infinity,
  waitingEvents: MAX_WAITING_EVENTS,
  shortLives: Infinity,
  samplerMb: Infinity,
};
