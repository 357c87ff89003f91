import type { Coverage, Event } from './event.ts';
import type { HostId } from './host.ts';
import type { NetworkNamespace, Socket } from './socket.ts';

/** Notice about something that a source cannot see, in words that a user can act on. */
export interface Degradation {
  /** Stable name of the kind; two notices with the same code are the same notice. */
  readonly code: string;
  /** What is missing and how to fix it: a full sentence. */
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
  /** Empty if the source does not read interfaces. */
  readonly interfaces: readonly NetworkInterface[];
  readonly degradations: readonly Degradation[];
  /** Time spent reading the sockets, milliseconds. */
  readonly sampleMs: number;
  /** Time spent finding the owners of the sockets, milliseconds. */
  readonly ownersMs: number;
}

/** Elapsed time that one tick took, milliseconds. */
export interface Cost {
  readonly sampleMs: number;
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
 * parts, so that the receiving thread can react to keys in between. The difference is split over the parts; all other
 * fields are the same in each.
 */
export interface Batch extends Difference {
  /** More parts of this batch follow. */
  readonly partial: boolean;
  /** True for the first batch of a source: every socket is in `spawned`, and there are no events. */
  readonly baseline: boolean;
  /** The host of all its sockets. */
  readonly host: HostId;
  /** Name of the source, as the screen shows it. */
  readonly source: string;
  /** Wall-clock time, milliseconds since 1970. May jump; for display only. */
  readonly takenAtMs: number;
  /** Monotonic clock with an arbitrary origin, milliseconds. For ages and rates. */
  readonly monotonicMs: number;
  /** The interval in use, milliseconds: longer than the user chose while a tick takes more than its share of that. */
  readonly pacedIntervalMs: number;
  readonly interfaces: readonly NetworkInterface[];
  readonly degradations: readonly Degradation[];
  /**
   * Events in order of time; empty in the baseline. A socket may spawn and close within one batch. A socket of the
   * lists has an event here if its change is notable (`isNotable`). The socket of an event is in the lists too, except
   * one that changed and closed since.
   */
  readonly events: readonly Event[];
  readonly coverage: Coverage;
  readonly cost: Cost;
}
