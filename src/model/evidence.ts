/** A statement about a process. All texts are untrusted. */
export interface EvidenceLine {
  /** One word: `started by`, `package`. */
  readonly label: string;
  readonly text: string;
  /** Where it is from: a file, a call, a command. */
  readonly from: string;
}

/** A part of the verdict. */
export interface Finding {
  readonly text: string;
  /** True for what a usual program does not have. */
  readonly isUnusual: boolean;
}

/** What is known of a process besides its sockets, as far as it has been read. */
export interface Evidence {
  readonly pid: number;
  /** As in `Owner`; absent if it was not given. */
  readonly startedAtMs?: number;
  /** Facts that decide whether the process is legitimate, without a judgement. */
  readonly verdict: readonly Finding[];
  readonly lines: readonly EvidenceLine[];
  /** False while more is being read. */
  readonly isComplete: boolean;
}
