import type { Coverage, Event } from './event.ts';
import type { HostId } from './host.ts';
import type { NetworkNamespace, Socket } from './socket.ts';

/** A notice: what netpane cannot see or do as requested, in words that a user can act on. */
export interface Degradation {
  /** Stable name of the kind; two notices with the same code are the same notice. */
  readonly code: string;
  /** The whole text: the limitation, its reason, and the remedy if there is one. */
  readonly text: string;
  /** Short form, a few words, for a narrow pane. */
  readonly short: string;
}

/** A network interface with its byte counters since it came up. */
export interface NetworkInterface {
  readonly name: string;
  readonly netns?: NetworkNamespace;
  readonly isUp: boolean;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly addresses: readonly string[];
}

/** Result of one poll: every current socket, by id. */
export interface Snapshot {
  readonly sockets: ReadonlyMap<string, Socket>;
  /** Sockets that have closed since the last poll and whose final traffic is known; absent if there are none. */
  readonly ended?: readonly Socket[];
  /** Empty if the source does not read interfaces. */
  readonly interfaces: readonly NetworkInterface[];
  readonly degradations: readonly Degradation[];
  /** Time of the poll without `ownersMs`, milliseconds: nearly all of it is spent reading the sockets. */
  readonly socketsMs: number;
  /** Time spent finding the owners of the sockets, milliseconds. */
  readonly ownersMs: number;
}

/** Elapsed time of one poll, milliseconds: the times in its `Snapshot`, and the time to compare it with the last one. */
export interface Cost {
  readonly socketsMs: number;
  readonly ownersMs: number;
  readonly diffMs: number;
}

/** Difference between two snapshots. */
export interface Difference {
  readonly spawned: readonly Socket[];
  /** New version of every socket with a changed field. */
  readonly changed: readonly Socket[];
  /** Ids of sockets that are missing from the newer snapshot. */
  readonly closed: readonly string[];
}

/**
 * The message from the sampler to the store: everything that changed since the previous batch. A big batch is sent in
 * parts, so that the receiving thread can react to keys in between. The lists of sockets and events are split over the
 * parts; all other fields except `partial` are the same in each.
 */
export interface Batch extends Difference {
  /** More parts of this batch follow. */
  readonly partial: boolean;
  /** True for the first batch of a sampler: every socket is in `spawned`, and the sockets have no spawn events. */
  readonly baseline: boolean;
  /** The host of all its sockets. */
  readonly host: HostId;
  /** Name of the source, as the screen shows it. */
  readonly source: string;
  /** Wall-clock time, milliseconds since 1970. May jump; for display only. */
  readonly takenAtMs: number;
  /** Monotonic clock with an arbitrary origin, milliseconds. For ages and rates. */
  readonly monotonicMs: number;
  /** The interval in use, milliseconds: longer than the chosen one while polls take more than their share of it. */
  readonly pacedIntervalMs: number;
  readonly interfaces: readonly NetworkInterface[];
  readonly degradations: readonly Degradation[];
  /**
   * Events in order of time: every spawn, notable change (`isNotable`) and close, except spawns in the baseline. The
   * baseline has only what kernel events reported during the first poll, and a gap after a restart of the sampler.
   * Empty if `SamplerOptions.onEvents` receives the events. A socket may spawn and close within one batch. An event may
   * have an older version of its socket than the lists.
   */
  readonly events: readonly Event[];
  readonly coverage: Coverage;
  readonly cost: Cost;
}
