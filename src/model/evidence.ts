import type { ProcessTarget } from './process.ts';

/** A fact about a process. All texts are untrusted. */
export interface EvidenceLine {
  /** One word, at most eight letters: `why`, `package`. */
  readonly label: string;
  readonly text: string;
  /** Its source: a file, a system call, a program. */
  readonly from: string;
}

/** A fact of the verdict. */
export interface Finding {
  /** Untrusted. */
  readonly text: string;
  /** True if usual programs do not have it. */
  readonly isUnusual: boolean;
}

/** Everything known of a process besides its sockets, with the process that it was read for. */
export interface Evidence extends ProcessTarget {
  /** Facts that decide whether the process is legitimate, without a judgement. */
  readonly verdict: readonly Finding[];
  readonly lines: readonly EvidenceLine[];
  /** False while some of it has not been read yet. */
  readonly isComplete: boolean;
}
