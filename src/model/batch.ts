import type { Coverage, Event } from './event.ts';
import type { NetworkNamespace, Socket } from './socket.ts';

/** Something a source could not see, in words a user can act on. */
export interface Degradation {
  /** Stable name of the kind, so that a repeated notice is known as the same one. */
  readonly code: string;
  /** A whole sentence: what is missing and what would mend it. */
  readonly text: string;
  /** The same in a few words, for a narrow pane. */
  readonly short: string;
}

/** A network interface and what has gone through it since it came up. */
export interface NetworkInterface {
  readonly name: string;
  readonly netns?: NetworkNamespace;
  readonly isUp: boolean;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly addresses: readonly string[];
}

/** What one reading of the system gave: every socket now, by id. */
export interface Snapshot {
  readonly sockets: ReadonlyMap<string, Socket>;
  /** Empty where the source does not tell. */
  readonly interfaces: readonly NetworkInterface[];
  readonly degradations: readonly Degradation[];
  /** Time spent reading the sockets, milliseconds. */
  readonly sampleMs: number;
  /** Time spent finding the programs behind them, milliseconds. */
  readonly ownersMs: number;
}

/** What one tick cost, milliseconds of elapsed time. */
export interface Cost {
  readonly sampleMs: number;
  readonly ownersMs: number;
  readonly diffMs: number;
}

/** What differs between two snapshots. */
export interface Difference {
  readonly spawned: readonly Socket[];
  /** Sockets of which any field differs, as they are now. */
  readonly changed: readonly Socket[];
  /** Ids of sockets that are there no more. */
  readonly closed: readonly string[];
}

/**
 * The one message of the program: what happened since the last one. A big one comes in parts, so that whoever takes
 * it stays awake; each part has its share of the difference, and all else alike.
 */
export interface Batch extends Difference {
  /** More parts of this batch follow. */
  readonly partial: boolean;
  /** The first batch of a source: everything is `spawned`, nothing of it is news. */
  readonly baseline: boolean;
  /** Name of the source, as the screen shows it. */
  readonly source: string;
  /** Wall-clock time, milliseconds since 1970. May jump; only for showing. */
  readonly takenAtMs: number;
  /** Milliseconds on a clock that never jumps or runs backwards; its zero means nothing. For ages and rates. */
  readonly monotonicMs: number;
  /** The interval that was asked for. */
  readonly intervalMs: number;
  /** The interval in use: longer while a tick would cost more than its share of the one asked for. */
  readonly pacedIntervalMs: number;
  readonly interfaces: readonly NetworkInterface[];
  readonly degradations: readonly Degradation[];
  /**
   * What happened, in order of time; a socket may come and go in it. Nothing of the baseline. What is in the lists is
   * here too where it is news, and the other way round but for changes of a socket that has gone since.
   */
  readonly events: readonly Event[];
  readonly coverage: Coverage;
  readonly cost: Cost;
}
